/**
 * One gateway in front of all protected servers of the official suite's client scenarios, as somebody would run
 * it: each of them is discovered, one person signs in once, connects where a call says so, and calls again.
 */
import type { Client } from '@modelcontextprotocol/client'
import { Client as StockClient, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'

import { SESSION_COOKIE } from '../../pages/cookies.ts'
import { temporaryKey } from '../../seal/seal.ts'
import { startOwnIssuer } from '../authorization-server.ts'
import { createRobot, type Robot } from '../browser-robot.ts'
import { startFetchServer } from '../fetch-server.ts'
import { FormRobot } from '../form-robot.ts'
import { allowAll, type TestGatehouse } from '../gatehouse.ts'
import { OauthAgent, signIn } from '../oauth-agent.ts'

/** A scenario as its client is told of it. */
type Scenario = {
  readonly scenario: string
  /** Of the suite's server. */
  readonly url: string
  /** What the suite passes on. */
  readonly context: Readonly<Record<string, string>>
}

/** Address that the suite knows as the client's document. */
const CLIENT_DOCUMENT = 'https://conformance-test.local/client-metadata.json'

/** Of the client that one scenario has registered beforehand. */
const CLIENT_SECRET = 'pre-registered-secret'

/** Links followed for one scenario; the suite counts attempts that never succeed. */
const MAX_LINKS = 6

/** The suite starts all of its clients at once: they are waited for, and configured together. */
const GATHER_MS = 400

const LINK = /http:\/\/[^\s"]+\/connect\/[\w-]+\?ticket=[\w-]+/

export type ProtectedServers = {
  readonly gateway: TestGatehouse
  /** Where clients tell of their scenarios. */
  readonly url: string
  /** As they are configured, by name. */
  readonly providers: Readonly<Record<string, unknown>>
  /** Why scenarios came to another end than an answered call, by name. */
  readonly faults: Map<string, string>
  stop(): Promise<void>
}

export async function startProtectedServers(): Promise<ProtectedServers> {
  const gateway = await startOwnIssuer({
    servers: { none: 'http://127.0.0.1:9/mcp' },
    rules: [{ ...allowAll('none'), servers: ['*'] }],
    env: { CLIENT_SECRET, GATEHOUSE_KEYS: `k1:${temporaryKey().key.reveal()}` },
  })
  const person = await signInOnce(gateway)
  const faults = new Map<string, string>()
  const providers: Record<string, unknown> = {}
  const add = createAdder(gateway, providers)
  let signingOn: Promise<unknown> = Promise.resolve()
  const host = await startFetchServer(async (request) => {
    const told = (await request.json()) as Scenario
    try {
      const server = await add(told)
      const scene = { url: `${gateway.origin}/mcp/${server}`, gateway, person }
      // A browser is at one page at a time.
      const token = signingOn.then(() => tokenFor(scene))
      signingOn = token.catch(() => undefined)
      await play(await token, scene)
      return new Response(null)
    } catch (error) {
      faults.set(told.scenario, String(error))
      return new Response(null, { status: 500 })
    }
  })
  const stop = async (): Promise<void> => {
    await host.stop()
    await gateway.stop()
  }
  return { gateway, url: host.url, providers, faults, stop }
}

/** Adds servers to the configuration in force; those that come together are loaded together. */
function createAdder(
  gateway: TestGatehouse,
  providers: Record<string, unknown>,
): (told: Scenario) => Promise<string> {
  const servers: Record<string, unknown> = {}
  let loading: Promise<void> | undefined
  let last = Promise.resolve()
  const load = async (): Promise<void> => {
    const before = last
    await new Promise((resolve) => setTimeout(resolve, GATHER_MS))
    await before
    loading = undefined
    await gateway.writeConfig({ servers: { ...servers }, providers: { ...providers } })
    const { json } = await gateway.admin('POST', '/admin/reload')
    if (json['ok'] !== true) throw new Error(JSON.stringify(json))
  }
  return async ({ scenario, url, context }) => {
    const name = `s${Object.keys(servers).length}-${scenario.replaceAll(/[^a-z0-9]+/g, '-')}`
    const { client_id: id, issuer } = context
    const client =
      id === undefined ? {} : { issuer, client: { id, secret: '${env:CLIENT_SECRET}' } }
    providers[name] = { discover: url, client_document: CLIENT_DOCUMENT, ...client }
    servers[name] = {
      upstream: url,
      path: `/mcp/${name}`,
      // Names are called that the suite's servers list to nobody without a token.
      unlisted: 'allow',
      credential: { mode: 'vault', provider: name },
    }
    await (loading ??= last = load())
    return name
  }
}

type Person = {
  readonly robot: FormRobot
  /** Id of the client that acts for the person. */
  readonly client: string
}

async function signInOnce(gateway: TestGatehouse): Promise<Person> {
  const agent = new OauthAgent(gateway.origin)
  const robot = new FormRobot()
  const { json: client } = await agent.register()
  const url = agent.authorizeUrl(client.client_id, { resource: gateway.url('none') })
  await signIn(robot, await robot.open(url))
  return { robot, client: client.client_id }
}

type Scene = {
  /** Of the server at the gateway. */
  readonly url: string
  readonly gateway: TestGatehouse
  readonly person: Person
}

/** Lists and calls, connecting whenever it is told to; rejects when that comes to no end. */
async function play(token: string, scene: Scene): Promise<void> {
  const { url } = scene
  const browser = browserOf(scene)
  let links = 0
  const follow = async (link: string): Promise<void> => {
    links += 1
    if (links > MAX_LINKS) throw new Error(`asked to connect ${links} times`)
    const offer = await browser.open(link)
    const page = offer.html.includes('<form') ? await browser.submit(offer) : offer
    if (!page.html.includes('is connected'))
      throw new Error(/<p>(.*?)<\/p>/s.exec(page.html)?.[1] ?? page.html)
  }
  for (;;) {
    const link = await attempt({ url, token, follow })
    if (link === undefined) return
    await follow(link)
  }
}

type Attempt = {
  readonly url: string
  readonly token: string
  readonly follow: (link: string) => Promise<void>
}

/** A client from nothing to a call. @returns a link that it was given and cannot open by itself. */
async function attempt({ url, token, follow }: Attempt): Promise<string | undefined> {
  const client = new StockClient(
    { name: 'conformance-client', version: '1.0.0' },
    { capabilities: { elicitation: { url: {} } }, versionNegotiation: { mode: 'auto' } },
  )
  client.setRequestHandler('elicitation/create', async ({ params }) => {
    if (params.mode === 'url') await follow(params.url)
    return { action: 'accept' }
  })
  const headers = { Authorization: `Bearer ${token}` }
  try {
    await client.connect(
      new StreamableHTTPClientTransport(new URL(url), { requestInit: { headers } }),
    )
    await client.listTools()
    return linkIn(await call(client))
  } catch (error) {
    const { message, data } = error as { message: string; data?: unknown }
    const link = linkIn({ message, data })
    if (link === undefined) throw error
    return link
  } finally {
    await client.close()
  }
}

function call(client: Client): Promise<unknown> {
  return client.callTool({ name: 'test-tool', arguments: {} })
}

function linkIn(said: unknown): string | undefined {
  return LINK.exec(JSON.stringify(said))?.[0]
}

/** A token of the gateway for one of its servers; accounts are connected later, in the protocol. */
async function tokenFor({ url, gateway, person }: Scene): Promise<string> {
  const agent = new OauthAgent(gateway.origin)
  const { robot } = person
  const consent = await robot.open(agent.authorizeUrl(person.client, { resource: url }))
  let page = await robot.submit(consent, { do: 'allow' })
  const later = /href="([^"]+)">(?:Not now|Go on without it)</.exec(page.text)?.[1]
  if (later !== undefined) page = await robot.open(new URL(later, page.url).href)
  const code = new URL(page.headers.get('location') ?? 'none:').searchParams.get('code') ?? ''
  const { json } = await agent.redeem(person.client, code)
  if (json.access_token === undefined) throw new Error(`no token: ${page.url}`)
  return json.access_token
}

/** The person's browser, which goes to other sites too. */
function browserOf({ gateway, person }: Scene): Robot {
  const [cookie = ''] = person.robot.cookies.filter((one) => one.startsWith(`${SESSION_COOKIE}=`))
  const browser = createRobot()
  browser.setCookie(gateway.origin, SESSION_COOKIE, cookie.slice(SESSION_COOKIE.length + 1))
  return browser
}

/**
 * One visit in a real browser, without scripts and under the policies that pages set for themselves: a person signs
 * in, allows a client, connects what its server works with, and is at the client. Nobody sees a page of a
 * provider that has nothing to ask.
 */
import assert from 'node:assert/strict'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, test } from 'node:test'
import type { Client } from '@modelcontextprotocol/client'
import type { Browser, Page } from 'playwright-core'

import { startOwnIssuer } from '../../testkit/authorization-server.ts'
import { openContext, startBrowser } from '../../testkit/browser.ts'
import { freePort } from '../../testkit/free-port.ts'
import { allowAll, type TestGatehouse } from '../../testkit/gatehouse.ts'
import { ALICE, OauthAgent } from '../../testkit/oauth-agent.ts'
import { PASSWORD, startOffice, type Office, type Person } from '../../testkit/office.ts'
import { startRecordingServer, type RecordingServer } from '../../testkit/recording-server.ts'
import { ringEntry } from '../../testkit/replicas.ts'
import { startRotatingProvider, type RotatingProvider } from '../../testkit/rotating-provider.ts'
import { callTool, post } from '../../testkit/rpc.ts'
import { connectAuto } from '../../testkit/sdk-client.ts'
import { stopAll } from '../../testkit/stop-all.ts'

let browser: Browser
let application: Server
let office: Office
let acme: RotatingProvider
let upstream: RecordingServer
let gateway: TestGatehouse

before(async () => {
  browser = await startBrowser()
  application = createServer((_request, response) => response.end('you may close this'))
  await new Promise<void>((resolve) => application.listen(0, '127.0.0.1', resolve))
  office = await startOffice()
  upstream = await startRecordingServer()
  const port = await freePort()
  const origin = `http://127.0.0.1:${port}`
  acme = await startRotatingProvider({
    lifeSeconds: 600,
    redirectUris: [`${origin}/connect/acme/callback`],
    clientKeys: `${origin}/.well-known/jwks.json`,
  })
  gateway = await startOwnIssuer({
    servers: { files: { upstream: upstream.url, credential: { mode: 'vault', provider: 'acme' } } },
    rules: [allowAll('files')],
    config: {
      public_url: origin,
      listen: { port },
      // Disconnecting must not end the consent at the provider, or it would have to ask again.
      providers: {
        acme: { ...acme.entry, scopes: ['openid'], silent: true, revoke_url: undefined },
      },
    },
    env: { GATEHOUSE_KEYS: ringEntry('k1') },
  })
})

after(() => stopAll(browser, application, gateway, acme, upstream, office))

async function openPage(): Promise<Page> {
  const context = await openContext(browser, { scheme: 'light', width: 1_000, scripts: false })
  return await context.newPage()
}

/** A client that has sent a person here, and what it makes of their return. */
async function begin(origin: string, resource: string, page: Page) {
  const agent = new OauthAgent(origin)
  const { json } = await agent.register()
  // Any port of a loopback redirect will do.
  const redirect = `http://127.0.0.1:${(application.address() as AddressInfo).port}/callback`
  await page.goto(agent.authorizeUrl(json.client_id, { redirect_uri: redirect, resource }))
  return async (): Promise<string> => {
    await page.waitForURL((url) => url.href.startsWith(redirect), { waitUntil: 'commit' })
    const code = new URL(page.url()).searchParams.get('code') ?? ''
    const tokens = await agent.redeem(json.client_id, code, { redirect_uri: redirect })
    assert.equal(tokens.status, 200, JSON.stringify(tokens.json))
    return tokens.json.access_token
  }
}

async function signIn(page: Page, name: string, password: string): Promise<void> {
  await page.fill('#name', name)
  await page.fill('#password', password)
  await page.press('#password', 'Enter')
  await page.waitForSelector('button[value=allow]')
}

/** From nothing to a client that works for this person, in a browser of their own. */
async function connectOffice(name: Person): Promise<Client> {
  const page = await openPage()
  const resource = office.gateway.url('office')
  const redeem = await begin(office.gateway.origin, resource, page)
  await signIn(page, name, PASSWORD)
  await page.click('button[value=allow]')
  for (const title of ['Google', 'Slack']) {
    await page.waitForSelector(`h1:has-text("Connect your ${title} account")`)
    await page.click(`button:has-text("Continue to ${title}")`)
    await page.click(`form:has-text("${name}@example.com") button`)
  }
  const client = await connectAuto(resource, await redeem())
  await page.context().close()
  return client
}

test('One sign-in, one consent, Google and Slack connected, and both tools act as that person, for two at once', async () => {
  const people = ['alice', 'bob'] as const
  const clients = await Promise.all(people.map((name) => connectOffice(name)))
  const use = async (client: Client, name: string, args: Record<string, string>) => {
    const { content } = await client.callTool({ name, arguments: args })
    return (content as { text: string }[])[0]?.text
  }
  const said = await Promise.all(
    clients.flatMap((client) => [
      use(client, 'search_drive', { query: 'report' }),
      use(client, 'post_to_slack', { text: 'hello' }),
    ]),
  )
  const expected = people.flatMap((name) => [`report of ${name}`, `posted as ${name}`])
  assert.deepEqual(said, expected)
  await Promise.all(clients.map((client) => client.close()))
})

test('A provider that has nothing to ask shows no page; the first time it has, and ours comes before it', async () => {
  const page = await openPage()
  await page.context().addCookies([{ name: 'user', value: 'alice', url: acme.origin }])
  const visited: string[] = []
  page.on('framenavigated', (frame) => visited.push(new URL(frame.url()).pathname))
  const resource = gateway.url('files')
  const call = async (token: string): Promise<string | undefined> => {
    const { json, text } = await post(resource, callTool('echo'), { token })
    assert.equal(json?.error ?? json?.result?.['isError'], undefined, text)
    const last = upstream.calls('tools/call').at(-1)?.headers.authorization ?? ''
    return await acme.userOf(last.replace('Bearer ', ''))
  }

  const first = await begin(gateway.origin, resource, page)
  await signIn(page, ALICE.name, ALICE.password)
  await page.click('button[value=allow]')
  await page.click('button:has-text("Continue to Acme")')
  assert.equal(await call(await first()), 'alice')

  await page.goto(`${gateway.origin}/connect`)
  await page.click('button:has-text("Disconnect Acme")')
  await page.waitForSelector('text=Not connected')
  const again = await begin(gateway.origin, resource, page)
  await page.waitForSelector('button[value=allow]')
  visited.length = 0
  await page.click('button[value=allow]')
  assert.equal(await call(await again()), 'alice')
  assert.deepEqual(visited, ['/callback'])
  await page.context().close()
})

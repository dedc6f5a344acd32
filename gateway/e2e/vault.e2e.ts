/**
 * Accounts that people connect: the pages where they do, the link in the words of each era, who gets
 * whose token, and what becomes of a connection over time.
 */
import assert from 'node:assert/strict'
import { after, before, beforeEach, test } from 'node:test'

import { temporaryKey } from '../seal/seal.ts'
import { A_JWT, writtenBy } from '../testkit/canaries.ts'
import { ACME_SECRET } from '../testkit/acme.ts'
import { openEvents } from '../testkit/event-reader.ts'
import { createRobot } from '../testkit/browser-robot.ts'
import { eventually } from '../testkit/eventually.ts'
import { freePort } from '../testkit/free-port.ts'
import { allowAll, startGatehouse, type TestGatehouse } from '../testkit/gatehouse.ts'
import { startRecordingServer, type RecordingServer } from '../testkit/recording-server.ts'
import { startRotatingProvider, type RotatingProvider } from '../testkit/rotating-provider.ts'
import { callTool, modern, openSession, post, request, type Reply } from '../testkit/rpc.ts'
import { codeUrl, createPeople, linkIn, type People } from '../testkit/people.ts'
import { runCli } from '../testkit/run-cli.ts'
import { stopAll } from '../testkit/stop-all.ts'

const RING = [{ ...temporaryKey(), id: 'k1' }]
const KEYS = RING.map(({ id, key }) => `${id}:${key.reveal()}`).join()
const STATE = 'state.db'

let upstream: RecordingServer
let acme: RotatingProvider
let gateway: TestGatehouse
let people: People
/** Every credential that went up. */
const sent = new Set<string>()

before(async () => {
  upstream = await startRecordingServer()
  const port = await freePort()
  acme = await startRotatingProvider({
    lifeSeconds: 600,
    redirectUris: [`http://127.0.0.1:${port}/connect/acme/callback`],
  })
  const vault = { mode: 'vault', provider: 'acme' }
  gateway = await startGatehouse({
    servers: {
      files: { upstream: upstream.url, credential: vault },
      strict: { upstream: upstream.url, credential: { ...vault, needed_for: 'everything' } },
      writes: { upstream: upstream.url, credential: { ...vault, scopes: ['drive.write'] } },
      office: { upstream: upstream.url, credential: { ...vault, account: 'work' } },
    },
    rules: ['files', 'strict', 'writes', 'office'].map(allowAll),
    config: {
      public_url: `http://127.0.0.1:${port}`,
      listen: { port },
      state: { driver: 'sqlite', file: STATE },
      providers: { acme: acme.entry, other: { ...acme.entry, title: 'Other' } },
      authorization_server: 'embedded',
      issuers: [],
    },
    env: { ACME_SECRET, GATEHOUSE_KEYS: KEYS },
  })
  people = createPeople({ gateway, provider: acme.origin, ring: RING, stateFile: STATE })
})

beforeEach(() => {
  for (const { headers } of upstream.seen)
    if (headers.authorization) sent.add(headers.authorization)
  upstream.seen.length = 0
  upstream.override = undefined
})

after(() => stopAll(gateway, upstream, acme))

async function call(subject: string, server = 'files'): Promise<Reply> {
  const token = await people.tokenOf(subject, server)
  return await post(gateway.url(server), callTool('echo'), { token })
}

async function connect(subject: string): Promise<void> {
  const robot = await people.browserOf(subject)
  const page = await robot.submit(await robot.open(linkIn(await call(subject))))
  assert.match(page.html, /Acme is connected/)
}

/** Whose token went up with the last call of a tool. */
async function sentAs(): Promise<string | undefined> {
  const last = upstream.calls('tools/call').at(-1)?.headers.authorization ?? ''
  return await acme.userOf(last.replace('Bearer ', ''))
}

test('A caller who has connected nothing is told where, connects in a browser, and the retry goes through as itself', async () => {
  const refused = await call('alice')
  assert.equal(refused.status, 200)
  assert.equal(refused.json?.result?.['isError'], true)
  assert.equal(upstream.calls('tools/call').length, 0)
  const robot = await people.browserOf('alice')
  const offer = await robot.open(linkIn(refused))
  assert.match(offer.html, /Connect your Acme account/)
  assert.match(offer.html, /signed in as <b>alice/)
  assert.match(offer.html, /<b>files/)
  const done = await robot.submit(offer)
  assert.match(done.html, /Acme is connected/)
  assert.equal((await call('alice')).json?.error, undefined)
  assert.equal(await sentAs(), 'alice')
})

test('Two people with a connection each call at once, and every call has the token of its own caller', async () => {
  await connect('bob')
  await connect('carol')
  upstream.seen.length = 0
  const names = Array.from({ length: 40 }, (_, at) => (at % 2 === 0 ? 'bob' : 'carol'))
  await Promise.all(
    names.map(async (subject, at) => {
      const token = await people.tokenOf(subject, 'files')
      const body = callTool('echo', { mine: subject }, at)
      await post(gateway.url('files'), body, { token })
    }),
  )
  const calls = upstream.calls('tools/call')
  assert.equal(calls.length, 40)
  for (const { headers, json } of calls) {
    const user = await acme.userOf(headers.authorization?.replace('Bearer ', '') ?? '')
    assert.deepEqual(json?.params?.['arguments'], { mine: user })
  }
})

test('A modern client that can open links is asked to, and its retry reaches the server without a trace of it', async () => {
  const subject = 'dave'
  const token = await people.tokenOf(subject, 'files')
  const capabilities = { elicitation: { url: {} } }
  const ask = (more: object = {}) => {
    const { body, headers } = modern('tools/call', { name: 'echo', arguments: {}, ...more })
    const params = (body as { params: { _meta: Record<string, unknown> } }).params
    params._meta['io.modelcontextprotocol/clientCapabilities'] = capabilities
    return post(gateway.url('files'), body, { token, headers })
  }
  const asked = await ask()
  const result = asked.json?.result as {
    resultType: string
    requestState: string
    inputRequests: Record<string, { method: string; params: Record<string, string> }>
  }
  assert.equal(result.resultType, 'input_required')
  const { connect: wanted } = result.inputRequests
  assert.equal(wanted?.method, 'elicitation/create')
  assert.equal(wanted.params['mode'], 'url')
  const robot = await people.browserOf(subject)
  await robot.submit(await robot.open(wanted.params['url'] ?? ''))
  const inputResponses = { connect: { action: 'accept' } }
  const done = await ask({ inputResponses, requestState: result.requestState })
  assert.equal(done.json?.error, undefined, done.text)
  const params = upstream.calls('tools/call').at(-1)?.json?.params
  assert.deepEqual(Object.keys(params ?? {}).toSorted(), ['_meta', 'arguments', 'name'])
  assert.equal(await sentAs(), subject)
  const stolen = await people.tokenOf('alice', 'files')
  const { body, headers } = modern('tools/call', {
    name: 'echo',
    inputResponses,
    requestState: result.requestState,
  })
  const other = await post(gateway.url('files'), body, { token: stolen, headers })
  assert.equal(other.json?.error?.code, -32602)
})

test('A session of 2025-11-25 that can open links gets -32042 with the link and is told when it is connected, and lists go on without', async (t) => {
  upstream.override = ({ method }, response) => {
    if (method === 'GET')
      response.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders()
    return method === 'GET'
  }
  const token = await people.tokenOf('ivy', 'files')
  const url = gateway.url('files')
  const hello = request('initialize', {
    protocolVersion: '2025-11-25',
    capabilities: { elicitation: { form: {}, url: {} } },
    clientInfo: { name: 'c', version: '1' },
  })
  const opened = await post(url, hello, { token })
  const headers = { 'mcp-session-id': opened.headers.get('mcp-session-id') ?? '' }
  const listed = await post(url, request('tools/list'), { token, headers })
  assert.equal(listed.json?.error, undefined)
  assert.equal(upstream.calls('tools/list')[0]?.headers.authorization, undefined)
  const refused = await post(url, callTool('echo'), { token, headers })
  assert.equal(refused.json?.error?.code, -32042)
  const data = refused.json.error.data as { elicitations: readonly Record<string, string>[] }
  assert.equal(data.elicitations[0]?.['mode'], 'url')
  const { elicitationId = '', url: link = '' } = data.elicitations[0]
  assert.match(elicitationId, /^[\w-]{43}$/)
  assert.equal(upstream.calls('tools/call').length, 0)
  const authorization = `Bearer ${token}`
  const stream = await openEvents(url, {
    headers: { accept: 'text/event-stream', authorization, ...headers },
  })
  t.after(() => stream.close())
  const robot = await people.browserOf('ivy')
  await robot.submit(await robot.open(link))
  const [told] = await stream.readUntil(/data: .*elicitation\/complete.*\n/)
  assert.ok(told.includes(`{"elicitationId":"${elicitationId}"}`), told)
  assert.equal((await post(url, callTool('echo'), { token, headers })).json?.error, undefined)
})

test('A server that wants a credential for everything gets nothing without one', async () => {
  const token = await people.tokenOf('erin', 'strict')
  await assert.rejects(openSession(gateway.url('strict'), token), /1004/)
  assert.equal(upstream.seen.length, 0)
})

test('A connection with too little scope is not used for a server that needs more', async () => {
  await connect('frank')
  upstream.seen.length = 0
  const refused = await call('frank', 'writes')
  assert.match(refused.text, /more access is needed/)
  assert.equal(upstream.calls('tools/call').length, 0)
  const robot = await people.browserOf('frank')
  const offer = await robot.open(linkIn(refused))
  assert.match(offer.html, /drive\.write/)
  await robot.submit(offer)
  assert.equal((await call('frank', 'writes')).json?.error, undefined)
})

test('A link is no good to anybody but the person it was made for, nor without signing in', async () => {
  const link = linkIn(await call('grace'))
  const mallory = await people.browserOf('mallory')
  const page = await mallory.open(link)
  assert.equal(page.status, 403)
  assert.match(page.html, /made for somebody else/)
  assert.ok(!page.html.includes('grace'))
  const stranger = await createRobot().open(link)
  assert.equal(stranger.url.pathname, '/oauth/sign-in')
  assert.equal(stranger.url.searchParams.get('back'), new URL(link).pathname + new URL(link).search)
  assert.equal((await call('mallory')).json?.result?.['isError'], true)
})

test('A link and its state work once, in the browser that began, and only for a form of that page', async () => {
  const robot = await people.browserOf('heidi')
  const link = linkIn(await call('heidi'))
  const offer = await robot.open(link)
  for (const headers of [
    { 'sec-fetch-site': 'cross-site' },
    { origin: 'https://evil.example' },
  ] as const) {
    assert.equal((await robot.submit(offer, { headers })).status, 403)
  }
  const forged = { ...offer, html: offer.html.replace(/value="[^"]*"/, 'value="forged"') }
  assert.equal((await robot.submit(forged)).status, 403)
  const done = await robot.submit(offer)
  assert.match(done.html, /Acme is connected/)
  const back = done.path.at(-1) ?? ''
  assert.match(back, /\/connect\/acme\/callback\?/)
  assert.equal((await robot.open(back)).status, 400)
  const again = await robot.submit(offer)
  assert.match(again.html, /This link has ended/)
})

test('An answer of the provider brought by another browser or person connects nothing (no planted account)', async () => {
  const mallory = await people.browserOf('mallory-2')
  const offer = await mallory.open(linkIn(await call('mallory-2')))
  // Mallory stops before the way back and has the victim open it.
  const url = await codeUrl(mallory, offer)
  const victim = await people.browserOf('victim')
  const planted = await victim.open(url)
  assert.equal(planted.status, 400, `${planted.html} ${planted.path.join(' ')}`)
  assert.match((await call('victim')).text, /Connect your acme account first/)
  // The state is spent: not even Mallory can use it any more.
  assert.equal((await mallory.open(url)).status, 400)
})

test('An answer that names another issuer, or none, is refused (RFC 9207)', async () => {
  for (const change of [
    (url: URL) => url.searchParams.set('iss', 'https://evil.example'),
    (url: URL) => url.searchParams.delete('iss'),
  ]) {
    const robot = await people.browserOf('ivan')
    const url = new URL(await codeUrl(robot, await robot.open(linkIn(await call('ivan')))))
    change(url)
    assert.equal((await robot.open(url.href)).status, 400)
  }
  assert.match((await call('ivan')).text, /Connect your acme account first/)
})

test('A code brought to the callback of another provider connects nothing', async () => {
  const robot = await people.browserOf('oscar')
  const url = await codeUrl(robot, await robot.open(linkIn(await call('oscar'))))
  const elsewhere = url.replace('/connect/acme/', '/connect/other/')
  assert.notEqual(elsewhere, url)
  assert.equal((await robot.open(elsewhere)).status, 400)
  // The state is spent, and it was no connection of either.
  assert.equal((await robot.open(url)).status, 400)
  assert.match((await call('oscar')).text, /Connect your acme account first/)
})

test('A token that the provider has withdrawn is refreshed once on 401; what cannot be asks to connect again', async () => {
  await connect('judy')
  await call('judy')
  const first = upstream.calls('tools/call').at(-1)?.headers.authorization ?? ''
  upstream.override = ({ headers, json }, response) => {
    if (json?.method !== 'tools/call' || headers.authorization !== first) return false
    response.writeHead(401).end()
    return true
  }
  const before = acme.counts.refreshed
  assert.equal((await call('judy')).json?.error, undefined)
  assert.equal(acme.counts.refreshed, before + 1)
  assert.equal(await sentAs(), 'judy')
})

test('A person sees what is connected, ends it, and the provider is told', async () => {
  await connect('nina')
  await call('nina')
  const used = upstream.calls('tools/call').at(-1)?.headers.authorization?.replace('Bearer ', '')
  const robot = await people.browserOf('nina')
  const page = await robot.open(`${gateway.origin}/connect`)
  assert.match(page.html, /signed in as <b>nina[\s\S]*Acme[\s\S]*Connected/)
  const cross = await robot.submit(page, { headers: { 'sec-fetch-site': 'cross-site' } })
  assert.equal(cross.status, 403)
  const other = await people.browserOf('oscar')
  const stolen = await other.submit({ ...page })
  assert.equal(stolen.status, 403)
  assert.match((await robot.submit(page)).html, /Not connected/)
  assert.equal(await acme.userOf(used ?? ''), undefined)
  assert.match((await call('nina')).text, /Connect your acme account first/)
})

test('A person with several accounts connects each by its name, every server has its own, and another takes its place', async () => {
  const connectAs = async (user: string, target: string): Promise<void> => {
    const robot = await people.browserOf('pat')
    robot.setCookie(acme.origin, 'user', user)
    const done = await robot.submit(await robot.open(`${gateway.origin}/connect${target}`))
    assert.match(done.html, /Acme is connected/)
  }
  const usedBy = async (server: string): Promise<string | undefined> => {
    assert.equal((await call('pat', server)).json?.result?.['isError'], undefined)
    return await sentAs()
  }
  await connectAs('pat-home', '/acme')
  await connectAs('pat-work', '/acme?account=work')
  assert.deepEqual([await usedBy('files'), await usedBy('office')], ['pat-home', 'pat-work'])
  const page = await (await people.browserOf('pat')).open(`${gateway.origin}/connect`)
  const [, other = ''] =
    /<h2>Acme<[\s\S]*?href="([^"]+)">Use another account</.exec(page.html) ?? []
  await connectAs('pat-club', other.replaceAll('&amp;', '&').replace('/connect', ''))
  assert.deepEqual([await usedBy('files'), await usedBy('office')], ['pat-club', 'pat-work'])
  const unknown = await (
    await people.browserOf('pat')
  ).open(`${gateway.origin}/connect/acme?account=none`)
  assert.equal(unknown.status, 404)
})

test('Operators list, count, seal anew and revoke connections, and see no token', async () => {
  await connect('kim')
  const env = { GATEHOUSE_OPS_URL: gateway.ops, GATEHOUSE_ADMIN_TOKEN: gateway.adminToken }
  const list = await runCli(['connections', 'list', '--subject', 'kim'], { env })
  assert.match(list.out, /^acme\/default {2}live {2}"kim" of "http:/)
  const health = await runCli(['connections', 'health'], { env })
  assert.match(health.out, /acme {2}live {2}\d+/)
  const rotated = await runCli(['vault', 'rotate'], { env })
  assert.match(rotated.out, /connections are sealed/)
  await call('kim')
  const used = upstream.calls('tools/call').at(-1)?.headers.authorization?.replace('Bearer ', '')
  assert.equal(await acme.userOf(used ?? ''), 'kim')
  const whose = ['--provider', 'acme', '--issuer', gateway.origin, '--subject', 'kim']
  const revoked = await runCli(['connections', 'revoke', ...whose], { env })
  assert.equal(revoked.code, 0, revoked.err)
  await eventually(async () => assert.equal(await acme.userOf(used ?? ''), undefined))
  assert.match((await call('kim')).text, /Connect your acme account first/)
  for (const { out, err } of [list, health, rotated, revoked]) {
    assert.ok(!`${out}${err}`.includes(used ?? 'none'))
  }
})

test('Whoever was revoked at the gateway is not signed in on its pages any more', async () => {
  const robot = await people.browserOf('leo')
  const link = linkIn(await call('leo'))
  assert.equal((await robot.open(link)).status, 200)
  const body = { kind: 'subject', issuer: gateway.origin, value: 'leo' }
  await gateway.admin('POST', '/admin/revocations', { body })
  assert.equal((await robot.open(link)).url.pathname, '/oauth/sign-in')
})

test('No token, secret, state or ticket is in the audit log, the metrics, the log or, in clear, in the store', async () => {
  const readable = await writtenBy(gateway)
  assert.match(readable, /"event":"connection","action":"connected"/)
  const all = new Set([...Array.from(sent, (token) => token.replace('Bearer ', '')), ACME_SECRET])
  assert.ok(all.size > 2)
  assert.doesNotMatch(readable, A_JWT)
  for (const secret of all) assert.ok(!readable.includes(secret), secret)
})

test('A process that has just begun counts the connections there are, by provider and state', async () => {
  await gateway.child.stop()
  await gateway.restart()
  await eventually(async () => {
    assert.match(
      await gateway.metrics(),
      /^gatehouse_connections\{provider="acme",state="live"\} [1-9]/m,
    )
  })
})

/**
 * Servers of different eras behind one host, which is what clients remember an era for: SDK v2 in `auto`
 * mode goes from one to the other and back, and each client learns what it needs to know from the answer.
 */
import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, test } from 'node:test'

import { eventually } from '../testkit/eventually.ts'
import { startLegacyServer, startModernServer } from '../testkit/era-servers.ts'
import type { FetchServer } from '../testkit/fetch-server.ts'
import { freePort } from '../testkit/free-port.ts'
import type { TestGatehouse } from '../testkit/gatehouse.ts'
import { allowAll, startGatehouse } from '../testkit/gatehouse.ts'
import type { RecordingServer } from '../testkit/recording-server.ts'
import { startRecordingServer } from '../testkit/recording-server.ts'
import { modern, openSession, post, request } from '../testkit/rpc.ts'
import { runCli } from '../testkit/run-cli.ts'
import { connectAuto, connectV1, connectV2 } from '../testkit/sdk-client.ts'
import { stopAll } from '../testkit/stop-all.ts'

const GUARDED = 'of-the-server'
const LEGACY = ['2025-11-25', '2025-06-18', '2025-03-26', '2024-11-05']

const PROBED = ['old', 'new', 'both', 'guarded', 'late'] as const

let servers: Record<'old' | 'new' | 'both', FetchServer>
let guarded: RecordingServer
let latePort: number
let gateway: TestGatehouse

before(async () => {
  servers = {
    old: await startLegacyServer(),
    new: await startModernServer('modern'),
    both: await startModernServer('both'),
  }
  guarded = await startRecordingServer(({ headers, json }, response) => {
    if (headers.authorization !== `Bearer ${GUARDED}`) response.writeHead(401).end()
    else if (json?.method !== 'server/discover') return false
    else response.writeHead(404).end()
    return true
  })
  latePort = await freePort()
  gateway = await startGatehouse({
    servers: entries(),
    rules: [
      ...PROBED.map(allowAll),
      { id: 'out', effect: 'deny', subjects: [{ clients: ['outsider'] }], servers: ['*'] },
    ],
    env: { GUARDED },
  })
  await eventually(async () => {
    for (const name of ['old', 'new', 'both', 'guarded'] as const) {
      assert.notEqual(await erasOf(name), 'unknown')
    }
  })
})

after(() => stopAll(gateway, servers?.old, servers?.new, servers?.both, guarded))

function entries() {
  const entry = (upstream: string) => ({ upstream, eras: 'probe' })
  return {
    old: entry(servers.old.url),
    new: entry(servers.new.url),
    both: entry(servers.both.url),
    guarded: { ...entry(guarded.url), credential: { value: 'Bearer ${env:GUARDED}' } },
    late: entry(`http://127.0.0.1:${latePort}/mcp`),
  }
}

/** As `gatehouse status` says. */
async function erasOf(name: string): Promise<string | undefined> {
  const { json } = await gateway.admin('GET', '/admin/status')
  const listed = json['servers'] as { readonly name: string; readonly eras: string }[]
  return listed.find((server) => server.name === name)?.eras
}

const connect = async (name: string, how = connectAuto) =>
  how(gateway.url(name), await gateway.token(name))

async function answerOf(client: Awaited<ReturnType<typeof connectAuto>>): Promise<string> {
  const { content } = await client.callTool({ name: 'era', arguments: {} })
  await client.close()
  return JSON.stringify(content)
}

test('each server is asked at the start what it speaks, and operators see it', async () => {
  assert.equal(await erasOf('old'), ['legacy', ...LEGACY].join(' '))
  assert.equal(await erasOf('new'), 'modern 2026-07-28')
  assert.equal(await erasOf('both'), 'both 2026-07-28 2025-11-25')
  assert.equal(await erasOf('guarded'), 'legacy 2025-11-25')
  assert.equal(await erasOf('late'), 'unknown')
  const metrics = await gateway.metrics()
  assert.match(metrics, /^gatehouse_server_eras\{server="old",eras="legacy"\} 1$/m)
  assert.match(metrics, /^gatehouse_server_eras\{server="late",eras="unknown"\} 1$/m)
})

test('servers are asked with their own credential, and a session that was opened is ended', () => {
  assert.deepEqual(
    guarded.seen.map(({ method, json, headers }) => [
      json?.method ?? method,
      headers.authorization,
      headers['mcp-session-id'],
    ]),
    [
      ['server/discover', `Bearer ${GUARDED}`, undefined],
      ['initialize', `Bearer ${GUARDED}`, undefined],
      ['DELETE', `Bearer ${GUARDED}`, 'upstream-session-1'],
    ],
  )
})

test('an operator is told in the log which servers had better have hosts of their own', () => {
  const log = gateway.child.output()
  assert.match(log, /"eras_share_host".*old \(legacy: 2025-11-25, .*\), new \(modern: 2026-07-28\)/)
  assert.match(log, /new:\\n {4}host: new\.localhost:\d+/)
})

for (const order of [
  ['old', 'new'],
  ['new', 'old'],
  ['new', 'both', 'old', 'new'],
] as const) {
  test(`SDK v2 in auto mode goes from ${order.join(' to ')} on one host`, async () => {
    for (const name of order) {
      const client = await connect(name)
      assert.equal(client.getProtocolEra(), name === 'old' ? 'legacy' : 'modern')
      assert.match(await answerOf(client), { old: /legacy/, new: /modern/, both: /both/ }[name])
    }
  })
}

test('clients of the legacy era reach a server of theirs and one of both', async () => {
  for (const name of ['old', 'both']) {
    const first = await connectV1(gateway.url(name), await gateway.token(name))
    assert.equal((await first.listTools()).tools.length, 1)
    await first.close()
    assert.ok((await answerOf(await connect(name, connectV2))).includes('text'))
  }
})

test('clients of the legacy era learn from a modern server what it speaks', async () => {
  const told = { message: /no initialize; it speaks 2026-07-28/ }
  await assert.rejects(connectV1(gateway.url('new'), await gateway.token('new')), told)
  await assert.rejects(connect('new', connectV2), told)
})

test('a modern request to a legacy server is 400 with its versions, and the server sees nothing', async () => {
  const token = await gateway.token('guarded')
  const seen = guarded.seen.length
  for (const [method, params] of [
    ['server/discover', {}],
    ['tools/call', { name: 'echo', arguments: {} }],
    ['subscriptions/listen', { notifications: { toolsListChanged: true } }],
  ] as const) {
    const { body, headers } = modern(method, params, 'm-1')
    const { status, json } = await post(gateway.url('guarded'), body, { token, headers })
    assert.deepEqual(
      [status, json?.id, json?.error?.code, json?.error?.data],
      [400, 'm-1', -32022, { supported: ['2025-11-25'], requested: '2026-07-28' }],
    )
  }
  assert.equal(guarded.seen.length, seen)
  assert.ok(await openSession(gateway.url('guarded'), token))
})

test('initialize at a modern server is 404 with its versions', async () => {
  const token = await gateway.token('new')
  const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: {} }
  const { status, json } = await post(gateway.url('new'), request('initialize', params, 9), {
    token,
  })
  assert.deepEqual(
    [status, json?.id, json?.error?.code, json?.error?.data],
    [404, 9, -32601, { supported: ['2026-07-28'], requested: '2025-11-25' }],
  )
})

test('nobody learns the eras of a server without a token', async () => {
  const { body, headers } = modern('server/discover')
  for (const name of ['old', 'new']) {
    const { status, text } = await post(gateway.url(name), body, { headers })
    assert.equal(status, 401)
    assert.doesNotMatch(text, /20\d\d-/)
  }
})

test('whatever the gateway refuses, a client of both eras does not take the server for a legacy one', async () => {
  const tokens = {
    outsider: await gateway.token('new', { client: 'outsider', subject: 'outsider' }),
    expired: await gateway.token('new', { client: 'expired', expiresInSeconds: -60 }),
    early: await gateway.token('late', { client: 'early' }),
  }
  await assert.rejects(connectAuto(gateway.url('new'), tokens.outsider), /403/)
  await assert.rejects(connectAuto(gateway.url('new'), tokens.expired), /401/)
  await assert.rejects(connectAuto(gateway.url('late'), tokens.early), /502/)
  const asked = await eventually(async () => {
    const records = (await gateway.audit()).filter(
      ({ type, caller }) => type === 'decision' && /outsider|early/.test(JSON.stringify(caller)),
    )
    assert.equal(records.length, 2)
    return records
  })
  assert.deepEqual(
    asked.map(({ method }) => method),
    ['server/discover', 'server/discover'],
  )
})

test('nothing is refused while a server is down, and it is asked again until it is there', async () => {
  const token = await gateway.token('late')
  const { body, headers } = modern('server/discover')
  assert.equal((await post(gateway.url('late'), body, { token, headers })).status, 502)
  const late = await startLegacyServer(latePort)
  await eventually(async () => assert.match((await erasOf('late')) ?? '', /^legacy/), 15_000)
  assert.equal((await post(gateway.url('late'), body, { token, headers })).status, 400)
  await late.stop()
})

/** A configuration beside the first, with these hosts in it. */
async function mendedConfig(hosts: ReadonlyMap<string, string>): Promise<string> {
  const config = JSON.parse(await readFile(gateway.configFile, 'utf8')) as {
    servers: Record<string, Record<string, unknown>>
  }
  for (const [name, host] of hosts) config.servers[name] = { ...config.servers[name], host }
  const file = join(gateway.directory, 'mended.yaml')
  await writeFile(file, JSON.stringify(config))
  return file
}

test('gatehouse check asks servers that share a host and prints the lines that part them', async () => {
  const env = { GATEHOUSE_ADMIN_TOKEN: gateway.adminToken, GUARDED }
  const asked = await runCli(['check', '-c', gateway.configFile], { env })
  assert.equal(asked.code, 0, asked.err)
  assert.match(asked.out, /^warning: \S+gatehouse\.yaml:\d+:\d+ servers of different eras share/m)
  assert.match(asked.out, /^ {2}servers:\n {4}old:\n {6}host: old\.localhost:\d+$/m)
  const hosts = [...asked.out.matchAll(/^ {4}(\w+):\n {6}host: (\S+)$/gm)]
  assert.equal(hosts.length, 3)
  const mended = await mendedConfig(new Map(hosts.map(([, name = '', host = '']) => [name, host])))
  const { code, out } = await runCli(['check', '-c', mended], { env })
  assert.equal(code, 0)
  assert.doesNotMatch(out, /different eras/)
  const offline = await runCli(['check', '--offline', '-c', gateway.configFile], { env })
  assert.equal(offline.code, 0)
  assert.doesNotMatch(offline.out, /different eras/)
})

test('a reload asks anew, and what is configured is not asked', async () => {
  const seen = guarded.seen.length
  const before = entries()
  const old = { ...before.old, upstream: servers.new.url }
  await gateway.writeConfig({
    servers: { ...before, old, guarded: { ...before.guarded, eras: 'modern' } },
  })
  await gateway.admin('POST', '/admin/reload')
  await eventually(async () => assert.equal(await erasOf('old'), 'modern 2026-07-28'))
  assert.equal(await erasOf('guarded'), 'modern 2026-07-28')
  assert.equal(guarded.seen.length, seen)
})

/**
 * What seals connections changes while calls use them: to the next key of the ring, to a key service, to the next
 * version of its key. And what calls are told while that service is away.
 */
import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'

import { openSqliteStore } from '../state/sqlite.ts'
import { writtenBy } from '../testkit/canaries.ts'
import { eventually } from '../testkit/eventually.ts'
import { startFetchServer, type FetchServer } from '../testkit/fetch-server.ts'
import { allowAll, ISSUER, startGatehouse, type TestGatehouse } from '../testkit/gatehouse.ts'
import { startRecordingServer, type RecordingServer } from '../testkit/recording-server.ts'
import { ringEntry } from '../testkit/replicas.ts'
import { callTool, post, type Reply } from '../testkit/rpc.ts'
import { runCli } from '../testkit/run-cli.ts'
import { createSigner } from '../testkit/signer.ts'
import { stopAll } from '../testkit/stop-all.ts'
import { createTransitService, TRANSIT_TOKEN } from '../testkit/transit.ts'
import { createBook } from '../vault/book.ts'
import { createEnvelopes } from '../vault/envelope.ts'
import { createRingWrap } from '../vault/key-wrap.ts'
import { parseKeyRing } from '../settings/key-ring.ts'

const PEOPLE = ['alice', 'bob', 'carol', 'dave']
const [OLD, NEW] = [ringEntry('old'), ringEntry('new')]
const STATE = 'state.db'
const service = createTransitService()
const KEYS = { file: 'ring' }
const ACME = {
  authorize_url: 'https://acme.example/auth',
  token_url: 'https://acme.example/token',
  client: { id: 'gateway' },
}

let upstream: RecordingServer
let http: FetchServer
let gateway: TestGatehouse

before(async () => {
  upstream = await startRecordingServer()
  http = await startFetchServer((request) => service.handle(request))
  gateway = await startGatehouse({
    servers: { files: { upstream: upstream.url, credential: { mode: 'vault', provider: 'acme' } } },
    rules: [allowAll('files')],
    config: {
      state: { driver: 'sqlite', file: STATE },
      providers: { acme: ACME },
      authorization_server: 'embedded',
      keys: KEYS,
    },
    files: { ring: OLD },
    env: { BAO_TOKEN: TRANSIT_TOKEN },
  })
  await connectAll()
})

after(() => stopAll(gateway, http, upstream))

/** Connects everybody with a token that says whose it is, sealed with the old key of the ring. */
async function connectAll(): Promise<void> {
  const store = await openSqliteStore({ file: join(gateway.directory, STATE), now: Date.now })
  const envelopes = createEnvelopes([createRingWrap(parseKeyRing(OLD).keys)])
  const book = createBook(store, () => envelopes)
  const facts = {
    state: 'live',
    scopes: [],
    label: '',
    reason: undefined,
    connectedAtMs: 0,
    refreshedAtMs: 0,
    expiresAtMs: undefined,
  } as const
  for (const subject of PEOPLE) {
    const id = { tenant: 'default', issuer: ISSUER, subject, provider: 'acme', account: 'default' }
    await book.connect(id, facts, { accessToken: `token-of-${subject}`, refreshToken: undefined })
  }
  await store.close()
}

async function call(subject: string): Promise<Reply> {
  const token = await gateway.token('files', { subject })
  return await post(gateway.url('files'), callTool('echo', { whose: subject }), { token })
}

async function reload(): Promise<void> {
  const { json } = await gateway.admin('POST', '/admin/reload')
  assert.equal(json['ok'], true, JSON.stringify(json))
}

async function rotate(): Promise<string> {
  const env = { GATEHOUSE_OPS_URL: gateway.ops, GATEHOUSE_ADMIN_TOKEN: gateway.adminToken }
  const { out, err } = await runCli(['vault', 'rotate'], { env })
  return out + err
}

async function keysInUse(): Promise<readonly unknown[]> {
  const { json } = await gateway.admin('GET', '/admin/connections')
  const rows = json['connections'] as readonly { key: string }[]
  return [...new Set(rows.map(({ key }) => key))]
}

const withService = () =>
  gateway.writeConfig({
    keys: {
      ...KEYS,
      transit: { url: new URL(http.url).origin, key: 'gatehouse', token: '${env:BAO_TOKEN}' },
    },
  })

test('Keys of a configuration that is refused are not in force, nor are those before gone', async () => {
  const ring = join(gateway.directory, 'ring')
  const { jwk } = await createSigner('ES256')
  // Read by itself it is sound; but the authorization server has its own name until a restart.
  await gateway.writeConfig({
    public_url: 'http://localhost:9',
    issuers: [{ issuer: gateway.origin, jwks: { keys: [jwk] }, kind: 'agent' }],
  })
  await writeFile(ring, NEW)
  const { json } = await gateway.admin('POST', '/admin/reload')
  assert.match(JSON.stringify(json), /is configured twice/)
  // Nobody has read his row so far.
  const reply = await call('dave')
  assert.equal(reply.json?.error, undefined, reply.text)
  await writeFile(ring, OLD)
  await gateway.writeConfig({})
  await reload()
})

test('C-10 Under load rows go to the next key of the ring, to a key service and to its next version, and no call fails', async () => {
  const load = { isOver: false }
  let calls = 0
  const callers = PEOPLE.map(async (subject) => {
    while (!load.isOver) {
      const { json, text } = await call(subject)
      assert.equal(json?.error ?? json?.result?.['isError'], undefined, text)
      calls += 1
      await pause(20)
    }
  })
  const ring = join(gateway.directory, 'ring')
  await writeFile(ring, `${NEW}\n${OLD}\n`)
  await reload()
  assert.match(await rotate(), /^4 connections are sealed under the current key/)
  assert.deepEqual(await keysInUse(), ['new'])
  await writeFile(ring, NEW)
  await reload()
  await withService()
  await reload()
  assert.match(await rotate(), /^4 connections/)
  assert.deepEqual(await keysInUse(), ['transit/transit/gatehouse'])
  service.rotate()
  assert.match(await rotate(), /^4 connections/)
  service.minVersion = 2
  await reload()
  await Promise.all(PEOPLE.map((subject) => call(subject)))
  await eventually(() => assert.ok(calls > 40, `${calls} calls`))
  load.isOver = true
  await Promise.all(callers)
  for (const { headers, json } of upstream.calls('tools/call')) {
    const { authorization = '' } = headers
    const whose = authorization.replace('Bearer token-of-', '')
    assert.deepEqual(json?.params?.['arguments'], { whose })
  }
})

test('While the key service is away calls are refused with 1003 and nothing goes up; once it is back they are served', async () => {
  service.failing = 503
  await reload()
  const before = upstream.seen.length
  const refused = await call('alice')
  assert.equal(refused.json?.error?.code, 1003)
  assert.equal(upstream.seen.length, before)
  assert.match(await rotate(), /not all is sealed anew: key service: status 503/)
  service.failing = undefined
  await eventually(async () => assert.equal((await call('alice')).json?.error, undefined))
  assert.match(gateway.child.output(), /the key service does not seal or open keys/)
  assert.match(gateway.child.output(), /the key service answers again/)
})

test('No token, of people or of the key service, is in the audit log, the metrics, the log or the store', async () => {
  const readable = await writtenBy(gateway)
  assert.match(readable, /gatehouse_key_service_requests_total\{operation="decrypt",result="ok"\}/)
  assert.match(readable, /"event":"key_service","operation":"decrypt","ok":false/)
  for (const secret of ['token-of-', TRANSIT_TOKEN]) assert.ok(!readable.includes(secret), secret)
})

/**
 * API keys through a real gateway: what a key may, in which header it counts, and that it ends: by its
 * date, by revocation and by leaving the configuration.
 */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { after, before, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'

import type { NewApiKey } from '../identity/api-keys.ts'
import { newApiKey } from '../identity/api-keys.ts'
import { eventually } from '../testkit/eventually.ts'
import type { TestGatehouse } from '../testkit/gatehouse.ts'
import { startGatehouse } from '../testkit/gatehouse.ts'
import type { RecordingServer } from '../testkit/recording-server.ts'
import { startRecordingServer } from '../testkit/recording-server.ts'
import type { Reply } from '../testkit/rpc.ts'
import { callTool, post } from '../testkit/rpc.ts'
import { runCli } from '../testkit/run-cli.ts'
import { stopAll } from '../testkit/stop-all.ts'

const RULES = [
  { id: 'services', effect: 'allow', subjects: [{ kind: 'service' }], tools: ['*/echo'] },
  { id: 'writers', effect: 'allow', subjects: [{ scopes: ['write'] }], tools: ['*/delete_all'] },
  { id: 'readers', effect: 'allow', subjects: [{ groups: ['readers'] }], tools: ['*/read_file'] },
]

type Entry = Readonly<Record<string, unknown>>

const KEYS = {
  service: { kind: 'service' },
  agent: { kind: 'agent', groups: ['readers'] },
  writer: { kind: 'agent', scopes: ['write', 'other'] },
  'one-server': { kind: 'service', servers: ['docs'] },
  revoked: { kind: 'service' },
  removed: { kind: 'service' },
} as const satisfies Record<string, Entry>

const NEVER: NewApiKey = newApiKey(randomBytes)
const made = new Map(Object.keys(KEYS).map((name) => [name, newApiKey(randomBytes)]))
const short = newApiKey(randomBytes)
const past = newApiKey(randomBytes)

let docs: RecordingServer
let other: RecordingServer
let gateway: TestGatehouse

before(async () => {
  docs = await startRecordingServer()
  other = await startRecordingServer()
  gateway = await startGatehouse({
    servers: { docs: docs.url, other: other.url },
    rules: RULES,
    config: { api_keys: entries() },
  })
  // Which names there are is looked up before anything is counted.
  for (const server of ['docs', 'other']) await call('echo', keyOf('service'), server)
})

after(() => stopAll(gateway, docs, other))

function entry({ prefix, sha256 }: NewApiKey, name: string, more: Entry): Entry {
  const owner = 'platform@team.example'
  return { prefix, sha256, subject: `${name}-bot`, client: `${name}-client`, owner, ...more }
}

function entries(): readonly Entry[] {
  return [
    ...Object.entries(KEYS).map(([name, more]) => entry(made.get(name)!, name, more)),
    entry(past, 'past', { kind: 'service', expires: '2020-01-01T00:00:00Z' }),
  ]
}

const keyOf = (name: keyof typeof KEYS): string => made.get(name)!.text

async function reloadWith(keys: readonly Entry[]): Promise<void> {
  await gateway.writeConfig({ api_keys: keys })
  assert.equal((await gateway.admin('POST', '/admin/reload')).status, 200)
}

type Headers = Readonly<Record<string, string>>

const bearer = (text: string): Headers => ({ authorization: `Bearer ${text}` })

function call(tool: string, key: string | Headers, server = 'docs'): Promise<Reply> {
  const headers = typeof key === 'string' ? bearer(key) : key
  return post(gateway.url(server), callTool(tool), { headers })
}

const isServed = ({ status, json }: Reply): boolean => status === 200 && json?.result !== undefined

async function assertRefused(key: string | Headers, server = 'docs'): Promise<Reply> {
  const seen = docs.seen.length + other.seen.length
  const reply = await call('echo', key, server)
  assert.equal(reply.status, 401, reply.text)
  assert.match(reply.headers.get('www-authenticate') ?? '', /^Bearer .*error="invalid_token"/)
  assert.equal(docs.seen.length + other.seen.length, seen)
  return reply
}

test('a key is accepted as a bearer token and in X-API-Key, one at a time', async () => {
  const text = keyOf('service')
  for (const headers of [
    bearer(text),
    { 'x-api-key': text },
    { authorization: `bearer ${text}` },
  ]) {
    assert.ok(isServed(await call('echo', headers)))
  }
  assert.equal((await call('echo', { ...bearer(text), 'x-api-key': text })).status, 400)
  const token = await gateway.token('docs')
  assert.equal((await call('echo', { ...bearer(token), 'x-api-key': text })).status, 400)
})

test('a key counts in no other place', async () => {
  const text = keyOf('service')
  for (const headers of [
    { cookie: `key=${text}` },
    { 'api-key': text },
    { 'x-gatehouse-key': text },
  ]) {
    assert.equal((await call('echo', headers)).status, 401)
  }
  const query = `${gateway.url('docs')}?api_key=${text}`
  assert.equal((await post(query, callTool('echo'))).status, 401)
  await assertRefused({ authorization: `Basic ${Buffer.from(`:${text}`).toString('base64')}` })
})

test('kind, scopes and groups of a key decide what it may', async () => {
  const allowed = { service: 'echo', agent: 'read_file', writer: 'delete_all' } as const
  for (const [name, tool] of Object.entries(allowed)) {
    for (const asked of Object.values(allowed)) {
      const reply = await call(asked, keyOf(name as keyof typeof allowed))
      assert.equal(isServed(reply), asked === tool, `${name} calls ${asked}: ${reply.text}`)
    }
  }
})

test('a key for one server does not work at another', async () => {
  assert.ok(isServed(await call('echo', keyOf('one-server'), 'docs')))
  await assertRefused(keyOf('one-server'), 'other')
})

test('what is not exactly a key is refused, in words that do not tell why', async () => {
  const text = keyOf('service')
  const end = text.endsWith('A') ? 'B' : 'A'
  const wrong = {
    'a wrong secret': text.slice(0, -1) + end,
    'the secret of another key': `${text.slice(0, 12)}_${keyOf('agent').slice(13)}`,
    'an unknown prefix': NEVER.text,
    'its prefix alone': text.slice(0, 12),
    'its prefix and no secret': text.slice(0, 13),
    'its hash': made.get('service')!.sha256,
    'something appended': `${text}A`,
    'other letters': text.toUpperCase(),
    'an expired key': past.text,
  }
  const answers = new Set<string>()
  for (const headers of Object.values(wrong)) {
    answers.add((await assertRefused(headers)).text)
    answers.add((await assertRefused({ 'x-api-key': headers })).text)
  }
  assert.equal(answers.size, 1)
})

test('a record names the subject, client and kind of a key, and nothing holds its text', async () => {
  const text = keyOf('service')
  const record = await eventually(async () => {
    const records = await gateway.audit()
    const found = records.find(({ caller }) => (caller as Entry)?.['subject'] === 'service-bot')
    assert.ok(found)
    return found
  })
  assert.deepEqual(record['caller'], {
    tenant: 'default',
    issuer: 'urn:gatehouse:api-key',
    subject: 'service-bot',
    client: 'service-client',
    kind: 'service',
    via: 'api_key',
  })
  const everything = [
    JSON.stringify(await gateway.audit()),
    await gateway.metrics(),
    gateway.child.output(),
    JSON.stringify((await gateway.admin('GET', '/admin/status')).json),
  ].join('\n')
  assert.ok(!everything.includes(text.slice(13)), 'the secret is somewhere')
  assert.ok(docs.seen.every(({ rawHeaders }) => !rawHeaders.join().includes('ghk_')))
})

test('a key that is revoked by its prefix is refused at once, others are not, and lifting it ends that', async () => {
  const env = { GATEHOUSE_OPS_URL: gateway.ops, GATEHOUSE_ADMIN_TOKEN: gateway.adminToken }
  const { prefix, text } = made.get('revoked')!
  assert.ok(isServed(await call('echo', text)))
  const revoked = await runCli(['revoke', '--api-key', prefix], { env })
  assert.equal(revoked.code, 0, revoked.err)
  await assertRefused(text)
  assert.ok(isServed(await call('echo', keyOf('service'))))
  const [id = ''] = /[0-9a-f]{24}/.exec(revoked.out) ?? []
  assert.equal((await runCli(['revoke', '--lift', id], { env })).code, 0)
  assert.ok(isServed(await call('echo', text)))
})

/** Lets a key live for about this long. Until when, unless that was over before a call was served. */
async function liveFor(lifeMs: number): Promise<number | undefined> {
  const expiresAtMs = Math.ceil((Date.now() + lifeMs) / 1_000) * 1_000
  const expires = new Date(expiresAtMs).toISOString().replace('.000', '')
  await reloadWith([...entries(), entry(short, 'short', { kind: 'service', expires })])
  return isServed(await call('echo', short.text)) ? expiresAtMs : undefined
}

test('a key works until its date and not after it', async () => {
  const expiresAtMs = (await liveFor(1_000)) ?? (await liveFor(15_000))
  assert.ok(expiresAtMs !== undefined)
  await pause(expiresAtMs + 50 - Date.now())
  await assertRefused(short.text)
})

test('a key that leaves the configuration ends with the reload, one that is made by the command begins', async () => {
  assert.ok(isServed(await call('echo', keyOf('removed'))))
  const printed = await runCli(['apikeys', 'new', '--client', 'fresh', '--kind', 'service'])
  assert.equal(printed.code, 0)
  const [text = ''] = /ghk_\S+/.exec(printed.out) ?? []
  const field = (name: string): string =>
    new RegExp(`${name}: "?([^"\\s]+)"?$`, 'm').exec(printed.out)?.[1] ?? ''
  const fresh = Object.fromEntries(
    ['prefix', 'sha256', 'subject', 'client', 'owner', 'kind'].map((name) => [name, field(name)]),
  )
  await assertRefused(text)
  const removed = made.get('removed')!.prefix
  await reloadWith([...entries().filter(({ prefix }) => prefix !== removed), fresh])
  await assertRefused(keyOf('removed'))
  assert.ok(isServed(await call('echo', text)))
})

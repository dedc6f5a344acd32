/** The credential that a rule chooses: two callers of one server, each with the rights of its own rule. */
import assert from 'node:assert/strict'
import { after, before, beforeEach, test } from 'node:test'

import { eventually } from '../testkit/eventually.ts'
import { startGatehouse, type TestGatehouse } from '../testkit/gatehouse.ts'
import {
  type RecordingServer,
  sendJson,
  startRecordingServer,
} from '../testkit/recording-server.ts'
import { callTool, modern, openSession, post, type Reply, request } from '../testkit/rpc.ts'
import { stopAll } from '../testkit/stop-all.ts'

const SECRETS = {
  SERVER_KEY: 'server-key-canary',
  READER_KEY: 'reader-key-canary',
  WRITER_KEY: 'writer-key-canary',
} as const

const READER = `Bearer ${SECRETS.READER_KEY}`
const WRITER = `Bearer ${SECRETS.WRITER_KEY}`

let upstream: RecordingServer
let gateway: TestGatehouse
let reader: string
let writer: string

before(async () => {
  upstream = await startRecordingServer()
  const rule = (name: string) => ({
    id: `${name}s`,
    effect: 'allow',
    subjects: [{ groups: [`${name}s`] }],
    tools: ['db/*'],
    credential: name,
  })
  gateway = await startGatehouse({
    servers: {
      db: {
        upstream: upstream.url,
        credential: { value: 'Bearer ${env:SERVER_KEY}' },
        credentials: {
          reader: { value: 'Bearer ${env:READER_KEY}' },
          writer: { value: 'Bearer ${env:WRITER_KEY}' },
        },
      },
    },
    rules: [rule('reader'), rule('writer')],
    env: SECRETS,
  })
  reader = await gateway.token('db', { subject: 'rosa', groups: ['readers'] })
  writer = await gateway.token('db', { subject: 'walt', groups: ['writers'] })
})

beforeEach(() => {
  upstream.seen.length = 0
  upstream.override = undefined
})

after(() => stopAll(gateway, upstream))

async function call(token: string, who: string, at = 0): Promise<Reply> {
  if (at % 2 === 0) return await post(gateway.url('db'), callTool('echo', { who }), { token })
  const { body, headers } = modern('tools/call', { name: 'echo', arguments: { who } })
  return await post(gateway.url('db'), body, { token, headers })
}

/** Who called tools, and with which credential. */
function used(): ReadonlySet<string> {
  const calls = upstream.calls('tools/call').map(({ headers, json }) => {
    const args = json?.params?.['arguments'] as { readonly who: string } | undefined
    return `${args?.who}: ${headers.authorization}`
  })
  return new Set(calls)
}

test('Two callers at once reach one server with two credentials, and never with each other’s', async () => {
  const replies = await Promise.all(
    Array.from({ length: 40 }, (_, at) =>
      at % 4 < 2 ? call(reader, 'rosa', at) : call(writer, 'walt', at),
    ),
  )
  for (const { json, text } of replies) assert.equal(json?.error, undefined, text)
  assert.equal(upstream.calls('tools/call').length, 40)
  assert.deepEqual(used(), new Set([`rosa: ${READER}`, `walt: ${WRITER}`]))
})

test('Sessions and lists go up with the credential of the server, calls in them with that of the rule', async () => {
  const session = await openSession(gateway.url('db'), reader)
  const headers = { 'mcp-session-id': session, 'mcp-protocol-version': '2025-11-25' }
  upstream.seen.length = 0
  await post(gateway.url('db'), request('tools/list'), { token: reader, headers })
  await post(gateway.url('db'), callTool('echo', { who: 'rosa' }), { token: reader, headers })
  const [list] = upstream.calls('tools/list')
  assert.equal(list?.headers.authorization, `Bearer ${SECRETS.SERVER_KEY}`)
  assert.deepEqual(used(), new Set([`rosa: ${READER}`]))
})

test('The credential that a rule chose is taken out of an answer that sends it back', async () => {
  upstream.override = ({ headers, json }, response) => {
    if (json?.method !== 'tools/call') return false
    const content = [{ type: 'text', text: `you sent ${headers.authorization}` }]
    sendJson(response, { jsonrpc: '2.0', id: json.id, result: { content } })
    return true
  }
  for (const [token, who] of [
    [reader, 'rosa'],
    [writer, 'walt'],
  ] as const) {
    const { text } = await call(token, who)
    assert.match(text, /you sent Bearer \[redacted\]/)
    assert.ok(!text.includes('canary'))
  }
})

test('Both records of a call name the credential, and no output holds its value', async () => {
  await call(writer, 'walt')
  await eventually(async () => {
    const records = (await gateway.audit()).filter(({ method }) => method === 'tools/call')
    const named = records.map(({ rule, credential }) => `${String(rule)} ${String(credential)}`)
    assert.deepEqual(new Set(named), new Set(['readers reader', 'writers writer']))
    const types = new Set(records.map(({ type }) => type))
    assert.deepEqual(types, new Set(['decision', 'outcome']))
  })
  const outputs = [
    JSON.stringify(await gateway.audit()),
    await gateway.metrics(),
    gateway.child.output(),
  ]
  for (const output of outputs) assert.ok(!output.includes('canary'))
})

test('A reload to rules that name a credential nobody has is refused, and the old ones stay in force', async () => {
  const rule = { id: 'owners', effect: 'allow', subjects: [{ any: true }], tools: ['db/*'] }
  await gateway.writePolicy([{ ...rule, credential: 'owner' }])
  await eventually(() =>
    assert.match(gateway.child.output(), /the server \\?"db\\?" has no credential \\?"owner\\?"/),
  )
  await call(reader, 'rosa')
  assert.deepEqual(used(), new Set([`rosa: ${READER}`]))
})

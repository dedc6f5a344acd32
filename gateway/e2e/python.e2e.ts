/** The Python SDK 1.x, stock, through a real gateway: what it may, what it may not, and that it never hangs. */
import assert from 'node:assert/strict'
import type { ServerResponse } from 'node:http'
import { after, before, describe, test } from 'node:test'

import type { EverythingServer } from '../testkit/everything.ts'
import { startEverything } from '../testkit/everything.ts'
import type { TestGatehouse } from '../testkit/gatehouse.ts'
import { startGatehouse } from '../testkit/gatehouse.ts'
import type { PythonClient } from '../testkit/python-client.ts'
import { connectPython } from '../testkit/python-client.ts'
import type { RecordingServer, Seen } from '../testkit/recording-server.ts'
import { sendEvents, startRecordingServer } from '../testkit/recording-server.ts'
import { stopAll } from '../testkit/stop-all.ts'

/** A denied call must be over in this time; the client would wait much longer. */
const SOON_MS = 10_000

const RULES = [
  {
    id: 'some',
    effect: 'allow',
    subjects: [{ kind: 'agent' }],
    tools: ['*/echo', 'everything/get-sum', 'everything/trigger-long-running-operation'],
    prompts: ['everything/simple-prompt', 'json/hello', 'events/hello'],
    resources: [
      'everything:demo://resource/static/document/features.md',
      'json:file:///pub/**',
      'events:file:///pub/**',
    ],
  },
  {
    id: 'never-delete',
    effect: 'deny',
    subjects: [{ any: true }],
    tools: ['*/delete_all'],
    reason: 'Nothing is deleted from here',
    disclose: true,
  },
  { id: 'no-guests', effect: 'deny', subjects: [{ groups: ['guests'] }], servers: ['json'] },
]

let everything: EverythingServer
let json: RecordingServer
let events: RecordingServer
let gateway: TestGatehouse
/** One for each server: it takes a second to start one. */
const clients = new Map<string, PythonClient>()

before(async () => {
  everything = await startEverything()
  json = await startRecordingServer()
  events = await startRecordingServer(asEvents)
  gateway = await startGatehouse({
    servers: { everything: everything.url, json: json.url, events: events.url },
    rules: RULES,
  })
  const opened = SERVERS.map(async ({ server }) => {
    const token = await gateway.token(server)
    clients.set(server, await connectPython(gateway.url(server), token))
  })
  await Promise.all(opened)
})

after(() => stopAll(...clients.values(), gateway, everything, json, events))

const LISTED = ['echo', 'delete_all', 'read_file'].map((name) => ({ name, inputSchema: {} }))

/** Lists and calls as event streams, with a notification in front of the answer. */
function asEvents({ json: asked }: Seen, response: ServerResponse): boolean {
  const result =
    asked?.method === 'tools/list'
      ? { tools: LISTED.map((tool) => ({ ...tool, inputSchema: { type: 'object' } })) }
      : asked?.method === 'tools/call'
        ? { content: [{ type: 'text', text: `called ${String(asked.params?.['name'])}` }] }
        : undefined
  if (asked === undefined || result === undefined) return false
  const params = { level: 'info', data: 'soon' }
  sendEvents(response, [
    { jsonrpc: '2.0', method: 'notifications/message', params },
    { jsonrpc: '2.0', id: asked.id, result },
  ])
  return true
}

function clientOf(server: string): PythonClient {
  const client = clients.get(server)
  assert.ok(client)
  return client
}

const SERVERS = [
  { server: 'json', denied: 'read_file', text: /called echo/ },
  { server: 'events', denied: 'read_file', text: /called echo/ },
  { server: 'everything', denied: 'get-env', text: /hello/ },
] as const

for (const { server, denied, text } of SERVERS) {
  describe(`the Python SDK against "${server}"`, () => {
    test(`"${server}": lists show what policy allows`, async () => {
      const client = clientOf(server)
      assert.ok(client.hello.ok, JSON.stringify(client.hello))
      const listed = await client.ask('list_tools')
      const tools = listed.ok?.['tools'] as readonly { readonly name: string }[]
      const names = tools.map(({ name }) => name)
      assert.ok(names.includes('echo'))
      for (const hidden of [denied, 'delete_all']) assert.equal(names.includes(hidden), false)
    })

    test(`"${server}": denied calls end soon as errors that can be read, and the session goes on`, async () => {
      const client = clientOf(server)
      for (const name of [denied, 'no_such_tool']) {
        const refused = await client.ask('call_tool', { name, arguments: {} })
        const { ms, error } = refused
        assert.deepEqual(error, {
          type: 'McpError',
          code: -32602,
          message: `Unknown tool: ${name}`,
        })
        assert.ok(ms < SOON_MS, `${ms} ms`)
        const allowed = { name: 'echo', arguments: { message: 'hello' } }
        const served = await client.ask('call_tool', allowed)
        assert.match(JSON.stringify(served.ok?.['content']), text)
      }
    })
  })
}

test('a denial with a public reason reaches the Python caller as that reason', async () => {
  const client = clientOf('json')
  const { error, ms } = await client.ask('call_tool', { name: 'delete_all', arguments: {} })
  assert.deepEqual(error, {
    type: 'McpError',
    code: 1001,
    message: 'Nothing is deleted from here',
  })
  assert.ok(ms < SOON_MS)
  assert.equal((await client.ask('call_tool', { name: 'echo', arguments: {} })).error, undefined)
})

test('prompts and resources are read or refused one by one, on one session', async () => {
  const client = clientOf('everything')
  const ask = async (method: string, args: Readonly<Record<string, unknown>>) => {
    const { ok, error, ms } = await client.ask(method, args)
    assert.ok(ms < SOON_MS)
    return error?.message ?? Object.keys(ok ?? {})
  }
  const uri = 'demo://resource/static/document'
  assert.deepEqual(await ask('get_prompt', { name: 'simple-prompt' }), ['messages'])
  assert.match(String(await ask('get_prompt', { name: 'args-prompt' })), /Unknown prompt/)
  assert.deepEqual(await ask('read_resource', { uri: `${uri}/features.md` }), ['contents'])
  assert.match(String(await ask('read_resource', { uri: `${uri}/architecture.md` })), /not found/i)
  assert.deepEqual(await ask('send_ping', {}), [])
})

test('a call that takes its time and reports progress is answered', async () => {
  const client = clientOf('everything')
  const name = 'trigger-long-running-operation'
  const served = await client.ask('call_tool', { name, arguments: { duration: 1, steps: 2 } })
  assert.match(JSON.stringify(served.ok?.['content']), /completed/)
})

test('a Python caller without any right, or without a valid token, is told so soon and reaches nothing', async () => {
  const seen = json.seen.length
  const guest = await gateway.token('json', { groups: ['guests'] })
  const stranger = await gateway.token('json', { claims: { iss: 'https://other.test' } })
  for (const { token, why } of [
    { token: guest, why: /^Denied by policy$/ },
    { token: stranger, why: /401 Unauthorized/ },
  ]) {
    const { hello, close } = await connectPython(gateway.url('json'), token)
    assert.match(hello.error?.message ?? '', why)
    assert.ok(hello.ms < SOON_MS, `${hello.ms} ms`)
    await close()
  }
  assert.equal(json.seen.length, seen)
})

test('after all of it every client ends well, and the gateway runs without a fault', async () => {
  const codes = await Promise.all([...clients.values()].map((client) => client.close()))
  assert.deepEqual(codes, [0, 0, 0])
  assert.doesNotMatch(gateway.child.output(), /fault|"level":"error"/)
})

/** Tasks through two gateways that share a key ring and nothing else: whose they are, and who decides. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import type { ServerResponse } from 'node:http'
import { after, before, test } from 'node:test'

import type { TestGatehouse } from '../testkit/gatehouse.ts'
import { ISSUER, startGatehouse } from '../testkit/gatehouse.ts'
import { messagesIn } from '../testkit/read-answer.ts'
import type { RecordingServer, Rpc, Seen } from '../testkit/recording-server.ts'
import { sendEvents, sendJson, startRecordingServer } from '../testkit/recording-server.ts'
import type { Reply } from '../testkit/rpc.ts'
import { MODERN, modern, openSession, post, request } from '../testkit/rpc.ts'
import { stopAll } from '../testkit/stop-all.ts'

const RELATED = 'io.modelcontextprotocol/related-task'
/** The server's ids: of the tool that the first gateway allows, of one it does not, of somebody else. */
const ECHO_TASK = 'täsk-echo'
const READ_TASK = 'task-read_file'
const FOREIGN_TASK = 'task-foreign'

let server: RecordingServer
let first: TestGatehouse
/** Allows `echo` only, as if the policy had changed since. */
let second: TestGatehouse
let token: string
let mallory: string

const ANYBODY = { effect: 'allow', subjects: [{ any: true }] }
const LISTING = { id: 'list', ...ANYBODY, methods: ['tasks/list'] }

before(async () => {
  server = await startRecordingServer(answer)
  const env = { GATEHOUSE_KEYS: `k1:${randomBytes(32).toString('base64url')}` }
  first = await startGatehouse({
    servers: { docs: server.url },
    rules: [{ id: 'two', ...ANYBODY, tools: ['docs/echo', 'docs/read_file'] }, LISTING],
    env,
  })
  second = await startGatehouse({
    servers: { docs: { upstream: server.url, audiences: [first.url('docs')] } },
    rules: [{ id: 'one', ...ANYBODY, tools: ['docs/echo'] }, LISTING],
    config: { issuers: [{ issuer: ISSUER, jwks: { keys: [first.signer.jwk] }, kind: 'agent' }] },
    env,
  })
  token = await first.token('docs')
  mallory = await first.token('docs', { subject: 'mallory' })
})

after(() => stopAll(first, second, server))

/** Makes a task of every call and knows three of them; a tool's `args.events` chooses an event stream. */
function answer({ json }: Seen, response: ServerResponse): boolean {
  const reply = (result: unknown): Rpc & { jsonrpc: string } => ({
    jsonrpc: '2.0',
    id: json?.id,
    result,
  })
  const id = json?.params?.['taskId']
  const isModern = JSON.stringify(json?.params?.['_meta'] ?? '').includes(MODERN)
  const task = (taskId: unknown) => ({ taskId, status: 'working', ttl: 60_000 })
  switch (json?.method) {
    case 'tools/call': {
      const made = task(json.params?.['name'] === 'echo' ? ECHO_TASK : READ_TASK)
      const result = isModern ? { resultType: 'task', ...made } : { task: made }
      const status = { jsonrpc: '2.0', method: 'notifications/tasks/status', params: made }
      const other = { ...status, params: task(FOREIGN_TASK) }
      if (json.params?.['arguments'] === undefined) sendJson(response, reply(result))
      else sendEvents(response, [reply(result), status, other])
      return true
    }
    case 'tasks/get':
    case 'tasks/cancel':
      sendJson(response, reply({ ...task(id), resultType: 'complete', result: { content: [] } }))
      return true
    case 'tasks/result': {
      const content = [{ type: 'text', text: 'x'.repeat(100_000) }]
      sendJson(response, reply({ content, _meta: { [RELATED]: { taskId: id } } }))
      return true
    }
    case 'tasks/list':
      sendJson(response, reply({ tasks: [FOREIGN_TASK, ECHO_TASK].map(task), nextCursor: 'n' }))
      return true
    case 'subscriptions/listen': {
      const { notifications } = json.params as { notifications: { taskIds: readonly string[] } }
      const [taskId] = notifications.taskIds
      sendEvents(response, [
        notification('notifications/subscriptions/acknowledged', { notifications }),
        notification('notifications/tasks', { ...task(taskId), result: { content: [] } }),
        notification('notifications/tasks', task(FOREIGN_TASK)),
        reply({ resultType: 'complete' }),
      ])
      return true
    }
    default:
      return false
  }
}

const notification = (method: string, params: unknown) => ({ jsonrpc: '2.0', method, params })

type Sending = { readonly at?: TestGatehouse; readonly as?: string; readonly name?: string }

/** A modern request; `name` is what `Mcp-Name` says instead of the truth. */
async function send(
  method: string,
  params: Readonly<Record<string, unknown>>,
  { at = first, as = token, name }: Sending = {},
): Promise<Reply> {
  const { body, headers } = modern(method, params)
  const named = { ...headers, ...(name !== undefined && { 'mcp-name': name }) }
  return await post(at.url('docs'), body, { token: as, headers: named })
}

/** The handle of the task that a modern call of a tool made. */
async function create(name = 'echo', sending: Sending = {}): Promise<string> {
  const { json, text } = await send('tools/call', { name }, sending)
  assert.equal(json?.result?.['resultType'], 'task', text)
  return String(json.result['taskId'])
}

async function sawNothing(work: () => Promise<Reply>, code = -32602): Promise<Reply> {
  const before = server.seen.length
  const reply = await work()
  assert.equal(reply.json?.error?.code, code, reply.text)
  assert.equal(server.seen.length, before)
  return reply
}

test('a modern task is asked about on either replica, and the server reads its own id, header included', async () => {
  const handle = await create()
  assert.notEqual(handle, ECHO_TASK)
  for (const at of [second, first]) {
    for (const method of ['tasks/get', 'tasks/cancel']) {
      const { json, text } = await send(method, { taskId: handle }, { at })
      assert.equal(json?.result?.['taskId'], handle, text)
      const seen = server.calls(method).at(-1)!
      assert.equal(seen.json?.params?.['taskId'], ECHO_TASK)
      const encoded = Buffer.from(ECHO_TASK).toString('base64')
      assert.equal(seen.headers['mcp-name'], `=?base64?${encoded}?=`)
    }
  }
})

test('X-08 a task is unknown to everybody else, and so is a made-up id; the server sees nothing', async () => {
  const handle = await create()
  const tries = [
    [mallory, handle],
    [token, READ_TASK],
    [token, `${handle.slice(0, -2)}AA`],
  ] as const
  const answers = new Set<string>()
  for (const [as, taskId] of tries) {
    for (const method of ['tasks/get', 'tasks/cancel', 'tasks/update']) {
      const { status, text } = await sawNothing(() => send(method, { taskId }, { as }))
      assert.equal(status, 200)
      answers.add(text)
    }
  }
  assert.equal(answers.size, 1)
  await sawNothing(() => send('tasks/get', { taskId: handle }, { name: READ_TASK }), -32020)
})

test('a result is refused once the tool that made the task is denied', async () => {
  const handle = await create('read_file')
  const { json } = await send('tasks/get', { taskId: handle })
  assert.ok(json?.result)
  const { text } = await sawNothing(() => send('tasks/get', { taskId: handle }, { at: second }))
  assert.match(text, /Unknown task/)
})

test('whoever listens to a task hears of it by its handle, and of no other', async () => {
  const handle = await create()
  const notifications = { taskIds: [handle] }
  const asked = { taskIds: [READ_TASK, await create('read_file'), handle] }
  const { text } = await send('subscriptions/listen', { notifications: asked }, { at: second })
  const seen = server.calls('subscriptions/listen').at(-1)!
  assert.deepEqual(seen.json?.params?.['notifications'], { taskIds: [ECHO_TASK] })
  assert.ok(!text.includes(ECHO_TASK) && !text.includes(FOREIGN_TASK), text)
  const [acknowledged, told, ...rest] = messagesIn(text) as readonly Rpc[]
  assert.deepEqual(acknowledged?.params?.['notifications'], notifications)
  assert.equal(told?.params?.['taskId'], handle)
  assert.equal(rest.length, 1)
})

test('X-08 a legacy task is made, told of, listed and asked about by one handle', async () => {
  const session = { 'mcp-session-id': await openSession(first.url('docs'), token) }
  const headers = { ...session, 'mcp-protocol-version': '2025-11-25' }
  const ask = (method: string, params: unknown, at = first): Promise<Reply> =>
    post(at.url('docs'), request(method, params), { token, headers })
  const { text } = await ask('tools/call', { name: 'echo', arguments: {}, task: { ttl: 1 } })
  assert.ok(!text.includes(ECHO_TASK) && !text.includes(FOREIGN_TASK), text)
  const [made, status, ...rest] = messagesIn(text) as readonly Rpc[]
  assert.ok(made)
  const { task } = made.result as { task: { taskId: string } }
  assert.deepEqual([status?.params?.['taskId'], rest.length], [task.taskId, 0])

  const listed = await ask('tasks/list', {})
  const expected = { tasks: [{ ...task, status: 'working', ttl: 60_000 }], nextCursor: 'n' }
  assert.deepEqual(listed.json?.result, expected)
  for (const at of [second, first]) {
    const { json } = await ask('tasks/result', { taskId: task.taskId }, at)
    assert.deepEqual(json?.result?.['_meta'], { [RELATED]: { taskId: task.taskId } })
    assert.equal(server.calls('tasks/result').at(-1)?.json?.params?.['taskId'], ECHO_TASK)
  }
  await sawNothing(() => ask('tasks/result', { taskId: ECHO_TASK }))
})

import assert from 'node:assert/strict'
import { test } from 'node:test'

import { Secret } from '../model/secret.ts'
import type { TestSession } from '../testkit/socket-session.ts'
import { testSession } from '../testkit/socket-session.ts'

const ECHO = [{ id: 'echo', effect: 'allow', subjects: [{ any: true }], tools: ['docs/echo'] }]
const ALL = [{ id: 'all', effect: 'allow', subjects: [{ any: true }], servers: ['docs'] }]

const call = (name: string, id: unknown = 1) => ({
  jsonrpc: '2.0',
  id,
  method: 'tools/call',
  params: { name },
})
const result = (id: unknown, value: object = {}) => ({ jsonrpc: '2.0', id, result: value })
const LIST = { tools: [{ name: 'echo' }, { name: 'delete_all' }, { name: 'hidden' }] }

/** A session whose server has listed its tools. */
async function listed(rules = ECHO): Promise<TestSession> {
  const session = testSession(rules)
  await session.up({ jsonrpc: '2.0', id: 0, method: 'tools/list' })
  await session.down(result(0, LIST))
  return session
}

test('an allowed request goes up as its original bytes and is a visit of its own when it is answered', async () => {
  const { up, down, raw, finished, places } = await listed()
  const text = '{ "jsonrpc":"2.0", "id":1,"method":"tools/call","params":{"name":"\\u0065cho"}}'
  await up(text)
  assert.equal(raw.server.at(-1), text)
  assert.deepEqual([finished.length, places.count], [1, 1])
  await down(result(1, { content: [] }))
  assert.equal(raw.client.at(-1), JSON.stringify(result(1, { content: [] })))
  assert.deepEqual([finished.length, places.count], [2, 0])
  assert.equal(finished[1]?.calls[0]?.effect, 'allow')
  assert.equal(finished[1]?.ending, 'complete')
})

test('a denied request is answered under its id and nothing goes up', async () => {
  const { up, toServer, toClient, finished, places } = await listed()
  const before = toServer.length
  await up(call('delete_all', 'x'))
  assert.equal(toServer.length, before)
  assert.deepEqual(toClient.at(-1), {
    jsonrpc: '2.0',
    id: 'x',
    error: { code: -32602, message: 'Unknown tool: delete_all' },
  })
  assert.equal(finished.at(-1)?.refusal, 'unknown_name')
  assert.equal(places.count, 0)
})

test('a list comes down without what policy hides', async () => {
  const { toClient } = await listed()
  assert.deepEqual(toClient[0]?.result, { tools: [{ name: 'echo' }] })
})

test('what is not one strict JSON-RPC message is answered without an id, and the session goes on', async () => {
  for (const text of [
    '{"jsonrpc":',
    '[]',
    '{"jsonrpc":"2.0","id":1,"id":2,"method":"ping"}',
    '7',
  ]) {
    const { up, toServer, toClient } = testSession(ALL)
    await up(text)
    assert.equal(toServer.length, 0, text)
    assert.equal(toClient[0]?.id, undefined, text)
    assert.ok([-32700, -32600].includes(toClient[0]?.error?.code ?? 0), text)
    await up({ jsonrpc: '2.0', id: 1, method: 'ping' })
    assert.equal(toServer.length, 1)
  }
})

test('a batch is refused whole', async () => {
  const { up, toServer, toClient } = testSession(ALL)
  await up([{ jsonrpc: '2.0', id: 1, method: 'ping' }])
  assert.equal(toServer.length, 0)
  assert.equal(toClient[0]?.error?.code, -32600)
})

test('a notification that may not pass is not answered', async () => {
  const { up, toServer, toClient, finished } = testSession(ALL)
  await up({ jsonrpc: '2.0', method: 'notifications/invented' })
  assert.deepEqual([toServer.length, toClient.length], [0, 0])
  assert.equal(finished[0]?.refusal, 'unknown_method')
  assert.equal(finished[0]?.ending, 'refused')
})

test('a request with the id of one that runs is refused, without answering that one', async () => {
  const { up, down, toServer, toClient } = testSession(ALL)
  await up({ jsonrpc: '2.0', id: 'a', method: 'ping' })
  await up({ jsonrpc: '2.0', id: '\u0061', method: 'tools/list' })
  assert.equal(toServer.length, 1)
  assert.equal(toClient[0]?.id, undefined)
  assert.equal(toClient[0]?.error?.code, -32600)
  await down(result('a'))
  assert.deepEqual(toClient[1], result('a'))
})

test('an answer to nothing that was asked is not passed on, in either direction', async () => {
  const { up, down, toServer, toClient, finished } = testSession(ALL)
  await down(result(5, LIST))
  await down({ jsonrpc: '2.0', error: { code: 1, message: 'no id' } })
  assert.equal(toClient.length, 0)
  await up(result(5))
  assert.deepEqual([toServer.length, toClient.length], [0, 0])
  assert.equal(finished[0]?.refusal, 'invalid_request')
})

test('an answer passes once', async () => {
  const { up, down, toClient } = testSession(ALL)
  await up({ jsonrpc: '2.0', id: 1, method: 'ping' })
  await down(result(1))
  await down(result(1))
  assert.equal(toClient.length, 1)
})

test('a task has a handle, by which the server’s own id is found again, and no other has', async () => {
  const { up, down, toServer, toClient } = await listed()
  const ask = (taskId: unknown) => ({ ...call('echo', 2), method: 'tasks/get', params: { taskId } })
  await up(call('echo'))
  await down(result(1, { task: { taskId: 'inner' } }))
  const { task } = toClient.at(-1)!.result as { task: { taskId: string } }
  const { taskId } = task
  assert.notEqual(taskId, 'inner')
  await up(ask(taskId))
  assert.deepEqual(toServer.at(-1), ask('inner'))
  await down(result(2, { taskId: 'inner' }))
  assert.deepEqual(toClient.at(-1), result(2, { taskId }))
  const method = 'notifications/tasks/status'
  await down({ jsonrpc: '2.0', method, params: { taskId: 'inner' } })
  assert.deepEqual(toClient.at(-1), { jsonrpc: '2.0', method, params: { taskId } })
  const [sent, shown] = [toServer.length, toClient.length]
  await down({ jsonrpc: '2.0', method, params: { taskId: 'other' } })
  assert.equal(toClient.length, shown)
  await up(ask('inner'))
  assert.deepEqual([toClient.at(-1)?.error?.code, toServer.length], [-32602, sent])
})

test('a request of the server reaches the client when policy allows it, and its answer goes back once', async () => {
  const { up, down, toServer, toClient, finished } = testSession(ALL)
  const roots = { jsonrpc: '2.0', id: 9, method: 'roots/list' }
  await down(roots)
  assert.deepEqual(toClient, [roots])
  await up(result(9, { roots: [] }))
  await up(result(9, { roots: [] }))
  assert.deepEqual(toServer, [result(9, { roots: [] })])
  assert.deepEqual(
    finished.map(({ calls }) => calls[0]?.call.direction),
    ['down', 'up', undefined],
  )
})

test('X-12 a request of the server that the client did not declare is declined and recorded', async () => {
  const { up, down, toServer, toClient, finished } = testSession(ALL)
  const params = { protocolVersion: '2025-11-25', capabilities: { sampling: {} } }
  await up({ jsonrpc: '2.0', id: 1, method: 'initialize', params })
  await down(result(1, { protocolVersion: '2025-11-25' }))
  await down({ jsonrpc: '2.0', id: 9, method: 'roots/list' })
  await down({ jsonrpc: '2.0', id: 10, method: 'sampling/createMessage', params: {} })
  assert.deepEqual([toServer.at(-1)?.id, toServer.at(-1)?.error?.code], [9, 1001])
  assert.equal(finished.at(-1)?.calls[0]?.reason, 'undeclared')
  assert.deepEqual(
    toClient.map(({ id }) => id),
    [1, 10],
  )
})

test('a request of the server that policy does not allow is declined and recorded', async () => {
  const { down, toServer, toClient, finished } = testSession(ECHO)
  await down({ jsonrpc: '2.0', id: 9, method: 'sampling/createMessage', params: {} })
  assert.equal(toClient.length, 0)
  assert.equal(toServer[0]?.id, 9)
  assert.equal(toServer[0]?.error?.code, 1001)
  assert.equal(finished[0]?.ending, 'refused')
})

test('requests of the server that come too fast are declined, and leave no record', async () => {
  const { up, down, toServer, toClient, finished } = testSession(ALL)
  for (let id = 0; id < 60; id++) {
    await down({ jsonrpc: '2.0', id, method: 'ping' })
    await up(result(id))
  }
  assert.equal(toClient.filter((message) => message.method === 'ping').length, 50)
  assert.equal(toServer.filter(({ error }) => error?.code === 1002).length, 10)
  // Those that passed, and answers to what was not asked, which are the client's own.
  assert.equal(finished.filter(({ refusal }) => refusal === undefined).length, 100)
})

test('notifications of the server pass; unknown ones do not', async () => {
  const { down, toClient } = testSession(ALL)
  await down({ jsonrpc: '2.0', method: 'notifications/tools/list_changed' })
  await down({ jsonrpc: '2.0', method: 'notifications/invented' })
  assert.deepEqual(
    toClient.map(({ method }) => method),
    ['notifications/tools/list_changed'],
  )
})

test('each message of a batch of the server is judged, and comes down on its own', async () => {
  const { up, down, toClient } = testSession(ECHO)
  await up({ jsonrpc: '2.0', id: 1, method: 'tools/list' })
  await up({ jsonrpc: '2.0', id: 2, method: 'ping' })
  await down([result(2), result(1, LIST), result(3)])
  assert.deepEqual(toClient, [result(2), result(1, { tools: [{ name: 'echo' }] })])
})

test('bytes of the server that cannot be read break the session', async () => {
  const { down, toClient } = testSession(ALL)
  await assert.rejects(down('{"jsonrpc":"2.0","id":1,"result":{},"result":{}}'))
  assert.equal(toClient.length, 0)
})

test('an answer that is not one response is an error of the server for its caller', async () => {
  const { up, down, toClient, finished } = testSession(ALL)
  await up({ jsonrpc: '2.0', id: 1, method: 'tools/list' })
  await down('{"jsonrpc":"2.0","id":1,"result":{"tools":[],"Tools":[]}}')
  assert.equal(toClient[0]?.id, 1)
  assert.equal(toClient[0]?.error?.code, 1003)
  assert.equal(finished[0]?.ending, 'upstream_failed')
})

test('a name nobody has listed is looked up on the connection, and its list stays with us', async () => {
  const { up, down, session, toServer, toClient, clock } = testSession(ALL)
  const calling = up(call('echo', 4))
  await new Promise(setImmediate)
  const asked = toServer[0]
  assert.equal(asked?.method, 'tools/list')
  assert.ok(Number.isSafeInteger(asked?.id))
  await down(result(asked?.id, LIST))
  await calling
  assert.deepEqual(toServer[1], call('echo', 4))
  assert.equal(toClient.length, 0)

  const late = up({ jsonrpc: '2.0', id: 5, method: 'prompts/get', params: { name: 'hello' } })
  await new Promise(setImmediate)
  clock.tick = 2_001
  session.sweep(clock.tick)
  await late
  const refused = toClient.map(({ id, error }) => [id, error?.code])
  assert.deepEqual(refused, [
    [4, 1003],
    [5, 1003],
  ])
  assert.equal(toServer.length, 3)
})

test('a call the server does not answer in time is refused, and a late answer is not passed on', async () => {
  const { up, down, session, toClient, clock, places } = testSession(ALL)
  await up({ jsonrpc: '2.0', id: 1, method: 'ping' })
  clock.tick = 1_000
  session.sweep(clock.tick)
  assert.equal(toClient.length, 0)
  clock.tick = 1_001
  session.sweep(clock.tick)
  assert.equal(toClient[0]?.error?.code, 1003)
  await down(result(1))
  assert.deepEqual([toClient.length, places.count], [1, 0])
})

test('a cancelled call gives its place back, and its answer is not passed on', async () => {
  const { up, down, toClient, toServer, finished, places } = testSession(ALL)
  await up({ jsonrpc: '2.0', id: 1, method: 'ping' })
  await up({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 1 } })
  assert.equal(toServer.length, 2)
  assert.equal(places.count, 0)
  assert.equal(finished.at(-1)?.ending, 'client_gone')
  await down(result(1))
  assert.equal(toClient.length, 0)
})

test('a caller with too many calls open is refused under the id of the call', async () => {
  const { up, toServer, toClient, places } = testSession(ALL)
  places.max = 0
  await up({ jsonrpc: '2.0', id: 1, method: 'ping' })
  assert.equal(toServer.length, 0)
  assert.equal(toClient[0]?.id, 1)
  assert.equal(toClient[0]?.error?.code, 1002)
})

test('a message of the modern era is refused with the versions that are served here', async () => {
  const { up, toServer, toClient } = testSession(ALL)
  const meta = { 'io.modelcontextprotocol/protocolVersion': '2026-07-28' }
  await up({ jsonrpc: '2.0', id: 1, method: 'tools/list', params: { _meta: meta } })
  assert.equal(toServer.length, 0)
  assert.equal(toClient[0]?.error?.code, -32022)
  const data = toClient[0]?.error?.data as { readonly supported: readonly string[] }
  assert.equal(data.supported[0], '2025-11-25')
})

test('the version the server agrees to is in force from then on', async () => {
  const { up, down, finished, events, session } = testSession(ALL)
  const params = { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: {} }
  await up({ jsonrpc: '2.0', id: 0, method: 'initialize', params })
  await down(result(0, { protocolVersion: '2024-11-05' }))
  await up({ jsonrpc: '2.0', method: 'notifications/initialized' })
  assert.equal(finished.at(-1)?.calls[0]?.call.version, '2024-11-05')
  session.end({ ending: 'client_gone', refusal: undefined })
  assert.deepEqual(events, ['session_opened', 'session_ended'])
})

test('the credential of the server does not come down', async () => {
  const value = new Secret('Bearer sesame-open-up')
  const credential = { kind: 'static', header: 'authorization', value } as const
  const { up, down, raw, events } = testSession(ALL, { credential })
  await up({ jsonrpc: '2.0', id: 1, method: 'ping' })
  await down(result(1, { said: 'Bearer sesame-open-up' }))
  assert.equal(raw.client[0]?.includes('sesame'), false)
  assert.deepEqual(events, ['warning'])
})

test('at the end calls that run are answered when there is something to say, and recorded either way', async () => {
  for (const refusal of ['upstream_unavailable', undefined] as const) {
    const { up, session, toClient, finished, places } = testSession(ALL)
    await up({ jsonrpc: '2.0', id: 1, method: 'ping' })
    session.end({ ending: 'upstream_failed', refusal })
    assert.equal(toClient[0]?.error?.code, refusal === undefined ? undefined : 1003)
    assert.equal(finished[0]?.ending, 'upstream_failed')
    assert.equal(places.count, 0)
    await up({ jsonrpc: '2.0', id: 2, method: 'ping' })
    assert.equal(finished.length, 1)
  }
})

test('a session that is closing takes no new requests, and lets those that run finish', async () => {
  const { up, down, session, toServer, toClient } = testSession(ALL)
  await up({ jsonrpc: '2.0', id: 1, method: 'ping' })
  session.startClosing('shutting_down')
  await up({ jsonrpc: '2.0', id: 2, method: 'ping' })
  assert.equal(toServer.length, 1)
  assert.equal(toClient[0]?.id, 2)
  assert.ok(session.busy)
  await down(result(1))
  assert.deepEqual(toClient[1], result(1))
  assert.equal(session.busy, false)
})

test('when the token has ended nothing of the client passes any more, and what runs is answered', async () => {
  const { up, down, session, toServer, toClient } = testSession(ALL)
  await up({ jsonrpc: '2.0', id: 1, method: 'ping' })
  await down({ jsonrpc: '2.0', id: 9, method: 'roots/list' })
  session.startClosing('invalid_token')
  await up(result(9, { roots: [] }))
  await up({ jsonrpc: '2.0', method: 'notifications/initialized' })
  await up({ jsonrpc: '2.0', id: 2, method: 'ping' })
  assert.equal(toServer.length, 1)
  assert.equal(toClient.at(-1)?.error?.code, 1000)
  await down(result(1))
  assert.deepEqual(toClient.at(-1), result(1))
})

test('a server that does not list is not asked for what nobody has listed', async () => {
  const { up, down, toServer, toClient } = testSession(ALL)
  const calling = up(call('echo', 4))
  await new Promise(setImmediate)
  await down({ jsonrpc: '2.0', id: toServer[0]?.id, error: { code: -32601, message: 'no' } })
  await calling
  assert.equal(toServer.length, 1)
  assert.equal(toClient[0]?.error?.code, 1003)
})

test('a name on the second page of a list is found', async () => {
  const { up, down, toServer } = testSession(ALL)
  const calling = up(call('echo', 4))
  await new Promise(setImmediate)
  await down(result(toServer[0]?.id, { tools: [{ name: 'other' }], nextCursor: 'two' }))
  assert.deepEqual(toServer[1]?.params, { cursor: 'two' })
  await down(result(toServer[1]?.id, LIST))
  await calling
  assert.deepEqual(toServer[2], call('echo', 4))
})

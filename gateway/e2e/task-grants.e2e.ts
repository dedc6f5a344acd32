/** "Until the task completes": a grant made for a task of a server ends when its caller hears that it is over. */
import assert from 'node:assert/strict'
import type { ServerResponse } from 'node:http'
import { after, before, test } from 'node:test'

import { eventually } from '../testkit/eventually.ts'
import type { TestGatehouse } from '../testkit/gatehouse.ts'
import { ISSUER, startGatehouse } from '../testkit/gatehouse.ts'
import type { RecordingServer, Seen } from '../testkit/recording-server.ts'
import { sendEvents, sendJson, startRecordingServer } from '../testkit/recording-server.ts'
import type { Reply } from '../testkit/rpc.ts'
import { modern, post, request } from '../testkit/rpc.ts'
import { stopAll } from '../testkit/stop-all.ts'
import { checkInTurns } from '../testkit/turns.ts'

let server: RecordingServer
let gateway: TestGatehouse
/** What the server says of every task. */
let status = 'working'

const ANYBODY = { effect: 'allow', subjects: [{ any: true }] }

before(async () => {
  server = await startRecordingServer(answer)
  gateway = await startGatehouse({
    servers: { db: server.url },
    rules: [
      { ...ANYBODY, id: 'plan', tools: ['db/plan'] },
      { ...ANYBODY, id: 'migrate', tools: ['db/execute'], grant: { ttl: '2h' } },
    ],
  })
})

after(() => stopAll(gateway, server))

/** `plan` makes a task, whose id is the same for everybody; `execute` answers at once. */
function answer({ json }: Seen, response: ServerResponse): boolean {
  const reply = (result: unknown) => ({ jsonrpc: '2.0', id: json?.id, result })
  const task = { taskId: 'shared', status, ttl: 60_000 }
  switch (json?.method) {
    case 'tools/list': {
      const tools = ['plan', 'execute'].map((name) => ({ name, inputSchema: { type: 'object' } }))
      sendJson(response, reply({ tools, resultType: 'complete' }))
      return true
    }
    case 'tools/call':
      if (json.params?.['name'] !== 'plan') return false
      sendJson(response, reply({ resultType: 'task', ...task }))
      return true
    case 'tasks/get':
      sendJson(response, reply({ resultType: 'complete', ...task }))
      return true
    case 'subscriptions/listen': {
      const { notifications } = json.params as { notifications: { taskIds: readonly string[] } }
      const note = (method: string, params: unknown) => ({ jsonrpc: '2.0', method, params })
      sendEvents(response, [
        note('notifications/subscriptions/acknowledged', { notifications }),
        note('notifications/tasks', task),
        reply({ resultType: 'complete' }),
      ])
      return true
    }
    default:
      return false
  }
}

type Agent = { readonly token: string; readonly handle: string; readonly grant: string }

async function send(token: string, method: string, params: object): Promise<Reply> {
  const { body, headers } = modern(method, { ...params })
  return await post(gateway.url('db'), body, { token, headers })
}

/** An agent with a task of its own, and a grant to execute for as long as that runs. */
async function begin(subject: string): Promise<Agent> {
  status = 'working'
  const token = await gateway.token('db', { subject })
  const made = await send(token, 'tools/call', { name: 'plan', arguments: {} })
  const handle = String(made.json?.result?.['taskId'])
  assert.notEqual(handle, 'shared', made.text)
  assert.equal(await mayExecute(token), false)
  const body = { rule: 'migrate', issuer: ISSUER, subject, task: handle }
  const granted = await gateway.admin('POST', '/admin/grants', { body })
  assert.equal(granted.status, 201)
  const { id } = granted.json as { id: string }
  return { token, handle, grant: id }
}

async function mayExecute(token: string): Promise<boolean> {
  const called = { name: 'execute', arguments: {} }
  const { json } = await post(gateway.url('db'), request('tools/call', called), { token })
  return json?.error === undefined
}

async function mayExecuteNoMore({ token }: Agent): Promise<void> {
  await checkInTurns(async () => assert.equal(await mayExecute(token), false))
}

test('a grant for a task holds while it works, and ends with the answer that says it is over', async () => {
  const agent = await begin('ann')
  const other = await begin('bob')
  await send(agent.token, 'tasks/get', { taskId: agent.handle })
  assert.equal(await mayExecute(agent.token), true)
  status = 'completed'
  const { json, text } = await send(agent.token, 'tasks/get', { taskId: agent.handle })
  assert.equal(json?.result?.['status'], 'completed', text)
  await mayExecuteNoMore(agent)
  assert.equal(await mayExecute(other.token), true)
  await eventually(async () => {
    const ended = (await gateway.audit()).filter(({ event }) => event === 'grant_ended')
    assert.deepEqual(
      ended.map((record) => [record['grant'], record['by']]),
      [[agent.grant, 'end of task']],
    )
  })
})

test('a task that fails or is cancelled ends its grant as well, and a notification is enough', async () => {
  const asked = await begin('carl')
  status = 'cancelled'
  await send(asked.token, 'tasks/get', { taskId: asked.handle })
  await mayExecuteNoMore(asked)
  const told = await begin('dora')
  const notifications = { taskIds: [told.handle] }
  await send(told.token, 'subscriptions/listen', { notifications })
  assert.equal(await mayExecute(told.token), true)
  status = 'failed'
  const { text } = await send(told.token, 'subscriptions/listen', { notifications })
  assert.match(text, /"status":"failed"/)
  await mayExecuteNoMore(told)
})

/** Tasks of an unmodified server with a stock client (SDK v1, revision 2025-11-25), through a real gateway. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'

import type { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { CallToolResultSchema } from '@modelcontextprotocol/sdk/types.js'

import type { EverythingServer } from '../testkit/everything.ts'
import { startEverything } from '../testkit/everything.ts'
import type { TestGatehouse } from '../testkit/gatehouse.ts'
import { startGatehouse } from '../testkit/gatehouse.ts'
import { connectV1 } from '../testkit/sdk-client.ts'

const TOOL = 'simulate-research-query'

let everything: EverythingServer
let gateway: TestGatehouse
let client: Client
let other: Client

before(async () => {
  everything = await startEverything()
  const allow = { id: 'research', effect: 'allow', subjects: [{ any: true }] }
  gateway = await startGatehouse({
    servers: { everything: everything.url },
    rules: [{ ...allow, tools: [`everything/${TOOL}`] }],
  })
  const url = gateway.url('everything')
  client = await connectV1(url, await gateway.token('everything'))
  other = await connectV1(url, await gateway.token('everything', { subject: 'mallory' }))
})

after(async () => {
  await client.close()
  await other.close()
  await gateway.stop()
  await everything.stop()
})

test('a tool runs as a task to its end, and only its caller can fetch the result', async () => {
  await client.listTools()
  const call = { name: TOOL, arguments: { topic: 'gates' } }
  const { tasks } = client.experimental
  let taskId = ''
  let text = ''
  for await (const event of tasks.callToolStream(call, CallToolResultSchema, {
    task: { ttl: 60_000 },
  })) {
    if (event.type === 'taskCreated') ({ taskId } = event.task)
    if (event.type === 'taskStatus') assert.equal(event.task.taskId, taskId)
    if (event.type === 'error') throw event.error
    if (event.type === 'result') text = JSON.stringify(event.result)
  }
  assert.match(text, /gates/)
  assert.equal((await tasks.getTask(taskId)).taskId, taskId)
  const asked = other.experimental.tasks.getTask(taskId)
  await assert.rejects(asked, /-32602.*Unknown task/)
})

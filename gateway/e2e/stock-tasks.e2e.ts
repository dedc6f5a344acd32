/** Tasks of an unmodified server with a stock client (SDK v1, revision 2025-11-25), through a real gateway. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'

import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { CallToolResultSchema, ElicitRequestSchema } from '@modelcontextprotocol/sdk/types.js'

import type { EverythingServer } from '../testkit/everything.ts'
import { startEverything } from '../testkit/everything.ts'
import type { TestGatehouse } from '../testkit/gatehouse.ts'
import { startGatehouse } from '../testkit/gatehouse.ts'
import { connectV1 } from '../testkit/sdk-client.ts'
import { stopAll } from '../testkit/stop-all.ts'

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
    rules: [
      { ...allow, tools: [`everything/${TOOL}`] },
      { ...allow, id: 'ask', methods: ['elicitation/create'], servers: ['everything'] },
    ],
  })
  const url = gateway.url('everything')
  client = await connectV1(url, await gateway.token('everything'))
  other = await connectV1(url, await gateway.token('everything', { subject: 'mallory' }))
})

after(() => stopAll(client, other, gateway, everything))

/** Runs the tool as a task; the last text is its result. */
async function research(agent: Client, args: object): Promise<{ taskId: string; text: string }> {
  await agent.listTools()
  const call = { name: TOOL, arguments: { topic: 'gates', ...args } }
  const stream = agent.experimental.tasks.callToolStream(call, CallToolResultSchema, {
    task: { ttl: 60_000 },
  })
  let taskId = ''
  let text = ''
  for await (const event of stream) {
    if (event.type === 'taskCreated') ({ taskId } = event.task)
    if (event.type === 'taskStatus') assert.equal(event.task.taskId, taskId)
    if (event.type === 'error') throw event.error
    if (event.type === 'result') text = JSON.stringify(event.result)
  }
  return { taskId, text }
}

describe('tasks of a stock client', { concurrency: true }, () => {
  test('a tool runs as a task to its end, and only its caller can fetch the result', async () => {
    const { taskId, text } = await research(client, {})
    assert.match(text, /gates/)
    assert.equal((await client.experimental.tasks.getTask(taskId)).taskId, taskId)
    const asked = other.experimental.tasks.getTask(taskId)
    await assert.rejects(asked, /-32602.*Unknown task/)
  })

  test('what a task asks its client is asked by its handle, and the answer finds the task', async () => {
    const able = new Client({ name: 'a', version: '1' }, { capabilities: { elicitation: {} } })
    const related: unknown[] = []
    able.setRequestHandler(ElicitRequestSchema, ({ params }) => {
      related.push(params._meta?.['io.modelcontextprotocol/related-task'])
      return { action: 'accept', content: { interpretation: 'historical' } }
    })
    const url = gateway.url('everything')
    await connectV1(url, await gateway.token('everything'), able)
    try {
      const { taskId, text } = await research(able, { ambiguous: true })
      assert.deepEqual(related, [{ taskId }])
      assert.match(text, /historical/)
    } finally {
      await able.close()
    }
  })
})

/** What a task asks of its client, as a subscription tells it (tasks extension of MCP 2026-07-28). */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'

import type { Call } from '../model/call.ts'
import { testCaller, testDesk, testSeat, testServer, withLatest } from '../testkit/pipeline.ts'
import type { Sink } from '../upstream/answer.ts'
import type { Desk } from './desk.ts'
import { FilteredStream } from './filtered-stream.ts'
import type { Answered } from './show-message.ts'

const ALLOW = { effect: 'allow', subjects: [{ any: true }] }
const RULES = [
  { id: 'echo', ...ALLOW, tools: ['docs/echo'] },
  { id: 'ask', ...ALLOW, methods: ['elicitation/create'] },
]

/** What a subscriber is told of a task that asks this, and how each request of the server was decided. */
async function told(inputRequests: unknown): Promise<readonly [boolean, readonly string[]]> {
  const desk = testDesk(RULES)
  const [caller, server] = [testCaller(), testServer()]
  desk.tasks.seal({ id: 't-1', tool: 'echo' }, caller, server)
  const call = { direction: 'up', kind: 'request', era: 'modern', method: 'subscriptions/listen' }
  const seat = testSeat({ head: { protocolVersion: '2026-07-28' } })
  const permit = { caller, server, call: { ...call, id: '4' } as Call, rule: 'echo', dropped: [] }
  let sink: Sink | undefined
  const source = {
    pipe: (to: Sink) => (sink = to),
    pause: () => undefined,
    resume: () => undefined,
    abort: () => undefined,
  }
  const shown: string[] = []
  const answered = { permit, answer: {}, seat } as unknown as Answered
  new FilteredStream(source, answered, withLatest(desk) as unknown as Desk).pipe({
    write: (chunk) => shown.push(Buffer.from(chunk).toString()) > 0,
    end: () => undefined,
    fail: (error) => assert.fail(String(error)),
  })
  const params = { taskId: 't-1', status: 'input_required', inputRequests }
  const text = JSON.stringify({ jsonrpc: '2.0', method: 'notifications/tasks', params })
  sink?.write(Buffer.from(`data: ${text}\n\n`))
  for (let at = 0; at < 20; at++) await turn()
  return [
    shown.length === 1,
    desk.settled.map(({ call: { method }, effect }) => `${method} ${effect}`),
  ]
}

test('what rules let a server ask is told with its task, and recorded', async () => {
  const form = { method: 'elicitation/create', params: { mode: 'form' } }
  assert.deepEqual(await told({ a: form, b: form }), [
    true,
    ['elicitation/create allow', 'elicitation/create allow'],
  ])
  assert.deepEqual(await told(undefined), [true, []])
  assert.deepEqual(await told({}), [true, []])
})

test('a task that asks what may not be asked, or for what is no request, is not told of', async () => {
  const asks = (method: string, params: object = {}): unknown => ({ a: { method, params } })
  const url = 'javascript:alert(1)'
  for (const [requests, decided] of [
    [asks('sampling/createMessage'), ['sampling/createMessage deny']],
    [asks('elicitation/create', { mode: 'url', url }), ['elicitation/create deny']],
    [asks('tools/call'), []],
    [{ a: 7 }, []],
    [[], []],
    ['x', []],
  ] as const) {
    assert.deepEqual(await told(requests), [false, decided], JSON.stringify(requests))
  }
})

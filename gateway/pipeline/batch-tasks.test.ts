/** Tasks in arrays of messages: each element's ids are opened and sealed as if it had come alone. */
import assert from 'node:assert/strict'
import { test } from 'node:test'

import type { Permit } from '../model/permit.ts'
import { Refusal } from '../model/refusal.ts'
import { testCaller, testDesk, testSeat } from '../testkit/pipeline.ts'
import { bodyUp } from './body-up.ts'
import type { Seat } from './frame.ts'
import { readBody } from './frame.ts'
import { judge } from './judge.ts'
import { sealIds } from './request-ids.ts'
import { showBatch } from './show-batch.ts'

const ALICE = testCaller({ subject: 'alice' })
const MALLORY = testCaller({ subject: 'mallory' })
const RULES = [
  { id: 'echo', effect: 'allow', subjects: [{ any: true }], tools: ['docs/echo', 'docs/read'] },
]
const RELATED = '"io.modelcontextprotocol/related-task"'

type TestDesk = ReturnType<typeof testDesk>

const rpc = (id: number, method: string, params: string): string =>
  `{"jsonrpc":"2.0","id":${id},"method":"${method}","params":${params}}`

const result = (id: number | string, text: string): string =>
  `{"jsonrpc":"2.0","id":${JSON.stringify(id)},"result":${text}}`

function seatIn(): Seat {
  const session = { handle: 'h', id: 's-1', version: '2025-03-26' }
  return Object.assign(testSeat(), { session })
}

type Asked = { readonly body: Uint8Array; readonly permit: Permit; readonly seat: Seat }

async function ask(desk: TestDesk, text: string, caller = ALICE): Promise<Asked> {
  const [body, seat] = [Buffer.from(text), seatIn()]
  return { body, permit: await judge(readBody(body, seat), caller, desk), seat }
}

function up({ body, permit, seat }: Asked, desk: TestDesk): string {
  return Buffer.from(bodyUp(body, permit, seat, desk)).toString()
}

/** What the caller is shown of the responses to an array. */
function show(asked: Asked, text: string, desk: TestDesk): string {
  const shown = showBatch(Buffer.from(text), asked, desk)
  assert.ok(shown.ok)
  return Buffer.from(shown.bytes).toString()
}

/** The handles of the tasks `t-1` and `t-2`, made by two calls in one array. */
async function create(desk: TestDesk): Promise<readonly [string, string]> {
  const [one, two] = ['echo', 'read'].map((name, at) =>
    rpc(at, 'tools/call', `{"name":"${name}","arguments":{}}`),
  )
  const asked = await ask(desk, `[${one},${two}]`)
  const answer = `[${result(1, '{"task":{"taskId":"t-2"}}')},${result(0, '{"task":{"taskId":"t-1"}}')}]`
  const shown = JSON.parse(show(asked, answer, desk)) as {
    id: number
    result: { task: { taskId: string } }
  }[]
  const [first, second] = shown.toSorted((a, b) => a.id - b.id)
  assert.ok(first !== undefined && second !== undefined)
  return [first.result.task.taskId, second.result.task.taskId]
}

test('a task is bound to the tool of the element that made it, whatever order the answers have', async () => {
  const desk = testDesk(RULES)
  const tools = (await create(desk)).map((handle) => {
    const { caller, seat } = { caller: ALICE, seat: seatIn() }
    return desk.tasks.open(handle, caller, seat.server)
  })
  assert.deepEqual(
    tools.map((task) => [task?.id, task?.tool]),
    [
      ['t-1', 'echo'],
      ['t-2', 'read'],
    ],
  )
})

test('the server reads its own ids in every element, and the rest as it came', async () => {
  const desk = testDesk(RULES)
  const [one, two] = await create(desk)
  const text = (first: string, second: string): string =>
    `[ ${rpc(1, 'tasks/get', `{"taskId": "${first}"}`)} ,${rpc(2, 'ping', '{}')},\n` +
    `${rpc(3, 'tools/call', `{"name":"echo","_meta":{${RELATED}:{"taskId":"${second}"}}}`)}]`
  const asked = await ask(desk, text(one, two))
  assert.equal(up(asked, desk), text('t-1', 't-2'))
  const answer = (id: string): string => `[${result(1, `{"taskId":"${id}"}`)}]`
  assert.equal(show(asked, answer('t-1'), desk), answer(one))
})

test('one task of somebody else refuses the array, and only its own request hears of the task', async () => {
  const desk = testDesk(RULES)
  const [one] = await create(desk)
  const ping = rpc(2, 'ping', '{}')
  const related = rpc(7, 'tools/call', `{"name":"echo","_meta":{${RELATED}:{"taskId":"${one}"}}}`)
  const eachOf = ({ extra }: Refusal): unknown =>
    [...(extra.each ?? [])].map(([id, { code, message }]) => [id, code, message])
  for (const own of [rpc(7, 'tasks/get', `{"taskId":"${one}"}`), related]) {
    const asking = ask(desk, `[${ping},${own}]`, MALLORY).then((asked) => up(asked, desk))
    await assert.rejects(asking, (error) => {
      assert.ok(error instanceof Refusal)
      assert.deepEqual(eachOf(error), [['7', 'unknown_name', 'Unknown task']])
      return true
    })
  }
})

test('a response in an array names the task it belongs to by its handle, and nobody else may', async () => {
  const desk = testDesk(RULES)
  const [one] = await create(desk)
  const { permit, seat } = await ask(desk, `[${rpc(1, 'ping', '{}')}]`)
  const question = Buffer.from(rpc(5, 'roots/list', '{}'))
  const frame = readBody(question, seat)
  assert.ok('content' in frame && frame.content.kind === 'message')
  const { message } = frame.content
  const sent = Buffer.from(sealIds(question, message, { permit, seat, desk })).toString()
  const { id } = JSON.parse(sent) as { id: string }
  const text = (asked: string | number, task: string): string =>
    `[${rpc(1, 'ping', '{}')}, ${result(asked, `{"_meta":{${RELATED}:{"taskId":"${task}"}}}`)}]`
  assert.equal(up(await ask(desk, text(id, one)), desk), text(5, 't-1'))
  for (const task of ['t-1', '', `${one}A`]) {
    const asked = await ask(desk, text(id, task))
    assert.throws(
      () => up(asked, desk),
      (error) => error instanceof Refusal && error.extra.each?.size === 0,
    )
  }
})

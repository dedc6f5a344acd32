/** Ids of tasks down and up: whose they are, which tool decides about them, and what the server reads. */
import assert from 'node:assert/strict'
import { test } from 'node:test'

import { splice } from '../mcp/edit.ts'
import { filterAnswer } from '../mcp/list.ts'
import { scan } from '../mcp/scan.ts'
import type { Permit } from '../model/permit.ts'
import { Refusal } from '../model/refusal.ts'
import { createSeals, temporaryKey } from '../seal/seal.ts'
import { testCaller, testDesk, testSeat, testServer } from '../testkit/pipeline.ts'
import type { Seat } from './frame.ts'
import { judge } from './judge.ts'
import { openTasks, openTasksInResponse } from './open-tasks.ts'
import { sealIds } from './request-ids.ts'
import type { Showing } from './show-message.ts'
import { showMessage } from './show-message.ts'
import { createTasks } from './tasks.ts'

const ALICE = testCaller({ subject: 'alice' })
const MALLORY = testCaller({ subject: 'mallory' })
const ALLOW = { effect: 'allow', subjects: [{ any: true }] }
const RULES = [{ id: 'echo', ...ALLOW, tools: ['docs/echo'] }]
const RELATED = '"io.modelcontextprotocol/related-task"'

type TestDesk = ReturnType<typeof testDesk>

function messageIn(text: string) {
  const scanned = scan(Buffer.from(text))
  assert.ok(scanned.ok, text)
  return scanned.messages[0]!
}

const rpc = (method: string, params: string): string =>
  `{"jsonrpc":"2.0","id":1,"method":"${method}","params":${params}}`

function ask(text: string, desk: TestDesk, caller = ALICE, seat = testSeat()): Promise<Permit> {
  const content = { kind: 'message', message: messageIn(text) } as const
  return judge({ seat, direction: 'up', content }, caller, desk)
}

const CALL = rpc('tools/call', '{"name":"echo","arguments":{}}')

type Shown = { answers?: Showing['answers']; seat?: Seat }

/** What a caller is shown of a result under a permit. */
function show(result: string, permit: Permit, desk: TestDesk, over: Shown = {}): string {
  const bytes = Buffer.from(`{"jsonrpc":"2.0","id":1,"result":${result}}`)
  const { answers = 'this_call', seat = testSeat() } = over
  const shown = showMessage({ bytes, id: undefined, permit, seat, answers }, desk)
  assert.ok(shown.ok)
  return Buffer.from(shown.bytes).toString()
}

/** The handle that a call of `echo` gets for the task `inner`. */
async function create(desk: TestDesk, inner = 'inner', caller = ALICE): Promise<string> {
  const permit = await ask(CALL, desk, caller)
  const text = show(`{"task":{"taskId":"${inner}"}}`, permit, desk)
  return (JSON.parse(text) as { result: { task: { taskId: string } } }).result.task.taskId
}

/** What goes up of a frame. */
function opened(text: string, permit: Permit, desk: TestDesk): string {
  const body = Buffer.from(text)
  return Buffer.from(splice(body, openTasks(body, permit, desk))).toString()
}

const unknown = (error: unknown): boolean =>
  error instanceof Refusal && error.code === 'unknown_name' && error.message === 'Unknown task'

test('a task that is listed has a handle that opens, whichever keys have come and gone', () => {
  const [old, added] = [temporaryKey(), { ...temporaryKey(), id: 'added' }]
  const recent = new Map()
  const rings = [[old], [old, added], [added, old], [added]]
  const first = createTasks(createSeals([old]), recent)
  const made = first.seal({ id: 'inner', tool: 'echo' }, ALICE, testServer())
  for (const ring of rings) {
    const tasks = createTasks(createSeals(ring), recent)
    const known = tasks.recall('inner', ALICE, testServer())
    assert.ok(known)
    assert.equal(tasks.open(known.handle, ALICE, testServer())?.id, 'inner')
    // While it opens, the client goes on with the one it has.
    assert.equal(known.handle === made.handle, ring.includes(old))
    assert.equal(tasks.recall('inner', MALLORY, testServer()), undefined)
  }
})

test('a task is asked about by its handle, in any of its answers, and the server reads its own id', async () => {
  const desk = testDesk(RULES)
  const handle = await create(desk)
  assert.ok(!handle.includes('inner') && !atob(handle.replaceAll(/[-_]/g, 'A')).includes('inner'))
  for (const method of ['tasks/get', 'tasks/result', 'tasks/cancel']) {
    const text = rpc(method, `{"é":1,"taskId": "${handle}"}`)
    const seat = testSeat()
    const permit = await ask(text, desk, ALICE, seat)
    const up = opened(text, permit, desk)
    assert.equal(up, rpc(method, `{"é":1,"taskId": "inner"}`))
    const result = (id: string): string =>
      `{"taskId":"${id}","_meta":{${RELATED}:{"taskId":"${id}"}}}`
    const shown = show(result('inner'), permit, desk, { seat })
    assert.equal(shown, `{"jsonrpc":"2.0","id":1,"result":${result(handle)}}`)
  }
})

test('a handle is unknown to anybody else, and so is whatever was not made here', async () => {
  const desk = testDesk(RULES)
  const handle = await create(desk)
  const seals = createSeals([temporaryKey()])
  const foreign = createTasks(seals, new Map()).seal(
    { id: 'inner', tool: 'echo' },
    ALICE,
    testServer(),
  )
  await assert.rejects(ask(rpc('tasks/get', `{"taskId":"${handle}"}`), desk, MALLORY), unknown)
  for (const id of ['inner', '', `${handle}A`, foreign.handle]) {
    await assert.rejects(ask(rpc('tasks/result', `{"taskId":"${id}"}`), desk), unknown, id)
  }
})

test('a task of a tool that is denied by now is unknown', async () => {
  const desk = testDesk(RULES)
  const text = rpc('tasks/result', `{"taskId":"${await create(desk)}"}`)
  await ask(text, desk)
  const deny = { id: 'deny', effect: 'deny', subjects: [{ any: true }], tools: ['docs/echo'] }
  const later = testDesk([...RULES, { id: 'b', ...ALLOW, tools: ['docs/b'] }, deny])
  await assert.rejects(ask(text, { ...later, tasks: desk.tasks }), unknown)
})

test('a task that the call did not make has a handle that nobody may ask about', async () => {
  const desk = testDesk(RULES)
  const made = await ask(CALL, desk)
  const strange = show('{"task":{"taskId":"x"}}', made, desk, { answers: 'any_call' })
  const { taskId } = (JSON.parse(strange) as { result: { task: { taskId: string } } }).result.task
  assert.notEqual(taskId, 'x')
  await assert.rejects(ask(rpc('tasks/get', `{"taskId":"${taskId}"}`), desk), unknown)
})

test('a list holds the tasks that are known as the caller’s, under their handles', async () => {
  const method = { id: 'list', ...ALLOW, methods: ['tasks/list'] }
  const desk = testDesk([...RULES, method])
  const mine = await create(desk, 'a')
  await create(desk, 'b', MALLORY)
  const permit = await ask(rpc('tasks/list', '{}'), desk)
  const listed = show('{"tasks":[{"taskId":"b"},{"taskId":"a"},{"taskId":"c"}]}', permit, desk)
  assert.equal(listed, `{"jsonrpc":"2.0","id":1,"result":{"tasks":[{"taskId":"${mine}"}]}}`)
  const denied = { ...testDesk([method]), tasks: desk.tasks }
  const now = show('{"tasks":[{"taskId":"a"}]}', permit, denied)
  assert.equal(now, '{"jsonrpc":"2.0","id":1,"result":{"tasks":[]}}')
})

test('a notification about a task of somebody else does not pass, one about the caller’s does', async () => {
  const desk = testDesk(RULES)
  const handle = await create(desk)
  await create(desk, 'other', MALLORY)
  const seat = testSeat()
  const permit = await ask(CALL, desk, ALICE, seat)
  const status = (id: string): string =>
    `{"jsonrpc":"2.0","method":"notifications/tasks/status","params":{"taskId":"${id}"}}`
  const down = async (id: string): Promise<string> => {
    const message = messageIn(status(id))
    await judge({ seat, direction: 'down', content: { kind: 'message', message } }, ALICE, desk)
    return Buffer.from(sealIds(Buffer.from(status(id)), message, { permit, seat, desk })).toString()
  }
  assert.equal(await down('inner'), status(handle))
  await assert.rejects(down('other'))
  await assert.rejects(down('never'))
})

test('the task a request belongs to is sealed with its id, and opened in the response', async () => {
  const desk = testDesk(RULES)
  const handle = await create(desk)
  const seat = testSeat()
  const permit = await ask(CALL, desk, ALICE, seat)
  const asked = rpc('elicitation/create', `{"_meta":{${RELATED}:{"taskId":"inner"}}}`)
  const message = messageIn(asked)
  const sent = Buffer.from(sealIds(Buffer.from(asked), message, { permit, seat, desk })).toString()
  const { id } = JSON.parse(sent) as { id: string }
  assert.equal(sent, asked.replace('"id":1', `"id":"${id}"`).replace('inner', handle))
  const answer = { kind: 'response', spans: {}, targets: [] }
  const response = (task: string): string =>
    `{"jsonrpc":"2.0","id":1,"result":{"tasks":[{"taskId":"z"}],"_meta":{${RELATED}:{"taskId":"${task}"}}}}`
  const up = (task: string, caller = ALICE): string => {
    const facts = { ...permit, caller, call: answer } as unknown as Permit
    return Buffer.from(openTasksInResponse(Buffer.from(response(task)), facts, desk)).toString()
  }
  assert.equal(up(handle), response('inner'))
  assert.throws(() => up('inner'), Refusal)
  assert.throws(() => up(handle, MALLORY), Refusal)
})

test('a call that says it belongs to a task of somebody else is refused', async () => {
  const desk = testDesk(RULES)
  const handle = await create(desk)
  const text = (id: string): string =>
    rpc('tools/call', `{"name":"echo","_meta":{${RELATED}:{"taskId":"${id}"}}}`)
  const up = async (id: string, caller = ALICE): Promise<string> => {
    const permit = await ask(text(id), desk, caller)
    return opened(text(id), permit, desk)
  }
  assert.equal(await up(handle), text('inner'))
  await assert.rejects(up('inner'), unknown)
  await assert.rejects(up(handle, MALLORY), unknown)
})

test('a handle is the same for the same task only, and good on a replica that never saw it', () => {
  const seals = createSeals([temporaryKey()])
  const tasks = createTasks(seals, new Map())
  const server = testServer()
  const made = tasks.seal({ id: 'a\nb', tool: 'echo' }, ALICE, server)
  assert.deepEqual(createTasks(seals, new Map()).open(made.handle, ALICE, server), made)
  assert.equal(tasks.seal({ id: 'a\nb', tool: 'echo' }, ALICE, server).handle, made.handle)
  for (const [id, tool, caller] of [
    ['a', 'echo', ALICE],
    ['a\nb', 'other', ALICE],
    ['a\nb', 'echo', MALLORY],
  ] as const) {
    assert.notEqual(tasks.seal({ id, tool }, caller, server).handle, made.handle)
  }
  assert.equal(tasks.open(made.handle, ALICE, testServer({ name: 'db' })), undefined)
  for (const id of ['x'.repeat(1_025), '\ud800']) {
    assert.throws(() => tasks.seal({ id, tool: 'echo' }, ALICE, server), Refusal)
  }
})

test('ten thousand tasks are recalled, and an older one still opens', () => {
  const recent = new Map()
  const tasks = createTasks(createSeals([temporaryKey()]), recent)
  const server = testServer()
  const first = tasks.seal({ id: 'first', tool: 'echo' }, ALICE, server)
  for (let at = 0; at < 10_000; at++) tasks.seal({ id: `t${at}`, tool: 'echo' }, ALICE, server)
  assert.equal(recent.size, 10_000)
  assert.equal(tasks.recall('first', ALICE, server), undefined)
  assert.equal(tasks.recall('t0', MALLORY, server), undefined)
  assert.equal(tasks.open(first.handle, ALICE, server)?.id, 'first')
  assert.equal(tasks.recall('first', ALICE, server)?.handle, first.handle)
})

test('an answer without tasks is not read twice', () => {
  const plain = ['{"content":[],"_meta":{"x":1}}', '{"structuredContent":{"taskId":"a"}}']
  const named = ['{"tasks":[]}', '{"taskId":"a"}', '{"task":{}}', `{"_meta":{${RELATED}:{}}}`]
  const names = (result: string): boolean => {
    const bytes = Buffer.from(`{"jsonrpc":"2.0","id":1,"result":${result}}`)
    const read = filterAnswer(bytes, { show: () => true })
    return read.ok && read.namesTasks
  }
  assert.deepEqual([...plain, ...named].map(names), [false, false, true, true, true, true])
})

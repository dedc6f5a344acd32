/** Grants made for a task end when the gateway passes on that it is over, and not before. */
import assert from 'node:assert/strict'
import { test } from 'node:test'

import { scan } from '../mcp/scan.ts'
import type { Caller } from '../model/caller.ts'
import type { Permit } from '../model/permit.ts'
import type { Grants } from '../registry/grants.ts'
import type { TestDesk } from '../testkit/pipeline.ts'
import { testCaller, testDesk, testGrants, testSeat, testServer } from '../testkit/pipeline.ts'
import { judge } from './judge.ts'
import { sealIds } from './request-ids.ts'
import { showMessage } from './show-message.ts'

const ALICE = testCaller({ subject: 'alice' })
const BOB = testCaller({ subject: 'bob' })
const RULES = [{ id: 'echo', effect: 'allow', subjects: [{ any: true }], tools: ['docs/echo'] }]

type World = {
  readonly desk: TestDesk
  readonly grants: Grants
  /** The handle by which a caller knows the task with this id of the server. */
  readonly handleOf: (id: string, caller?: Caller) => string
  /** The id of a grant for a task. */
  readonly grant: (task: string, caller?: Caller) => Promise<string>
}

function createWorld(): World {
  const grants = testGrants()
  const desk = { ...testDesk(RULES), grants }
  const none = { ttlMs: undefined, task: undefined, maxUses: undefined }
  return {
    desk,
    grants,
    handleOf: (id, caller = ALICE) =>
      desk.tasks.seal({ id, tool: 'echo' }, caller, testServer()).handle,
    grant: async (task, { issuer, subject } = ALICE) => {
      const made = await grants.create({ rule: 'migrate', issuer, subject, task }, none, 'op')
      return made.id
    },
  }
}

function messageIn(text: string) {
  const scanned = scan(Buffer.from(text))
  assert.ok(scanned.ok, text)
  return scanned.messages[0]!
}

/** What is asked about a task, permitted. */
async function ask(method: string, params: unknown, { desk }: World, caller = ALICE) {
  const text = JSON.stringify({ jsonrpc: '2.0', id: 1, method, params })
  const content = { kind: 'message', message: messageIn(text) } as const
  return await judge({ seat: testSeat(), direction: 'up', content }, caller, desk)
}

type Answer = { readonly result: unknown } | { readonly error: unknown }

function answer(permit: Permit, reply: Answer, { desk }: World): void {
  const bytes = Buffer.from(JSON.stringify({ jsonrpc: '2.0', id: 1, ...reply }))
  const showing = { bytes, id: '1', permit, seat: testSeat(), answers: 'this_call' } as const
  assert.ok(showMessage(showing, desk).ok)
}

/** What the server says of `inner` when its caller asks. */
async function state(status: string, world: World, caller = ALICE): Promise<void> {
  const permit = await ask('tasks/get', { taskId: world.handleOf('inner', caller) }, world, caller)
  answer(permit, { result: { taskId: 'inner', status } }, world)
}

test('a grant outlives a task that works or asks, and ends when it is completed, failed or cancelled', async () => {
  for (const status of ['completed', 'failed', 'cancelled']) {
    const world = createWorld()
    const id = await world.grant(world.handleOf('inner'))
    const other = await world.grant(world.handleOf('other'))
    const named = await world.grant('MIG-142')
    for (const early of ['working', 'input_required']) {
      await state(early, world)
      assert.equal(world.grants.lives(id), true, early)
    }
    await state(status, world)
    assert.equal(world.grants.lives(id), false, status)
    assert.deepEqual([world.grants.lives(other), world.grants.lives(named)], [true, true])
  }
})

test('a task of another caller with the same id ends nothing, whoever holds the grant', async () => {
  const world = createWorld()
  const own = await world.grant(world.handleOf('inner'))
  const foreign = await world.grant(world.handleOf('inner', ALICE), BOB)
  await state('completed', world, BOB)
  assert.deepEqual([world.grants.lives(own), world.grants.lives(foreign)], [true, true])
  await state('completed', world)
  assert.deepEqual([world.grants.lives(own), world.grants.lives(foreign)], [false, true])
})

test('the answer to tasks/result ends the grant, be it a result or the error that the task came to', async () => {
  const error = { code: -32603, message: 'it failed' }
  for (const reply of [{ result: { content: [] } }, { error }]) {
    const world = createWorld()
    const handle = world.handleOf('inner')
    const id = await world.grant(handle)
    answer(await ask('tasks/get', { taskId: handle }, world), { error }, world)
    assert.equal(world.grants.lives(id), true)
    const permit = await ask('tasks/result', { taskId: handle }, world)
    assert.equal(world.grants.lives(id), true)
    answer(permit, reply, world)
    assert.equal(world.grants.lives(id), false)
  }
})

test('a list of tasks and a call that is over at once end grants too', async () => {
  const world = createWorld()
  const id = await world.grant(world.handleOf('inner'))
  const permit = await ask('tools/call', { name: 'echo', arguments: {} }, world)
  const done = (taskId: string) => ({ taskId, status: 'completed' })
  answer(permit, { result: { tasks: [done('other')] } }, world)
  assert.equal(world.grants.lives(id), true)
  answer(permit, { result: { tasks: [done('other'), done('inner')] } }, world)
  assert.equal(world.grants.lives(id), false)
  const next = await world.grant(world.handleOf('next'))
  answer(permit, { result: { task: done('next') } }, world)
  assert.equal(world.grants.lives(next), false)
})

test('a notification that a task is over ends its grants in either revision', async () => {
  for (const method of ['notifications/tasks/status', 'notifications/tasks']) {
    const world = createWorld()
    const { desk, grants } = world
    const seat = testSeat()
    const id = await world.grant(world.handleOf('inner'))
    const permit = await ask('tools/call', { name: 'echo', arguments: {} }, world)
    for (const status of ['working', 'completed']) {
      assert.equal(grants.lives(id), true, status)
      const params = { taskId: 'inner', status }
      const text = JSON.stringify({ jsonrpc: '2.0', method, params })
      sealIds(Buffer.from(text), messageIn(text), { permit, seat, desk })
    }
    assert.equal(grants.lives(id), false, method)
  }
})

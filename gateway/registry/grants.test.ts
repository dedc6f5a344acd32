import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Caller } from '../model/caller.ts'
import type { GatehouseEvent } from '../model/event.ts'
import type { GrantTerms } from '../model/terms.ts'
import { createMemoryStore } from '../state/memory.ts'
import { testCaller } from '../testkit/pipeline.ts'
import type { GrantRequest } from './grant.ts'
import { GrantError } from './grant.ts'
import type { Grants } from './grants.ts'
import { createGrants } from './grants.ts'

const ISSUER = 'https://idp.example'
const REQUEST: GrantRequest = { rule: 'migrate', issuer: ISSUER, subject: 'ann' }
const OPEN: GrantTerms = { ttlMs: undefined, task: undefined, maxUses: undefined }

/** One store and a clock; `process` makes the grants of one more process on that store. */
function createWorld() {
  const clock = { nowMs: 1_800_000_000_000 }
  const now = (): number => clock.nowMs
  const store = createMemoryStore({ now })
  const events: GatehouseEvent[] = []
  async function process(): Promise<Grants> {
    const grants = createGrants({ store, now, emit: (event) => events.push(event) })
    await grants.load()
    return grants
  }
  return { clock, store, events, process }
}

function ann(over: Partial<Caller> = {}): Caller {
  return testCaller({ issuer: ISSUER, subject: 'ann', client: 'app', ...over })
}

test('a grant is for its rule, issuer, subject and client, and for no others', async () => {
  const { process } = createWorld()
  const grants = await process()
  const { id } = await grants.create({ ...REQUEST, client: 'app' }, OPEN, 'op')
  const found = (rule: string, caller: Caller) => grants.book.find(rule, caller)?.id
  assert.equal(found('migrate', ann()), id)
  assert.equal(found('other', ann()), undefined)
  assert.equal(found('migrate', ann({ subject: 'bob' })), undefined)
  assert.equal(found('migrate', ann({ issuer: 'https://other.example' })), undefined)
  assert.equal(found('migrate', ann({ client: 'other' })), undefined)
  const any = await grants.create(REQUEST, OPEN, 'op')
  assert.equal(found('migrate', ann({ client: 'other' })), any.id)
})

test('a grant ends with its time to the second, in every process', async () => {
  const { process, clock } = createWorld()
  const [one, two] = [await process(), await process()]
  const { id } = await one.create({ ...REQUEST, ttlSeconds: 10 }, OPEN, 'op')
  await two.refresh()
  const { book } = two
  clock.nowMs += 9_999
  assert.equal(two.book.find('migrate', ann())?.id, id)
  assert.equal(two.book, book)
  clock.nowMs += 1
  for (const grants of [one, two]) {
    assert.equal(grants.book.find('migrate', ann()), undefined)
    assert.equal(grants.lives(id), false)
    assert.equal(await grants.use('migrate', ann()), undefined)
  }
  assert.notEqual(two.book, book)
})

test('the uses of a grant are as many as there are, whoever takes them at once', async () => {
  const { process } = createWorld()
  const [one, two] = [await process(), await process()]
  const { id } = await one.create({ ...REQUEST, maxUses: 5 }, OPEN, 'op')
  await two.refresh()
  const uses = await Promise.all(
    Array.from({ length: 40 }, (_, i) => (i % 2 === 0 ? one : two).use('migrate', ann())),
  )
  assert.equal(uses.filter((grant) => grant?.id === id).length, 5)
  await two.refresh()
  for (const grants of [one, two]) {
    assert.equal(grants.book.find('migrate', ann())?.usedUp, true)
    assert.equal(grants.lives(id), true)
  }
})

test('a use that is given back is there again for every process, and no more than once', async () => {
  const { process } = createWorld()
  const [one, two] = [await process(), await process()]
  await one.create({ ...REQUEST, maxUses: 1 }, OPEN, 'op')
  const grant = (await one.use('migrate', ann()))!
  assert.equal(await one.use('migrate', ann()), undefined)
  await one.giveBack(grant)
  await two.refresh()
  assert.equal(two.book.find('migrate', ann())?.usedUp, false)
  assert.equal((await two.use('migrate', ann()))?.id, grant.id)
  assert.equal(await two.use('migrate', ann()), undefined)
  await two.end(grant.id, 'op')
  await two.giveBack(grant)
  assert.equal(await two.use('migrate', ann()), undefined)
})

test('a grant without a count is used before one that has one, and a live one before one used up', async () => {
  const { process } = createWorld()
  const grants = await process()
  const counted = await grants.create({ ...REQUEST, maxUses: 1 }, OPEN, 'op')
  assert.equal((await grants.use('migrate', ann()))?.id, counted.id)
  const second = await grants.create({ ...REQUEST, maxUses: 1 }, OPEN, 'op')
  assert.equal(grants.book.find('migrate', ann())?.id, second.id)
  const open = await grants.create(REQUEST, OPEN, 'op')
  assert.equal((await grants.use('migrate', ann()))?.id, open.id)
  await grants.end(open.id, 'op')
  assert.equal((await grants.use('migrate', ann()))?.id, second.id)
  assert.equal(await grants.use('migrate', ann()), undefined)
})

test('the end of a task ends its grants and no others, and who ended what is told', async () => {
  const { process, events } = createWorld()
  const [one, two] = [await process(), await process()]
  const served = await one.create({ ...REQUEST, task: 'MIG-1' }, OPEN, 'op')
  const other = await one.create({ ...REQUEST, task: 'MIG-2' }, OPEN, 'op')
  const ended = await two.endTask('MIG-1', 'ci')
  assert.deepEqual(
    ended.map(({ id }) => id),
    [served.id],
  )
  await one.refresh()
  assert.deepEqual([one.lives(served.id), one.lives(other.id)], [false, true])
  assert.deepEqual(
    events.map((event) => [event.type, 'id' in event && event.id, 'by' in event && event.by]),
    [
      ['grant_created', served.id, 'op'],
      ['grant_created', other.id, 'op'],
      ['grant_ended', served.id, 'ci'],
    ],
  )
  assert.equal(await two.end(served.id, 'ci'), undefined)
})

test('a task that is over ends the grants of its holder, and nobody else’s', async () => {
  const { process, events } = createWorld()
  const [one, two] = [await process(), await process()]
  const { id } = await one.create({ ...REQUEST, task: 'handle' }, OPEN, 'op')
  const bobs = await one.create({ ...REQUEST, subject: 'bob', task: 'handle' }, OPEN, 'op')
  const plain = await one.create(REQUEST, OPEN, 'op')
  assert.deepEqual(one.book.tasksOf(ann()), ['handle'])
  assert.deepEqual(one.book.tasksOf(ann({ subject: 'eve' })), [])
  const { book } = one
  one.endServing('other', ann())
  assert.equal(one.lives(id), true)
  one.endServing('handle', ann())
  assert.deepEqual([one.lives(id), one.lives(bobs.id), one.lives(plain.id)], [false, true, true])
  assert.notEqual(one.book, book)
  assert.deepEqual(one.book.tasksOf(ann()), [])
  await one.refresh()
  await two.refresh()
  assert.equal(two.lives(id), false)
  const ended = events.filter(({ type }) => type === 'grant_ended')
  assert.deepEqual(
    ended.map((event) => 'by' in event && event.by),
    ['end of task'],
  )
})

test('a task that is over while the store is away ends its grants at once, and in the store once it is back', async () => {
  const { store, process, events } = createWorld()
  const one = await process()
  const { id } = await one.create({ ...REQUEST, task: 'handle' }, OPEN, 'op')
  const remove = store.delete.bind(store)
  store.delete = () => Promise.reject(new Error('away'))
  one.endServing('handle', ann())
  assert.equal(one.lives(id), false)
  assert.equal(await one.use('migrate', ann()), undefined)
  await assert.rejects(one.refresh(), /away/)
  assert.deepEqual([one.lives(id), one.list()], [false, []])
  store.delete = remove
  await one.refresh()
  assert.deepEqual((await process()).list(), [])
  assert.equal(events.filter(({ type }) => type === 'grant_ended').length, 1)
})

test('a grant that was ended is not brought back by its last use', async () => {
  const { process } = createWorld()
  const [one, two] = [await process(), await process()]
  const { id } = await one.create({ ...REQUEST, maxUses: 1 }, OPEN, 'op')
  await two.refresh()
  await one.end(id, 'op')
  await two.use('migrate', ann())
  await two.refresh()
  assert.equal(two.lives(id), false)
})

test('a grant is never wider than its rule', async () => {
  const { process } = createWorld()
  const grants = await process()
  const terms: GrantTerms = { ttlMs: 60_000, task: 'MIG-1', maxUses: 3 }
  const made = await grants.create(REQUEST, terms, 'op')
  assert.equal(made.expiresAtSeconds, made.createdAtSeconds + 60)
  assert.deepEqual([made.maxUses, made.task], [3, 'MIG-1'])
  const wider = [{ ttlSeconds: 61 }, { maxUses: 4 }, { task: 'MIG-2' }]
  const wrong = [{ ttlSeconds: 0 }, { maxUses: 1.5 }, { subject: '' }, { reason: 'a\nb' }]
  for (const more of [...wider, ...wrong]) {
    await assert.rejects(grants.create({ ...REQUEST, ...more }, terms, 'op'), GrantError)
  }
  assert.equal(grants.list().length, 1)
})

test('grants survive a restart, and a row that is not understood grants nothing', async () => {
  const { process, store } = createWorld()
  const first = await process()
  const grant = await first.create(REQUEST, OPEN, 'op')
  await store.put('grant/entry/later', '{"v":2,"id":"later"}')
  await store.put('grant/entry/broken', '{')
  const second = await process()
  assert.deepEqual(second.list(), [grant])
})

import assert from 'node:assert/strict'
import { test } from 'node:test'

import { createSigner } from '../testkit/signer.ts'
import { ABSENT_MS, createIssuerKeys, MAX_AGE_MS, REFRESH_AGE_MS } from './issuer-keys.ts'
import { createKeyDocuments, MIN_INTERVAL_MS } from './key-documents.ts'

const URL = 'https://idp.example/jwks'
const BEGIN_MS = 10_000_000

const { jwk: first } = await createSigner('ES256', 'first')
const { jwk: second } = await createSigner('ES256', 'second')

/** What is fetched for all, and those who ask for it: `workers` with keys of their own. */
function machine(document: unknown = { keys: [first] }) {
  const world = {
    nowMs: BEGIN_MS,
    document,
    fetched: [] as string[],
    /** Of the workers, one after the other. */
    said: [] as string[],
    /** Set to hold answers back until it is called. */
    release: undefined as (() => void) | undefined,
    hold: false,
  }
  const now = () => world.nowMs
  const fetchKeys = createKeyDocuments({
    fetchJson: async (url) => {
      world.fetched.push(url)
      const answer = world.document
      if (world.hold) await new Promise<void>((resolve) => (world.release = resolve))
      if (answer instanceof Error) throw answer
      return answer
    },
    now,
  })
  const worker = () =>
    createIssuerKeys({
      issuer: 'https://idp.example',
      source: { kind: 'url', url: URL },
      fetchKeys,
      readFile: async () => assert.fail('nothing is read'),
      now,
      emit: (event) => {
        if (event.type !== 'jwks_fetched') return
        world.said.push(`${event.shared ? 'shared' : 'own'} ${event.detail ?? 'ok'}`)
      },
    })
  const idsOf = async (keys: ReturnType<typeof worker>, keyId = 'first') =>
    (await keys.keysFor(keyId))?.map((key) => key.keyId)
  return { world, fetchKeys, worker, idsOf }
}

const DOWN = new Error('cannot be reached')

test('all who ask while a fetch goes on get what it brings', async () => {
  const { world, fetchKeys } = machine()
  world.hold = true
  const all = [fetchKeys(URL, 0), fetchKeys(URL, BEGIN_MS + 1), fetchKeys(URL, Infinity)]
  world.release?.()
  const shared = (await Promise.all(all)).map((each) => each.shared)
  assert.deepEqual(shared, [false, true, true])
  assert.deepEqual(world.fetched, [URL])
})

test('a document is fetched again once it is too old for who asks, and not within the interval', async () => {
  const { world, fetchKeys } = machine()
  const document = { keys: [first] }
  const before = { ok: true, document, startedMs: BEGIN_MS }
  assert.deepEqual(await fetchKeys(URL, BEGIN_MS), { ...before, shared: false })
  world.nowMs += MIN_INTERVAL_MS - 1
  assert.deepEqual(await fetchKeys(URL, BEGIN_MS), { ...before, shared: true })
  world.nowMs += 1
  assert.deepEqual(await fetchKeys(URL, BEGIN_MS - 1), { ...before, shared: true })
  const after = { ok: true, document, startedMs: BEGIN_MS + MIN_INTERVAL_MS }
  assert.deepEqual(await fetchKeys(URL, BEGIN_MS), { ...after, shared: false })
  assert.equal(world.fetched.length, 2)
})

test("a failure is everybody's for the interval, and nobody's after it", async () => {
  const { world, fetchKeys } = machine(DOWN)
  const failed = { ok: false, why: 'cannot be reached', startedMs: BEGIN_MS }
  assert.deepEqual(await fetchKeys(URL, 0), { ...failed, shared: false })
  world.document = { keys: [first] }
  world.nowMs += MIN_INTERVAL_MS - 1
  assert.deepEqual(await fetchKeys(URL, 0), { ...failed, shared: true })
  world.nowMs += 1
  assert.equal((await fetchKeys(URL, 0)).ok, true)
})

test('each address has a fetch of its own', async () => {
  const { world, fetchKeys } = machine()
  await fetchKeys(URL, 0)
  await fetchKeys(`${URL}/other`, 0)
  assert.deepEqual(world.fetched, [URL, `${URL}/other`])
})

test('a clock set back does not put off the next fetch of a document', async () => {
  const { world, fetchKeys } = machine(DOWN)
  await fetchKeys(URL, 0)
  world.document = { keys: [first] }
  world.nowMs -= 3_600_000
  assert.equal((await fetchKeys(URL, 0)).ok, true)
})

test('eight workers that begin at any time within eight minutes make one fetch', async () => {
  const { world, worker, idsOf } = machine()
  for (let at = 0; at < 8; at += 1) {
    assert.deepEqual(await idsOf(worker()), ['first'])
    world.nowMs += 59_000
  }
  assert.equal(world.fetched.length, 1)
  assert.deepEqual(world.said, ['own ok', ...Array.from({ length: 7 }, () => 'shared ok')])
})

test('keys are as old as their fetch, whoever asked for it: a withdrawn one is gone in time everywhere', async () => {
  const { world, worker, idsOf } = machine()
  await idsOf(worker())
  world.nowMs += REFRESH_AGE_MS - 1
  const late = worker()
  assert.deepEqual(await idsOf(late), ['first'])
  world.document = { keys: [second] }
  world.nowMs = BEGIN_MS + MAX_AGE_MS
  assert.deepEqual(await idsOf(late), ['second'])
  assert.equal(world.fetched.length, 2)
})

test('a new key costs one fetch, at whichever worker and whenever it is met', async () => {
  const { world, worker, idsOf } = machine()
  const [one, other] = [worker(), worker()]
  await Promise.all([idsOf(one), idsOf(other)])
  world.document = { keys: [first, second] }
  world.nowMs += MIN_INTERVAL_MS
  assert.deepEqual(await idsOf(one, 'second'), ['first', 'second'])
  world.nowMs += 3 * MIN_INTERVAL_MS
  assert.deepEqual(await idsOf(other, 'second'), ['first', 'second'])
  assert.equal(world.fetched.length, 2)
})

test('a worker that is given keys from before a rotation fetches at once for the token that has the new one', async () => {
  const { world, worker, idsOf } = machine()
  await idsOf(worker())
  world.document = { keys: [first, second] }
  world.nowMs += MIN_INTERVAL_MS
  assert.deepEqual(await idsOf(worker(), 'second'), ['first', 'second'])
  assert.equal(world.fetched.length, 2)
})

test('a key id is not taken for absent because a fetch from before it was asked for lacks it', async () => {
  const { world, worker, idsOf } = machine()
  await idsOf(worker())
  world.document = { keys: [first, second] }
  world.nowMs += MIN_INTERVAL_MS - 1
  const other = worker()
  assert.deepEqual(await idsOf(other, 'second'), ['first'], 'the interval holds for the machine')
  world.nowMs += 1
  assert.deepEqual(await idsOf(other, 'second'), ['first', 'second'])
})

test('made-up key ids at four workers cause one fetch in 30 seconds, and each is absent after its own', async () => {
  const { world, worker } = machine()
  const workers = Array.from({ length: 4 }, worker)
  for (let at = 0; at < 10_000; at += 1) {
    world.nowMs += 10
    await workers[at % 4]?.keysFor(`made-up-${at}`)
  }
  assert.equal(world.fetched.length, 4, 'at 0, 30, 60 and 90 seconds of 100')
  world.nowMs += MIN_INTERVAL_MS
  await workers[0]?.keysFor('wanted')
  world.nowMs += ABSENT_MS - 1
  await workers[0]?.keysFor('wanted')
  assert.equal(world.fetched.length, 5)
})

test('an issuer that is down, or publishes nothing usable, is asked once in 30 seconds by four workers', async () => {
  for (const document of [DOWN, {}]) {
    const { world, worker, idsOf } = machine(document)
    const workers = Array.from({ length: 4 }, worker)
    for (let at = 0; at < 10_000; at += 1) {
      world.nowMs += 10
      assert.equal(await workers[at % 4]?.keysFor('first'), undefined)
    }
    assert.equal(world.fetched.length, 4)
    world.document = { keys: [first] }
    world.nowMs += MIN_INTERVAL_MS
    for (const each of workers) assert.deepEqual(await idsOf(each), ['first'])
    assert.equal(world.fetched.length, 5)
  }
})

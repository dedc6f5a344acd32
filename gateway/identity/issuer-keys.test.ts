import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { GatehouseEvent } from '../model/event.ts'
import { createSigner } from '../testkit/signer.ts'
import type { IssuerKeys } from './issuer-keys.ts'
import {
  ABSENT_MS,
  createIssuerKeys,
  MAX_AGE_MS,
  MAX_STALE_MS,
  REFRESH_AGE_MS,
} from './issuer-keys.ts'
import { MIN_INTERVAL_MS } from './key-documents.ts'

const { jwk: first } = await createSigner('ES256', 'first')
const { jwk: second } = await createSigner('ES256', 'second')

/** An issuer whose document, clock and reachability the test decides. */
function issuer(document: unknown = { keys: [first] }) {
  const world = {
    nowMs: 1_000_000,
    document,
    fetches: 0,
    events: [] as GatehouseEvent[],
    /** Set to hold answers back until it is called. */
    release: undefined as (() => void) | undefined,
    hold: false,
  }
  const keys = createIssuerKeys({
    issuer: 'https://idp.example',
    source: { kind: 'url', url: 'https://idp.example/jwks' },
    fetchKeys: async () => {
      world.fetches += 1
      const began = { startedMs: world.nowMs, shared: false }
      if (world.hold) await new Promise<void>((resolve) => (world.release = resolve))
      const { document } = world
      if (document instanceof Error) return { ...began, ok: false, why: document.message }
      return { ...began, ok: true, document }
    },
    readFile: async () => '',
    now: () => world.nowMs,
    emit: (event) => world.events.push(event),
  })
  return { world, keys }
}

const DOWN = new Error('cannot be reached')

async function idsOf(keys: IssuerKeys, keyId: string | undefined = 'first') {
  return (await keys.keysFor(keyId))?.map((key) => key.keyId)
}

test('keys are fetched when first needed and then answered at once', async () => {
  const { world, keys } = issuer()
  assert.equal(world.fetches, 0)
  assert.deepEqual(await idsOf(keys), ['first'])
  assert.ok(!(keys.keysFor('first') instanceof Promise))
  assert.ok(!(keys.keysFor(undefined) instanceof Promise))
  assert.equal(world.fetches, 1)
  assert.deepEqual(world.events, [
    { type: 'jwks_fetched', issuer: 'https://idp.example', ok: true },
  ])
})

test('a hundred callers at once wait for one fetch', async () => {
  const { world, keys } = issuer()
  world.hold = true
  const all = Promise.all(Array.from({ length: 100 }, () => idsOf(keys)))
  world.release?.()
  assert.deepEqual(new Set((await all).flat()), new Set(['first']))
  assert.equal(world.fetches, 1)
})

test('a fetch that hangs for longer than the interval is still the only one', async () => {
  const { world, keys } = issuer()
  world.hold = true
  const first = idsOf(keys)
  world.nowMs += 2 * MIN_INTERVAL_MS
  const later = idsOf(keys)
  assert.equal(world.fetches, 1)
  world.release?.()
  assert.deepEqual(await Promise.all([first, later]), [['first'], ['first']])
})

test('an unknown key id causes a fetch, and the new key is found', async () => {
  const { world, keys } = issuer()
  await idsOf(keys)
  world.document = { keys: [first, second] }
  world.nowMs += MIN_INTERVAL_MS
  assert.deepEqual(await idsOf(keys, 'second'), ['first', 'second'])
  assert.equal(world.fetches, 2)
})

test('10,000 made-up key ids cause at most one fetch in 30 seconds', async () => {
  const { world, keys } = issuer()
  await idsOf(keys)
  const started = world.nowMs
  for (let at = 0; at < 10_000; at += 1) {
    world.nowMs += 10
    await keys.keysFor(`made-up-${at}`)
    assert.ok(world.fetches <= 1 + (world.nowMs - started) / MIN_INTERVAL_MS)
  }
  assert.equal(world.fetches, 4, 'at 0, 30, 60 and 90 seconds of 100')
})

test('10,000 tokens while the issuer is down cause at most one fetch in 30 seconds', async () => {
  const { world, keys } = issuer(DOWN)
  for (let at = 0; at < 10_000; at += 1) {
    world.nowMs += 10
    assert.equal(await keys.keysFor(`made-up-${at}`), undefined)
  }
  assert.equal(world.fetches, 4)
})

test('a key id that a fetch did not bring is not looked for again for two minutes', async () => {
  const { world, keys } = issuer()
  await idsOf(keys)
  world.nowMs += MIN_INTERVAL_MS
  await idsOf(keys, 'gone')
  assert.equal(world.fetches, 2)
  world.nowMs += ABSENT_MS - 1
  await idsOf(keys, 'gone')
  assert.equal(world.fetches, 2)
  world.nowMs += 1
  await idsOf(keys, 'gone')
  assert.equal(world.fetches, 3)
})

test('a failed fetch makes no key id absent', async () => {
  const { world, keys } = issuer()
  await idsOf(keys)
  world.document = DOWN
  world.nowMs += MIN_INTERVAL_MS
  assert.deepEqual(await idsOf(keys, 'second'), ['first'])
  world.document = { keys: [first, second] }
  world.nowMs += MIN_INTERVAL_MS
  assert.deepEqual(await idsOf(keys, 'second'), ['first', 'second'])
})

test('keys that near their age are refreshed in the background', async () => {
  const { world, keys } = issuer()
  await idsOf(keys)
  world.document = { keys: [second] }
  world.nowMs += REFRESH_AGE_MS
  const now = keys.keysFor('first')
  assert.ok(!(now instanceof Promise), 'nobody waits')
  assert.equal(world.fetches, 2)
  await keys.refresh()
  assert.equal(world.fetches, 2, 'joined, not fetched again')
  assert.deepEqual(await idsOf(keys, 'second'), ['second'])
})

test('a withdrawn key is gone after the maximum age, whoever asks first', async () => {
  const { world, keys } = issuer()
  await idsOf(keys)
  world.document = { keys: [second] }
  world.nowMs += MAX_AGE_MS
  assert.deepEqual(await idsOf(keys, 'first'), ['second'])
})

test('while the issuer is down the last keys serve for an hour beyond their age and not longer', async () => {
  const { world, keys } = issuer()
  await idsOf(keys)
  world.document = DOWN
  world.nowMs += MAX_AGE_MS + MAX_STALE_MS - 1
  assert.deepEqual(await idsOf(keys), ['first'])
  world.nowMs += 1
  assert.equal(await idsOf(keys), undefined)
  world.document = { keys: [first] }
  world.nowMs += MIN_INTERVAL_MS
  assert.deepEqual(await idsOf(keys), ['first'], 'and it recovers by itself')
})

test('an issuer that is down is asked once in 30 seconds although its keys are old', async () => {
  const { world, keys } = issuer()
  await idsOf(keys)
  world.document = DOWN
  world.nowMs += MAX_AGE_MS
  for (let at = 0; at < 600; at += 1) {
    assert.deepEqual(await idsOf(keys), ['first'])
    world.nowMs += 100
  }
  assert.equal(world.fetches, 1 + 2)
})

test('a document that is no key set, or holds no usable key, keeps the keys there are', async () => {
  const { world, keys } = issuer()
  await idsOf(keys)
  for (const document of [[], {}, { keys: [] }, { keys: [{ kty: 'oct', k: 'AAAA' }] }, '<html>']) {
    world.document = document
    world.nowMs += MIN_INTERVAL_MS
    assert.deepEqual(await idsOf(keys, 'other'), ['first'], JSON.stringify(document))
  }
  assert.equal(world.fetches, 6)
  assert.equal(world.events.filter((event) => 'ok' in event && !event.ok).length, 5)
})

test('the generation grows when a key is withdrawn or exchanged and only then', async () => {
  const { world, keys } = issuer()
  await idsOf(keys)
  const steps = [
    [{ keys: [first, second] }, 0],
    [{ keys: [second, first] }, 0],
    [{ keys: [second] }, 1],
    [{ keys: [{ ...first, kid: 'second' }] }, 2],
    [DOWN, 2],
  ] as const
  for (const [document, generation] of steps) {
    world.document = document
    world.nowMs += REFRESH_AGE_MS
    await keys.refresh()
    assert.equal(keys.generation, generation)
  }
})

test('a refresh fetches what is missing or due and nothing else', async () => {
  const { world, keys } = issuer()
  await keys.refresh()
  assert.equal(world.fetches, 1)
  world.nowMs += REFRESH_AGE_MS - 1
  await keys.refresh()
  assert.equal(world.fetches, 1)
  world.nowMs += 1
  await keys.refresh()
  assert.equal(world.fetches, 2)
})

test('a clock set back does not put off the next fetch', async () => {
  const { world, keys } = issuer(DOWN)
  assert.equal(await idsOf(keys), undefined)
  world.document = { keys: [first] }
  world.nowMs -= 3_600_000
  assert.deepEqual(await idsOf(keys), ['first'])
})

test('why a fetch failed is said', async () => {
  const { world, keys } = issuer(DOWN)
  await idsOf(keys)
  assert.deepEqual(world.events, [
    { type: 'jwks_fetched', issuer: 'https://idp.example', ok: false, detail: 'cannot be reached' },
  ])
})

test('a key file is read again like a URL, and its text is never repeated when it is no JSON', async () => {
  const events: GatehouseEvent[] = []
  let text = JSON.stringify({ keys: [first] })
  let nowMs = 0
  const keys = createIssuerKeys({
    issuer: 'https://idp.example',
    source: { kind: 'file', file: '/etc/gatehouse/jwks.json' },
    fetchKeys: async () => assert.fail('nothing is fetched'),
    readFile: async (file) => (file === '/etc/gatehouse/jwks.json' ? text : assert.fail(file)),
    now: () => nowMs,
    emit: (event) => events.push(event),
  })
  assert.deepEqual(await idsOf(keys), ['first'])
  nowMs += REFRESH_AGE_MS
  text = 'hunter2-secret'
  await keys.refresh()
  assert.doesNotMatch(JSON.stringify(events), /hunter2/)
  assert.deepEqual(await idsOf(keys), ['first'])
})

test('keys written in the configuration are there at once, and none usable is a mistake', () => {
  const options = {
    issuer: 'https://idp.example',
    fetchKeys: async () => assert.fail('nothing is fetched'),
    readFile: async () => assert.fail('nothing is read'),
    now: () => 0,
    emit: () => {},
  }
  const inline = (keys: readonly Record<string, unknown>[]) =>
    createIssuerKeys({ ...options, source: { kind: 'inline', keys } })
  const found = inline([{ ...first }]).keysFor('other')
  assert.ok(!(found instanceof Promise))
  assert.deepEqual(
    found?.map((key) => key.keyId),
    ['first'],
  )
  assert.throws(() => inline([{ kty: 'oct', k: 'AAAA' }]), /https:\/\/idp\.example: jwks\.keys/)
})

import assert from 'node:assert/strict'
import { test } from 'node:test'

import type { GatehouseEvent } from '../model/event.ts'
import { Refusal } from '../model/refusal.ts'
import { Secret } from '../model/secret.ts'
import type { TransitKey } from '../model/transit-key.ts'
import { temporaryKey } from '../seal/seal.ts'
import { createTransitService, TRANSIT_TOKEN, type TransitService } from '../testkit/transit.ts'
import { createEnvelopes, type Place } from './envelope.ts'
import { createRingWrap } from './key-wrap.ts'
import { createTransitWrap } from './transit.ts'

const ALICE: Place = {
  tenant: 'default',
  issuer: 'https://idp.example',
  subject: 'alice',
  provider: 'google',
  connection: 'default',
}
const CACHE_MS = 300_000

function setup(service: TransitService, more: Partial<TransitKey> = {}) {
  const clock = { nowMs: 1_000_000 }
  const events: GatehouseEvent[] = []
  const key: TransitKey = {
    url: 'https://bao.example',
    mount: 'transit',
    name: 'gatehouse',
    token: new Secret(TRANSIT_TOKEN),
    namespace: undefined,
    derived: false,
    ca: undefined,
    cacheMs: CACHE_MS,
    retiring: false,
    ...more,
  }
  const fetch = async (
    url: string,
    { body, ...request }: { body?: unknown; method: string; headers: object },
  ) =>
    await service.handle(
      new Request(url, { ...request, headers: { ...request.headers }, body: String(body) }),
    )
  const wrap = createTransitWrap({
    key,
    fetch: Object.assign(fetch, { close: async () => undefined }),
    now: () => clock.nowMs,
    emit: (event) => events.push(event),
  })
  const ring = createRingWrap([RING])
  return { clock, events, wrap, ring, envelopes: createEnvelopes([wrap, ring]) }
}

const RING = temporaryKey()

/** Rejects as a call that must be refused for now, for this reason. */
async function refused(work: Promise<unknown>, why: RegExp): Promise<void> {
  await assert.rejects(work, (error) => {
    assert.ok(error instanceof Refusal)
    assert.equal(error.code, 'credential_unavailable')
    assert.match(error.extra.detail ?? '', why)
    return true
  })
}

for (const derived of [false, true]) {
  const words = derived ? 'derived key' : 'key'
  test(`A ${words} of the service seals and opens rows, at their place alone (C-09)`, async () => {
    const service = createTransitService({ derived })
    const { envelopes } = setup(service, { derived })
    const sealed = await envelopes.seal(ALICE, 'the tokens')
    assert.match(sealed.dek, /^vault:v1:/)
    // Another process has nothing in memory.
    const other = setup(service, { derived }).envelopes
    assert.equal((await other.open(ALICE, sealed))?.text, 'the tokens')
    const bob = { ...ALICE, subject: 'bob' }
    assert.equal(await other.open(bob, sealed), undefined)
    assert.equal(await setup(service, { derived }).envelopes.rewrap(bob, sealed), undefined)
  })

  test(`After the ${words} was rotated rows are sealed with its new version, once, and open as before`, async () => {
    const service = createTransitService({ derived })
    const { envelopes } = setup(service, { derived })
    const sealed = await envelopes.seal(ALICE, 'the tokens')
    assert.equal(await envelopes.rewrap(ALICE, sealed), sealed)
    service.rotate()
    const anew = await envelopes.rewrap(ALICE, sealed)
    assert.ok(anew)
    assert.match(anew.dek, /^vault:v2:/)
    assert.equal(anew.blob, sealed.blob)
    service.minVersion = 2
    const other = setup(service, { derived }).envelopes
    assert.equal((await other.open(ALICE, anew))?.text, 'the tokens')
    await refused(
      setup(service, { derived }).envelopes.open(ALICE, sealed),
      /min_decryption_version/,
    )
  })
}

test('A row key is asked for once in its time, and then again', async () => {
  const service = createTransitService()
  const { clock, envelopes } = setup(service)
  const sealed = await envelopes.seal(ALICE, 'the tokens')
  for (let at = 0; at < 5; at++) await envelopes.open(ALICE, sealed)
  assert.deepEqual(service.asked, ['encrypt', 'decrypt'])
  clock.nowMs += CACHE_MS
  for (let at = 0; at < 5; at++) await envelopes.open(ALICE, sealed)
  assert.deepEqual(service.asked, ['encrypt', 'decrypt', 'decrypt'])
})

test('While the service is away open rows go on until their time is over, and others are refused', async () => {
  const service = createTransitService()
  const { clock, envelopes, events } = setup(service)
  const sealed = await envelopes.seal(ALICE, 'the tokens')
  service.failing = 503
  const opened = await envelopes.open(ALICE, sealed)
  // What a provider has just given is not lost.
  const newer = await opened?.reseal('newer ones')
  assert.ok(newer)
  assert.equal((await envelopes.open(ALICE, newer))?.text, 'newer ones')
  await refused(envelopes.seal(ALICE, 'more'), /status 503 .* sealed/)
  clock.nowMs += CACHE_MS
  await refused(envelopes.open(ALICE, sealed), /status 503/)
  service.failing = undefined
  clock.nowMs += 1_000
  assert.equal((await envelopes.open(ALICE, newer))?.text, 'newer ones')
  const failures = events.filter((event) => event.type === 'key_service' && !event.ok)
  assert.equal(failures.length, 2)
  assert.ok(!JSON.stringify(events).includes('canary'))
})

test('A service that failed is left alone for a second, however many calls need it', async () => {
  const service = createTransitService()
  const { clock, envelopes } = setup(service)
  service.failing = 500
  for (let at = 0; at < 20; at++) await refused(envelopes.seal(ALICE, 'x'), /status 500/)
  assert.equal(service.asked.length, 1)
  service.failing = undefined
  clock.nowMs += 999
  await refused(envelopes.seal(ALICE, 'x'), /status 500/)
  clock.nowMs += 1
  await envelopes.seal(ALICE, 'x')
})

test('A row that the service refuses to open keeps nobody from opening another one', async () => {
  const service = createTransitService()
  const [old, other] = [setup(service).envelopes, setup(service).envelopes]
  const bob = { ...ALICE, subject: 'bob' }
  const hers = await old.seal(ALICE, 'of before')
  service.rotate()
  service.minVersion = 2
  const his = await old.seal(bob, 'his')
  await refused(other.open(ALICE, hers), /min_decryption_version/)
  assert.equal((await other.open(bob, his))?.text, 'his')
})

for (const [what, more, why] of [
  ['a token that is not good', { token: new Secret('other') }, /403 .* the token has ended/],
  ['a key that is not there', { name: 'other' }, /there is no key other/],
  ['an engine that is not there', { mount: 'elsewhere' }, /no transit engine is mounted/],
] as const) {
  test(`The operator is told of ${what}, and nothing is taken for a row of somebody else`, async () => {
    const service = createTransitService()
    const { envelopes } = setup(service, more)
    await refused(envelopes.seal(ALICE, 'x'), why)
  })
}

test('A derived key that is said to be none is refused with what to write', async () => {
  const { envelopes } = setup(createTransitService({ derived: true }))
  await refused(envelopes.seal(ALICE, 'x'), /write derived: true/)
})

for (const derived of [false, true]) {
  const words = derived ? 'derived key' : 'key'
  test(`A row is not sealed with what opens to another key than its own, or not at all (${words})`, async () => {
    const service = createTransitService({ derived })
    const { envelopes, events } = setup(service, { derived })
    const sealed = await envelopes.seal(ALICE, 'the tokens')
    const bob = await envelopes.seal({ ...ALICE, subject: 'bob' }, 'his')
    service.rotate()
    const stranger = createTransitService({ derived })
    stranger.rotate()
    for (const answer of [
      async (request: Request) => await stranger.handle(request),
      async () => Response.json({ data: { ciphertext: bob.dek.replace(':v1:', ':v2:') } }),
      async (request: Request) => {
        const body = (await request.json()) as object
        const other = { ...body, plaintext: Buffer.alloc(32).toString('base64') }
        const changed = { method: 'POST', body: JSON.stringify(other) }
        return await service.handle(new Request(request, changed))
      },
    ]) {
      const sealsBadly = setup(
        {
          ...service,
          handle: async (request) =>
            request.url.includes('/encrypt/') ? await answer(request) : service.handle(request),
        },
        { derived },
      )
      await refused(sealsBadly.envelopes.rewrap(ALICE, sealed), /does not open to the same key/)
      await refused(sealsBadly.envelopes.seal(ALICE, 'more'), /does not open to the same key/)
      const last = sealsBadly.events.at(-1)
      assert.ok(last?.type === 'key_service' && !last.ok)
    }
    assert.ok(!JSON.stringify(events).includes('vault:v'))
    const anew = await envelopes.rewrap(ALICE, sealed)
    assert.ok(anew)
    assert.equal(
      (await setup(service, { derived }).envelopes.open(ALICE, anew))?.text,
      'the tokens',
    )
  })
}

test('A row that does not open with the key that the service says it has is not given up for one of that key', async () => {
  const service = createTransitService()
  const sealed = await setup(service).envelopes.seal(ALICE, 'the tokens')
  service.rotate()
  const lies = setup({
    ...service,
    handle: async (request) =>
      request.url.includes('/decrypt/')
        ? Response.json({ data: { plaintext: Buffer.alloc(32).toString('base64') } })
        : await service.handle(request),
  })
  assert.equal(await lies.envelopes.rewrap(ALICE, sealed), undefined)
  const retiring = createEnvelopes([lies.ring, lies.wrap])
  assert.equal(await retiring.rewrap(ALICE, sealed), undefined)
})

test('An answer that is no ciphertext is not stored', async () => {
  const service = createTransitService()
  const { envelopes } = setup({
    ...service,
    handle: async () => Response.json({ data: { ciphertext: '../../secret' } }),
  })
  await refused(envelopes.seal(ALICE, 'x'), /no ciphertext/)
})

test('Rows go from the ring to the service and back, and their secrets are not touched', async () => {
  const service = createTransitService()
  const { envelopes, ring, wrap } = setup(service)
  const old = await createEnvelopes([ring]).seal(ALICE, 'the tokens')
  const there = await envelopes.rewrap(ALICE, old)
  assert.ok(there)
  assert.deepEqual([there.kid, there.blob], ['transit/transit/gatehouse', old.blob])
  const retiring = createEnvelopes([ring, wrap])
  assert.equal((await retiring.open(ALICE, there))?.text, 'the tokens')
  const back = await retiring.rewrap(ALICE, there)
  assert.ok(back)
  assert.equal((await createEnvelopes([ring]).open(ALICE, back))?.text, 'the tokens')
  assert.equal(await createEnvelopes([ring]).open(ALICE, there), undefined)
})

test('A row that names another key of the service is not opened: only the configured one is asked', async () => {
  const service = createTransitService()
  const { envelopes } = setup(service)
  const sealed = await envelopes.seal(ALICE, 'the tokens')
  for (const kid of ['transit/transit/other', 'transit/transit/../../sys/raw', 'transit']) {
    assert.equal(await envelopes.open(ALICE, { ...sealed, kid }), undefined)
  }
  assert.deepEqual(service.asked, ['encrypt', 'decrypt'])
})

import assert from 'node:assert/strict'
import { setImmediate as turn } from 'node:timers/promises'
import { test } from 'node:test'
import type { GatehouseEvent } from '../model/event.ts'
import type { Store } from '../model/store.ts'
import { createMemoryStore } from '../state/memory.ts'
import { createPins, type Pins } from './pins.ts'

const clock = { nowMs: 1_800_000_000_000 }
const now = (): number => clock.nowMs

function book(store: Store = createMemoryStore({ now })) {
  const events: GatehouseEvent[] = []
  const pins = createPins({ store, now, emit: (event) => events.push(event) })
  return { pins, events, store }
}

type Definitions = Readonly<Record<string, string>>

/** A list as somebody sees it, with what they saw before read first; returns what is left out. */
async function look(pins: Pins, audience: string, definitions: Definitions, holds = true) {
  clock.nowMs += 1_000
  await pins.prepare('docs', audience)
  const hidden = pins.observe(sighting(audience, definitions, holds))
  await pins.flush()
  return [...(hidden ?? [])].toSorted()
}

function sighting(audience: string, definitions: Definitions, holds = true) {
  const found = new Map(Object.entries(definitions))
  return { server: 'docs', holds, audience, page: undefined, definitions: () => found }
}

function types(events: readonly GatehouseEvent[]): readonly string[] {
  return events.map(({ type }) => type)
}

test('a definition that stays as it is is told to nobody', async () => {
  const { pins, events } = book()
  for (const who of ['anna', 'ben', 'anna']) {
    assert.deepEqual(await look(pins, who, { read: 'A', write: 'W' }), [])
  }
  assert.deepEqual(events, [])
})

test('a definition that changes under a caller is told once and held for everybody', async () => {
  const { pins, events } = book()
  await look(pins, 'anna', { read: 'A', write: 'W' })
  await look(pins, 'ben', { read: 'A', write: 'W' })
  assert.deepEqual(await look(pins, 'anna', { read: 'B', write: 'W' }), ['read'])
  for (const who of ['ben', 'carla', 'anna']) {
    assert.deepEqual(await look(pins, who, { read: 'B', write: 'W' }), ['read'], who)
  }
  assert.deepEqual([pins.isHeld('docs', 'read'), pins.isHeld('docs', 'write')], [true, false])
  assert.deepEqual(types(events), ['tool_changed'])
})

test('a change is told but hides nothing where the server is only watched', async () => {
  const { pins, events } = book()
  await look(pins, 'anna', { read: 'A' }, false)
  assert.deepEqual(await look(pins, 'anna', { read: 'B' }, false), [])
  const [event] = events
  assert.ok(event?.type === 'tool_changed' && !event.held)
})

test('a definition that differs only by caller is another one and no change', async () => {
  const { pins, events } = book()
  await look(pins, 'anna', { read: 'A' })
  for (let again = 0; again < 2; again += 1) {
    assert.deepEqual(await look(pins, 'ben', { read: 'B' }), [])
    assert.deepEqual(await look(pins, 'anna', { read: 'A' }), [])
  }
  assert.deepEqual(types(events), ['tool_variant'])
})

test('what was let in as the definition of one caller is a change for those who saw another', async () => {
  const { pins, events } = book()
  await look(pins, 'anna', { read: 'A' })
  await look(pins, 'newcomer', { read: 'B' })
  assert.deepEqual(await look(pins, 'anna', { read: 'B' }), ['read'])
  assert.deepEqual(types(events), ['tool_variant', 'tool_changed'])
})

test('a new tool of a known server is no change', async () => {
  const { pins, events } = book()
  await look(pins, 'anna', { read: 'A' })
  assert.deepEqual(await look(pins, 'anna', { read: 'A', write: 'W' }), [])
  assert.deepEqual(await look(pins, 'ben', { read: 'A', write: 'V' }), [])
  assert.deepEqual(types(events), ['tool_variant'])
  assert.deepEqual(await look(pins, 'anna', { read: 'A', write: 'V' }), ['write'])
})

test('an accepted change is the definition from then on', async () => {
  const { pins, events } = book()
  await look(pins, 'anna', { read: 'A' })
  await look(pins, 'anna', { read: 'B' })
  const choice = { server: 'docs', tool: 'read', hash: undefined, by: 'admin' }
  assert.equal(await pins.accept(choice), true)
  for (const who of ['anna', 'ben']) assert.deepEqual(await look(pins, who, { read: 'B' }), [])
  assert.deepEqual(types(events), ['tool_changed', 'tool_accepted'])
  assert.equal(await pins.accept(choice), false)
  assert.equal(await pins.accept({ ...choice, tool: 'other' }), false)
})

test('who decides for the old definition has the other one held again when it comes', async () => {
  const { pins, events } = book()
  await look(pins, 'anna', { read: 'A' })
  await look(pins, 'anna', { read: 'B' })
  const [tool] = await pins.list('held')
  const first = tool!.definitions.find(({ state }) => state === 'first')!
  assert.deepEqual(
    tool!.definitions.map(({ text }) => text),
    ['A', 'B'],
  )
  const choice = { server: 'docs', tool: 'read', hash: first.hash.slice(0, 10), by: 'admin' }
  assert.equal(await pins.accept(choice), true)
  assert.deepEqual(await look(pins, 'anna', { read: 'A' }), [])
  assert.deepEqual(await look(pins, 'anna', { read: 'B' }), ['read'])
  assert.deepEqual(types(events), ['tool_changed', 'tool_accepted', 'tool_changed'])
})

test('where several definitions have changed one must be named', async () => {
  const { pins } = book()
  for (const text of ['A', 'B', 'C']) await look(pins, 'anna', { read: text })
  const choice = { server: 'docs', tool: 'read', hash: undefined, by: 'admin' }
  assert.equal(await pins.accept(choice), 'several')
  assert.equal(await pins.accept({ ...choice, hash: '' }), 'several')
  assert.equal(pins.isHeld('docs', 'read'), true)
  assert.deepEqual([pins.heldAt('docs'), pins.heldAt('other')], [['read'], []])
})

test('a change that came while the gateway was down is found after the restart', async () => {
  const first = book()
  await look(first.pins, 'anna', { read: 'A' })
  const second = book(first.store)
  await second.pins.load()
  assert.deepEqual(await look(second.pins, 'anna', { read: 'B' }), ['read'])
  const third = book(first.store)
  await third.pins.load()
  assert.equal(third.pins.isHeld('docs', 'read'), true)
  assert.deepEqual(types([...second.events, ...third.events]), ['tool_changed'])
})

test('what one process finds and decides, the others on the store know', async () => {
  const one = book()
  const other = book(one.store)
  await look(one.pins, 'anna', { read: 'A' })
  await other.pins.refresh()
  const told: string[] = []
  other.pins.onHeld((server, tools) => told.push(`${server} ${tools.join()}`))
  await look(one.pins, 'anna', { read: 'B' })
  assert.equal(other.pins.isHeld('docs', 'read'), false)
  await other.pins.refresh()
  assert.equal(other.pins.isHeld('docs', 'read'), true)
  await other.pins.accept({ server: 'docs', tool: 'read', hash: undefined, by: 'admin' })
  await one.pins.refresh()
  assert.equal(one.pins.isHeld('docs', 'read'), false)
  assert.deepEqual(told, ['docs read', 'docs read'])
})

test('what is first for one process and comes after the first of another differs by caller, and is told', async () => {
  const one = book()
  const other = book(one.store)
  await look(one.pins, 'anna', { read: 'A', write: 'W' })
  const differs = { read: 'B', write: 'W' }
  for (const who of ['ben', 'carla']) await other.pins.prepare('docs', who)
  for (const who of ['ben', 'carla']) {
    assert.equal(other.pins.observe(sighting(who, differs)), undefined)
  }
  await other.pins.flush()
  for (const who of ['ben', 'carla']) {
    assert.deepEqual(await look(other.pins, who, differs), [], who)
  }
  assert.deepEqual([types(one.events), types(other.events)], [[], ['tool_variant']])
  const later = book(one.store)
  await later.pins.load()
  assert.deepEqual(await look(later.pins, 'carla', differs), [], 'it was written, too')
})

test('who saw a first definition in one process and sees another in one that knows of none has seen a change', async () => {
  const one = book()
  const other = book(one.store)
  await look(one.pins, 'anna', { read: 'A' })
  await look(other.pins, 'anna', { read: 'B' })
  await other.pins.flush()
  await one.pins.refresh()
  for (const { pins } of [one, other]) assert.equal(pins.isHeld('docs', 'read'), true)
  assert.deepEqual([types(one.events), types(other.events)], [[], ['tool_changed']])
})

test('what one process holds and frees, those that are up hear of before they look', async () => {
  const one = book()
  const other = book(one.store)
  await Promise.all([one.pins.load(), other.pins.load()])
  await look(one.pins, 'anna', { read: 'A' })
  await look(one.pins, 'anna', { read: 'B' })
  await turn()
  assert.equal(other.pins.isHeld('docs', 'read'), true)
  await other.pins.accept({ server: 'docs', tool: 'read', hash: undefined, by: 'admin' })
  await turn()
  assert.equal(one.pins.isHeld('docs', 'read'), false)
})

test('before a caller is known to be new, what is not for everybody is kept from it', async () => {
  const { pins } = book()
  await look(pins, 'anna', { read: 'A', write: 'W' })
  const page = sighting('ben', { read: 'B', write: 'W' })
  assert.deepEqual([...(pins.observe(page) ?? [])], ['read'])
  await pins.flush()
  assert.deepEqual([...(pins.observe(page) ?? [])], [])
})

test('what comes faster than it can be written is not forgotten on the way', async () => {
  const store = createMemoryStore({ now })
  const quick = store.cas.bind(store)
  const cas: Store['cas'] = async (...change) => {
    await turn()
    return await quick(...change)
  }
  const { pins, events } = book(Object.assign(store, { cas }))
  for (const [who, text] of [
    ['anna', 'A'],
    ['ben', 'B'],
    ['ben', 'B'],
    ['carla', 'C'],
  ] as const) {
    await pins.prepare('docs', who)
    assert.equal(pins.observe(sighting(who, { read: text })), undefined)
  }
  for (let turns = 0; turns < 20; turns += 1) {
    await turn()
    assert.equal(pins.observe(sighting('ben', { read: 'B' })), undefined)
  }
  assert.deepEqual(types(events), ['tool_variant', 'tool_variant'])
})

test('a page that was seen is not read again, whoever sees it and whatever changes about its server', async () => {
  const { pins } = book()
  let reads = 0
  const page = {}
  const seen = (audience: string) =>
    pins.observe({
      ...sighting(audience, {}, true),
      page,
      definitions: () => {
        reads += 1
        return new Map([['read', 'A']])
      },
    })
  await pins.prepare('docs', 'anna')
  seen('anna')
  await pins.flush()
  // Once to know its definitions, and once to keep the text of one that is new.
  assert.equal(reads, 2)
  await look(pins, 'ben', { read: 'A', write: 'W' })
  for (const audience of ['anna', 'ben', 'carl']) {
    await pins.prepare('docs', audience)
    assert.equal(seen(audience)?.size ?? 0, 0)
  }
  assert.equal(reads, 2)
  await look(pins, 'ben', { read: 'B' })
  assert.deepEqual(seen('carl'), new Set(['read']))
})

test('names that mean something to JavaScript are tools like others', async () => {
  const { pins, events } = book()
  const names = ['__proto__', 'constructor', 'toString']
  const all = (text: string) => new Map(names.map((name) => [name, text]))
  for (const text of ['A', 'B']) {
    clock.nowMs += 1_000
    await pins.prepare('docs', 'anna')
    pins.observe({ ...sighting('anna', {}), definitions: () => all(text) })
    await pins.flush()
  }
  assert.deepEqual(
    (await pins.list('held')).map(({ tool }) => tool),
    names.toSorted(),
  )
  assert.equal(events.length, 3)
})

test('a store that fails is told, and nothing that was noticed is forgotten', async () => {
  const store = createMemoryStore({ now })
  const { pins, events } = book(store)
  await look(pins, 'anna', { read: 'A' })
  await store.close()
  pins.observe(sighting('anna', { read: 'B' }))
  await pins.flush()
  assert.equal(pins.isHeld('docs', 'read'), true)
  assert.ok(types(events).includes('warning'))
  await assert.rejects(pins.refresh())
  assert.equal(pins.isHeld('docs', 'read'), true)
})

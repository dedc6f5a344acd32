import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

import { erasOf } from '../mcp/spoken.ts'
import type { Eras } from './eras.ts'
import { createEras } from './eras.ts'
import { testServer } from '../testkit/pipeline.ts'

const LEGACY = ['2025-11-25']
const MODERN = ['2026-07-28']

type World = { legacy: readonly string[] | undefined; modern: readonly string[] | undefined }

/** Eras of one server, what it was asked, and what was learned; time passes by `at`. */
function start(world: World, over: Parameters<typeof testServer>[0] = {}, previous?: Eras) {
  const server = testServer({ eras: 'probe', ...over })
  const asked: string[] = []
  const learned: string[] = []
  const eras = createEras({
    servers: [server],
    probe: async () => {
      asked.push('both')
      return { ...world }
    },
    lacksStill: async (missing) => {
      asked.push(missing)
      return world[missing]?.length === 0
    },
    onLearned: (_, spoken) => void learned.push(erasOf(spoken)),
    previous,
  })
  const at = async (tick: number) => {
    asked.length = 0
    eras.look(tick)
    await turn()
    return asked.join(' ')
  }
  return { server, eras, at, learned, is: () => erasOf(eras.of(server)) }
}

test('a server is asked for both eras at once, and nothing is known until it has answered', async () => {
  const { at, is, learned } = start({ legacy: LEGACY, modern: [] })
  assert.equal(is(), 'unknown')
  assert.equal(await at(0), 'both')
  assert.equal(is(), 'legacy')
  assert.deepEqual(learned, ['legacy'])
})

test('a server that gave no clear answer is asked again at growing intervals', async () => {
  const world: World = { legacy: undefined, modern: undefined }
  const { at, is, learned } = start(world)
  await at(0)
  assert.equal(await at(999), '')
  assert.equal(await at(1_000), 'both')
  assert.equal(await at(2_999), '')
  assert.equal(await at(3_000), 'both')
  assert.deepEqual([is(), learned], ['unknown', []])
  world.legacy = []
  world.modern = MODERN
  await at(7_000)
  assert.deepEqual([is(), learned], ['modern', ['modern']])
})

test('what a server is refused is asked about every minute, and nothing else', async () => {
  const legacy = start({ legacy: LEGACY, modern: [] })
  await legacy.at(0)
  assert.equal(await legacy.at(59_999), '')
  assert.equal(await legacy.at(60_000), 'modern')
  const modern = start({ legacy: [], modern: MODERN })
  await modern.at(0)
  assert.equal(await modern.at(60_000), 'legacy')
  const both = start({ legacy: LEGACY, modern: MODERN })
  await both.at(0)
  assert.equal(await both.at(1e9), '')
})

test('a server that has learned an era, or has gone, is refused nothing from then on', async () => {
  const world: World = { legacy: LEGACY, modern: [] }
  const { at, is, learned } = start(world)
  await at(0)
  world.modern = MODERN
  assert.equal(await at(60_000), 'modern both')
  assert.equal(is(), 'both')
  const gone: World = { legacy: [], modern: MODERN }
  const second = start(gone)
  await second.at(0)
  gone.legacy = undefined
  await second.at(60_000)
  assert.equal(second.is(), 'unknown')
  assert.deepEqual(
    [learned, second.learned],
    [
      ['legacy', 'both'],
      ['modern', 'unknown'],
    ],
  )
})

test('a configured server is never asked', async () => {
  for (const eras of ['legacy', 'modern', 'both'] as const) {
    const { at, is } = start({ legacy: undefined, modern: undefined }, { eras })
    assert.equal(is(), eras)
    assert.equal(await at(1e9), '')
  }
})

test('a reload keeps what is known of an address and asks for all of it again', async () => {
  const world: World = { legacy: LEGACY, modern: [] }
  const before = start(world)
  await before.at(0)
  const after = start(world, { name: 'renamed' }, before.eras)
  assert.equal(after.is(), 'legacy')
  assert.equal(await after.at(0), 'both')
  assert.deepEqual(after.learned, [])
  const upstream = { ...testServer().upstream, path: '/other' }
  assert.equal(start(world, { upstream }, before.eras).is(), 'unknown')
})

test('the eras of a configuration hold on to none of those before', async () => {
  setFlagsFromString('--expose-gc')
  const collect: unknown = runInNewContext('gc')
  assert.ok(typeof collect === 'function')
  const before: WeakRef<Eras>[] = []
  let { eras } = start({ legacy: LEGACY, modern: [] })
  for (let reload = 0; reload < 3; reload++) {
    before.push(new WeakRef(eras))
    eras = start({ legacy: LEGACY, modern: [] }, {}, eras).eras
  }
  // What was looked at in this turn stays until the next.
  await turn()
  collect()
  assert.deepEqual(
    before.map((ref) => ref.deref()),
    [undefined, undefined, undefined],
  )
  assert.ok(eras.look)
})

import assert from 'node:assert/strict'
import { test } from 'node:test'

import { MARKS, nextPressure, NO_PRESSURE, type Pressure, type Usage } from './pressure.ts'

const CALM: Usage = { loopDelayMs: 1, heap: 0.3, memory: 0.3, descriptors: 0.1 }

/** What is turned away after each look. */
function shedAfter(...looks: readonly Partial<Usage>[]): readonly string[] {
  let pressure: Pressure = NO_PRESSURE
  return looks.map((usage) => {
    pressure = nextPressure(pressure, { ...CALM, ...usage })
    return pressure.sheds
  })
}

test('while there is enough of everything nothing is turned away', () => {
  assert.deepEqual(shedAfter({}, {}, {}), ['nothing', 'nothing', 'nothing'])
})

test('each resource turns away streams first and then everything, when two looks agree', () => {
  for (const resource of ['loopDelayMs', 'heap', 'memory', 'descriptors'] as const) {
    const { streams, everything } = MARKS[resource]
    const some = { [resource]: streams }
    const much = { [resource]: everything }
    assert.deepEqual(shedAfter(some, some), ['nothing', 'streams'], resource)
    assert.deepEqual(shedAfter(much, much), ['nothing', 'everything'], resource)
    assert.deepEqual(
      shedAfter(some, some, much, much),
      ['nothing', 'streams', 'streams', 'everything'],
      resource,
    )
  }
})

test('a single look turns nothing away', () => {
  const busy = { loopDelayMs: 5_000 }
  assert.deepEqual(shedAfter(busy, {}, busy, {}), ['nothing', 'nothing', 'nothing', 'nothing'])
})

test('it ends at the first look well below the mark, and not at the mark itself', () => {
  const full = { heap: 0.95 }
  const [, , atMark, below, calm] = shedAfter(full, full, { heap: 0.9 }, { heap: 0.8 }, {})
  assert.deepEqual([atMark, below, calm], ['everything', 'streams', 'nothing'])
})

test('the resource that is worst off is named', () => {
  const usage = { ...CALM, heap: 0.86, descriptors: 0.95 }
  const pressure = nextPressure({ ...NO_PRESSURE, above: 1 }, usage)
  assert.deepEqual([pressure.sheds, pressure.resource], ['everything', 'descriptors'])
})

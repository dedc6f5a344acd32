import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createPace } from './pace.ts'

test('fifty requests pass at once, then five a second, and a quiet time saves up no more than fifty', () => {
  const clock = { tick: 1_000 }
  const warned: string[] = []
  const mayAsk = createPace({
    server: 'docs',
    tick: () => clock.tick,
    emit: (event) => void warned.push(event.type === 'warning' ? event.detail : ''),
  })
  const passed = (count: number): number =>
    Array.from({ length: count }, mayAsk).filter(Boolean).length
  assert.equal(passed(1_000), 50)
  clock.tick += 199
  assert.equal(passed(10), 0)
  clock.tick += 1
  assert.equal(passed(10), 1)
  clock.tick += 1_000
  assert.equal(passed(10), 5)
  clock.tick += 3_600_000
  assert.equal(passed(1_000), 50)
  assert.deepEqual(warned, ['server docs asks its client too much at once'])
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createLateWrites } from './late-writes.ts'

const endOfTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

test('nothing is written before the end of the turn, then all in order, and whoever waits is told after the last', async () => {
  const writeLate = createLateWrites()
  const seen: string[] = []
  for (const name of ['a', 'b']) {
    const written = writeLate({ writeNow: () => void seen.push(name) })
    void written.then(() => seen.push(`${name} told`))
  }
  await Promise.resolve()
  assert.deepEqual(seen, [])
  await endOfTurn()
  assert.deepEqual(seen, ['a', 'b', 'a told', 'b told'])
})

test('what asks while others write has its turn later', async () => {
  const writeLate = createLateWrites()
  const seen: string[] = []
  const again = { writeNow: () => void seen.push('again') }
  await writeLate({
    writeNow: () => {
      seen.push('first')
      void writeLate(again)
    },
  })
  assert.deepEqual(seen, ['first'])
  await endOfTurn()
  assert.deepEqual(seen, ['first', 'again'])
})

import assert from 'node:assert/strict'
import { test } from 'node:test'

import { createTurns } from './turns.ts'

test('of several that come at once one begins in each turn, in the order they came', async () => {
  const turns: (() => void)[] = []
  const begun: string[] = []
  const turn = createTurns((work) => turns.push(work))
  const come = async (name: string): Promise<void> => {
    await turn()
    begun.push(name)
  }
  const all = [come('a'), come('b')]
  const next = async (): Promise<readonly string[]> => {
    turns.shift()?.()
    await Promise.resolve()
    return [...begun]
  }
  assert.deepEqual(begun, [])
  assert.deepEqual(await next(), ['a'])
  all.push(come('c'))
  assert.deepEqual(await next(), ['a', 'b'])
  assert.deepEqual(await next(), ['a', 'b', 'c'])
  assert.equal(turns.length, 0)
  all.push(come('d'))
  assert.deepEqual(await next(), ['a', 'b', 'c', 'd'])
  await Promise.all(all)
})

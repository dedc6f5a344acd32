import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseCoreList, pinned } from './cores.ts'

test('a list of cores is single numbers and ranges', () => {
  assert.deepEqual(parseCoreList('0-1'), [0, 1])
  assert.deepEqual(parseCoreList('2,4-6,9'), [2, 4, 5, 6, 9])
  assert.deepEqual(parseCoreList(''), [])
})

test('a command is kept on the core in its place, whatever the number of that core', () => {
  assert.deepEqual(pinned([4, 7], 1, ['wrk', '-t1']), ['taskset', '-c', '7', 'wrk', '-t1'])
})

test('with one core everything shares it, with none nothing is pinned', () => {
  assert.deepEqual(pinned([3], 1, ['wrk']), ['taskset', '-c', '3', 'wrk'])
  assert.deepEqual(pinned([], 1, ['wrk']), ['wrk'])
})

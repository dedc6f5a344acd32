import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createBoundedMap } from './bounded-map.ts'

test('it never holds more than its bound, whatever is put in', () => {
  const map = createBoundedMap<number>(100)
  for (let at = 0; at < 10_000; at += 1) {
    map.set(`key-${at}`, at)
    assert.ok(map.size <= 100)
  }
  assert.equal(map.get('key-9999'), 9_999)
  assert.equal(map.get('key-0'), undefined)
})

test('half of the bound is always kept, newest first', () => {
  const map = createBoundedMap<number>(100)
  for (let at = 0; at < 1_000; at += 1) map.set(`key-${at}`, at)
  for (let at = 950; at < 1_000; at += 1) assert.equal(map.get(`key-${at}`), at)
})

test('what is read often survives a flood of what is not', () => {
  const map = createBoundedMap<string>(100)
  map.set('used', 'kept')
  map.set('unused', 'lost')
  for (let at = 0; at < 10_000; at += 1) {
    map.set(`flood-${at}`, '')
    if (at % 20 === 0) assert.equal(map.get('used'), 'kept')
  }
  assert.equal(map.get('unused'), undefined)
})

test('a key replaced or deleted is so in both generations', () => {
  const map = createBoundedMap<number>(4)
  map.set('a', 1)
  map.set('b', 2)
  map.set('c', 3)
  map.set('a', 4)
  assert.equal(map.get('a'), 4)
  assert.equal(map.size, 3)
  map.delete('a')
  map.delete('b')
  assert.equal(map.get('a'), undefined)
  assert.equal(map.get('b'), undefined)
  assert.equal(map.size, 1)
})

test('replacing a key of a full generation pushes nothing out', () => {
  const map = createBoundedMap<number>(4)
  for (const key of ['a', 'b', 'c', 'd']) map.set(key, 0)
  for (let at = 0; at < 10; at += 1) map.set('d', at)
  assert.equal(map.size, 4)
  assert.equal(map.get('d'), 9)
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { splice } from './edit.ts'

test('bytes between edits stay, single ones at either end too', () => {
  const edits = [
    { start: 1, end: 3, text: 'ü' },
    { start: 4, end: 4, text: '+' },
    { start: 5, end: 6, text: '' },
  ]
  assert.equal(Buffer.from(splice(Buffer.from('abcdefg'), edits)).toString(), 'aüd+eg')
})

test('edits may touch each other and both ends', () => {
  const edits = [
    { start: 0, end: 1, text: 'x' },
    { start: 1, end: 3, text: '' },
  ]
  assert.equal(Buffer.from(splice(Buffer.from('abc'), edits)).toString(), 'x')
})

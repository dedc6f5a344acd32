import assert from 'node:assert/strict'
import { test } from 'node:test'

import { createWholeLines } from './whole-lines.ts'

/** What is passed on, piece by piece, of what is written. */
async function passed(...written: readonly string[]): Promise<readonly string[]> {
  const lines = createWholeLines()
  const pieces: string[] = []
  lines.on('data', (piece: Buffer) => pieces.push(piece.toString()))
  for (const chunk of written) lines.write(Buffer.from(chunk))
  lines.end()
  await new Promise((resolve) => lines.once('end', resolve))
  return pieces
}

test('nothing but whole lines is passed on', async () => {
  assert.deepEqual(await passed('a', 'b\nc', 'd\ne\n'), ['ab\n', 'cd\ne\n'])
})

test('what its writer left of a line becomes one when the writer has ended', async () => {
  assert.deepEqual(await passed('a\nb'), ['a\n', 'b\n'])
})

test('a line without end is not gathered for ever', async () => {
  const half = 'x'.repeat(700_000)
  const pieces = await passed(half, half, half)
  assert.equal(pieces.join('').length, 3 * half.length + 1)
  assert.ok(pieces.length > 1)
})

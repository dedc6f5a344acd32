import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Pieces } from './pieces.ts'

/** What is held of pieces of these sizes that come one after the other, and all that came. */
function hold(sizes: Iterable<number>) {
  const pieces = new Pieces()
  const came: Uint8Array[] = []
  for (const size of sizes) {
    const piece = Buffer.alloc(size, came.length)
    came.push(piece)
    pieces.add(piece)
  }
  return { pieces, came: Buffer.concat(came) }
}

function* repeat(times: number, sizes: readonly number[]): Iterable<number> {
  for (let time = 0; time < times; time += 1) yield* sizes
}

const WAYS: readonly (() => Iterable<number>)[] = [
  () => repeat(100_000, [1]),
  () => repeat(30_000, [0, 2, 1]),
  () => repeat(300, [1_023, 1]),
  () => repeat(100, [1, 65_536, 3, 3]),
  () => repeat(40, [16_385, 16_384, 1_024, 1_023]),
]

test('small pieces are held in few, with all their bytes in order, and in little memory', () => {
  for (const sizes of WAYS) {
    const { pieces, came } = hold(sizes())
    const held = pieces.take()
    assert.ok(Buffer.concat(held).equals(came))
    assert.ok(held.length <= came.length / 512 + 2, `${held.length} pieces of ${came.length} bytes`)
    const memory = new Set(held.slice(1).map(({ buffer }) => buffer))
    const bytes = [...memory].reduce((sum, { byteLength }) => sum + byteLength, 0)
    assert.ok(bytes <= 2 * came.length + 65_536, `${bytes} bytes for ${came.length}`)
  }
})

test('what was taken is no longer held, whole or not', () => {
  const { pieces, came } = hold([3, 2_000, 5, 7])
  assert.ok(Buffer.from(pieces.takeWhole()).equals(came))
  assert.equal(pieces.takeWhole().length, 0)
  pieces.add(Buffer.from('next'))
  pieces.add(Buffer.from(' one'))
  assert.equal(Buffer.concat(pieces.take()).toString(), 'next one')
  assert.deepEqual(pieces.take(), [])
  pieces.add(Buffer.from('gone'))
  pieces.clear()
  assert.deepEqual(pieces.take(), [])
})

test('a piece that is the only one is not copied', () => {
  const pieces = new Pieces()
  const only = Buffer.from('only')
  pieces.add(only)
  assert.equal(pieces.takeWhole(), only)
})

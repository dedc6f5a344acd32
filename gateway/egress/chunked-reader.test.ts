import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ChunkedReader } from './chunked-reader.ts'

/** What a reader hands on of bytes that come in pieces, and where it says that the body ends in the last. */
function readAll(pieces: readonly string[]): { readonly taken: string[]; readonly end: number } {
  const reader = new ChunkedReader()
  const taken: string[] = []
  let end = -1
  for (const piece of pieces)
    end = reader.read(Buffer.from(piece), (body) => taken.push(body.toString()))
  return { taken, end }
}

test('The chunks that come in one piece are handed on in one, however many they are', () => {
  const chunks = '1\r\na\r\n'.repeat(5_000)
  assert.deepEqual(readAll([`${chunks}0\r\n\r\n`]), {
    taken: ['a'.repeat(5_000)],
    end: chunks.length + 5,
  })
  assert.deepEqual(readAll(['3\r\nabc\r\n2\r\nde\r\n4\r\nf', 'ghi\r\n1\r\nj\r\n0\r\n\r\nrest']), {
    taken: ['abcdef', 'ghij'],
    end: 16,
  })
})

test('A line that comes in parts is neither lost nor handed on, wherever it is cut', () => {
  const whole = '2\r\nab\r\na\r\n0123456789\r\n0\r\n\r\n'
  for (let at = 1; at < whole.length; at += 1) {
    const { taken, end } = readAll([whole.slice(0, at), whole.slice(at)])
    assert.equal(taken.join(''), 'ab0123456789')
    assert.equal(end, whole.length - at)
  }
})

test('Chunks that are malformed end it', () => {
  for (const wrong of ['2\r\nabc\r\n', '2;x=y\r\n', 'g\r\n', '1\na', '0\r\nTrailer: x\r\n\r\n'])
    assert.throws(() => readAll(['1\r\nx\r\n', wrong]), { code: 'MALFORMED_CHUNKS' }, wrong)
})

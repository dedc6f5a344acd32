import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AnswerReader } from './answer-reader.ts'

const sized = 'HTTP/1.1 200 OK\r\nDate: now\r\ncontent-length: 5\r\n\r\nhello'
const chunked = 'HTTP/1.1 403 No\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n'

/** Feeds `text` in pieces of `size` bytes; returns after how many bytes the answer was complete. */
function feed(reader: AnswerReader, text: string, size: number): number {
  const bytes = Buffer.from(text)
  for (let at = 0; at < bytes.length; at += size) {
    const piece = bytes.subarray(at, at + size)
    if (reader.push(piece, piece.length)) return at + piece.length
  }
  return -1
}

test('an answer with a length ends at its last byte, however it is cut', () => {
  for (let size = 1; size <= sized.length; size++) {
    const reader = new AnswerReader()
    assert.equal(feed(reader, sized, size), sized.length)
    assert.deepEqual([reader.status, reader.contentLength], [200, 5])
  }
})

test('a chunked answer ends at the last chunk, however it is cut', () => {
  for (let size = 1; size <= chunked.length; size++) {
    const reader = new AnswerReader()
    assert.equal(feed(reader, chunked, size), chunked.length)
    assert.deepEqual([reader.status, reader.contentLength], [403, -1])
  }
})

test('a reader serves one answer after the other on a connection', () => {
  const reader = new AnswerReader()
  for (const text of [sized, chunked, chunked, sized]) {
    assert.equal(feed(reader, text, 7), text.length)
  }
})

test('an answer without a body ends with its head', () => {
  const text = 'HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\nConnection: close\r\n\r\n'
  const reader = new AnswerReader()
  assert.equal(feed(reader, text, text.length), text.length)
  assert.equal(reader.closes, true)
})

test('bytes beyond the end of an answer are an error, not the start of the next', () => {
  const bytes = Buffer.from(`${sized}more`)
  assert.throws(() => new AnswerReader().push(bytes, bytes.length), /after the end/)
})

test('an answer that names no length is an error', () => {
  const bytes = Buffer.from('HTTP/1.1 200 OK\r\nServer: x\r\n\r\n')
  assert.throws(() => new AnswerReader().push(bytes, bytes.length), /no length/)
})

test('only the filled part of a shared buffer is read', () => {
  const shared = Buffer.alloc(4096, 'x')
  shared.write(sized, 'latin1')
  assert.equal(new AnswerReader().push(shared, sized.length), true)
})

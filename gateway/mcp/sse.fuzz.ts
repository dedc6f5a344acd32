import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { fuzzOptions } from '../testkit/fuzz.ts'
import { readSse } from '../testkit/sse-reader.ts'
import { createSseFramer, formatSse, type SseEvent, type SseItem } from './sse.ts'

const RUNS = fuzzOptions({ what: 'event streams, cut anywhere', test: 10_000, prove: 200_000 })

function present(item: SseItem): object {
  return Object.fromEntries(Object.entries(item).filter(([, value]) => value !== undefined))
}

const piece = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom('\n', '\r', '\r\n', '\n\n', '\r\r', '\r\n\r\n') },
  { weight: 6, arbitrary: fc.constantFrom('data', 'event', 'id', 'retry', ':', ': ', ' ', '\0') },
  { weight: 2, arbitrary: fc.constantFrom('data: {"a":1}\n\n', 'id: 7\ndata:\n\n', 'retry: 30\n') },
  { weight: 2, arbitrary: fc.string({ unit: 'grapheme', maxLength: 5 }) },
  { weight: 1, arbitrary: fc.nat().map(String) },
)

const stream = fc
  .tuple(
    fc.constantFrom('', '\ufeff'),
    fc.array(piece, { maxLength: 30 }),
    fc.uint8Array({ maxLength: 3 }),
  )
  .map(([mark, pieces, odd]) => {
    const bytes = Buffer.from(mark + pieces.join(''))
    return Buffer.concat([bytes, odd, bytes])
  })

/** Cuts a stream at random places, neighbouring ones and equal ones included. */
const chunked = fc.tuple(stream, fc.array(fc.nat(1_000), { maxLength: 8 })).map(([bytes, cuts]) => {
  const places = [0, ...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length]
  places.sort((a, b) => a - b)
  return places.slice(1).map((end, i) => bytes.subarray(places[i], end))
})

test('any chunks of any bytes give the items of the reference reader', () => {
  fc.assert(
    fc.property(chunked, (chunks) => {
      const framer = createSseFramer()
      const items = chunks.flatMap((chunk) => framer.push(chunk)).map(present)
      assert.deepEqual(items, readSse(Buffer.concat(chunks)))
    }),
    RUNS,
  )
})

test('what is framed anew reads as what came', () => {
  fc.assert(
    fc.property(chunked, (chunks) => {
      const framer = createSseFramer()
      const items = chunks.flatMap((chunk) => framer.push(chunk))
      const written = items.map((item) => (item.kind === 'overflow' ? '' : formatSse(item)))
      assert.deepEqual(readSse(Buffer.from(written.join(''))), readSse(Buffer.concat(chunks)))
    }),
    RUNS,
  )
})

const text = fc.string({ unit: 'grapheme', maxLength: 8 })
const hostile = fc.oneof(text, fc.constantFrom('\r', '\n', '\r\ndata: x', 'a\n\nid: 1', '\0'))

test('no value of an item can forge a field, an event or a comment', () => {
  const item = fc.record(
    { event: hostile, id: hostile, retry: fc.nat(), data: hostile },
    { requiredKeys: ['data'] },
  )
  fc.assert(
    fc.property(item, hostile, (fields, comment) => {
      const event: SseEvent = { kind: 'event', ...fields }
      const written = formatSse(event) + formatSse({ kind: 'comment', text: comment })
      const [read, ...comments] = createSseFramer().push(Buffer.from(written))
      assert.deepEqual(Object.keys(present(read ?? event)).toSorted(), expectedKeys(event))
      assert.equal(read?.kind === 'event' ? read.data : '', fields.data.replaceAll(/\r\n?/g, '\n'))
      assert.ok(comments.every(({ kind }) => kind === 'comment'))
      assert.equal(comments.length, comment.split(/\r\n|\r|\n/).length)
    }),
    RUNS,
  )
})

function expectedKeys(event: SseEvent): readonly string[] {
  const keys = Object.keys(event)
  return keys.filter((key) => key !== 'id' || event.id?.includes('\0') === false).toSorted()
}

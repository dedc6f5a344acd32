import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Sink } from './answer.ts'
import { MAX_PEEKED_BYTES, Peeked } from './peeked.ts'

/** A stream that a test feeds, peeked into until it holds `enough`. */
function peek(enough: string) {
  const log: string[] = []
  let feed: Sink | undefined
  const inner = {
    pipe: (sink: Sink) => void (feed = sink),
    pause: () => void log.push('pause'),
    resume: () => void log.push('resume'),
    abort: () => void log.push('abort'),
  }
  let heard = ''
  const peeked = new Peeked(inner, (chunk) => {
    heard += Buffer.from(chunk).toString()
    return heard.includes(enough)
  })
  let isKnown = false
  void peeked.known.then(() => (isKnown = true))
  const sink: Sink = {
    write: (chunk) => log.push(Buffer.from(chunk).toString()) > 0,
    end: () => void log.push('end'),
    fail: (error) => void log.push(`fail ${String(error)}`),
  }
  const known = async (): Promise<boolean> => {
    await Promise.resolve()
    return isKnown
  }
  return { peeked, feed: feed!, log, sink, known }
}

const bytes = (text: string): Buffer => Buffer.from(text)

test('once enough is known the server waits, and its reader gets everything in order', async () => {
  const { peeked, feed, log, sink, known } = peek('ab')
  assert.equal(feed.write(bytes('a')), true)
  assert.equal(await known(), false)
  assert.equal(feed.write(bytes('b')), false)
  assert.equal(await known(), true)
  assert.equal(feed.write(bytes('c')), false)
  assert.equal(Buffer.from(peeked.heard).toString(), 'abc')
  peeked.pipe(sink)
  assert.equal(feed.write(bytes('d')), true)
  feed.end()
  assert.deepEqual(log, ['abc', 'resume', 'd', 'end'])
})

test('every chunk is looked at once, and none that comes after enough', () => {
  const looked: string[] = []
  const inner = { pipe: () => {}, pause: () => {}, resume: () => {}, abort: () => {} }
  const peeked = new Peeked(inner, (chunk) => looked.push(Buffer.from(chunk).toString()) === 3)
  for (const piece of ['a', 'b', 'c', 'd']) peeked.write(bytes(piece))
  assert.deepEqual(looked, ['a', 'b', 'c'])
  assert.equal(Buffer.from(peeked.heard).toString(), 'abcd')
})

test('a stream that ends or breaks off before that is passed on as it was', async () => {
  for (const [end, last] of [
    [(feed: Sink) => feed.end(), 'end'],
    [(feed: Sink) => feed.fail('why'), 'fail why'],
  ] as const) {
    const { peeked, feed, log, sink, known } = peek('never')
    feed.write(bytes('a'))
    end(feed)
    assert.equal(await known(), true)
    peeked.pipe(sink)
    assert.deepEqual(log, ['a', last])
  }
})

test('a stream that goes on without what is looked for is held up to the bound', async () => {
  const { feed, known } = peek('never')
  assert.equal(feed.write(Buffer.alloc(MAX_PEEKED_BYTES - 1)), true)
  assert.equal(await known(), false)
  assert.equal(feed.write(Buffer.alloc(1)), false)
  assert.equal(await known(), true)
})

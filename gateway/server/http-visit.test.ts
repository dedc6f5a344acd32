import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { Duplex } from 'node:stream'
import { test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'

import type { Outgoing, StreamEnding } from '../pipeline/visit.ts'
import { testJourney } from '../testkit/pipeline.ts'
import type { Sink, Source } from '../upstream/answer.ts'
import {
  HttpVisit,
  KEEP_ALIVE_MS,
  SLOW_READER_MS,
  VisitRequest,
  VisitResponse,
} from './http-visit.ts'
import { SLICE_BYTES } from './outbox.ts'

const MIB = 1_048_576
const POST = 'POST /mcp HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n'
const WHOLE_POST = `${POST}2\r\n{}\r\n0\r\n\r\n`

/** A connection without a socket, whose reader takes what comes only while `reads`. */
class Wire extends Duplex {
  reads = true
  text = ''
  #held: (() => void) | undefined

  override _read(): void {}

  override _write(chunk: Buffer, _encoding: string, callback: () => void): void {
    const take = (): void => {
      this.text += chunk.toString('latin1')
      callback()
    }
    if (this.reads) take()
    else this.#held = take
  }

  /** The reader takes what has been waiting longest. */
  takeOne(): void {
    const take = this.#held
    this.#held = undefined
    take?.()
  }
}

type Bench = { readonly wire: Wire; readonly visit: HttpVisit; readonly answering: Set<HttpVisit> }

/** The visit that this request text makes, on a real HTTP server that listens nowhere. */
async function visitBy(text: string): Promise<Bench> {
  const answering = new Set<HttpVisit>()
  const server = createServer({ IncomingMessage: VisitRequest, ServerResponse: VisitResponse })
  const visit = new Promise<HttpVisit>((resolve) => {
    server.on('request', (request: VisitRequest, response: VisitResponse) =>
      resolve(
        new HttpVisit({
          request,
          response,
          journey: testJourney(),
          expectsContinue: false,
          onGone: () => undefined,
          answering,
        }),
      ),
    )
  })
  const wire = new Wire()
  server.emit('connection', wire)
  wire.push(text)
  return { wire, visit: await visit, answering }
}

const whole = (bytes: Uint8Array): Outgoing => ({
  status: 200,
  headers: [],
  body: { kind: 'whole', bytes },
})

/** A stream that a test feeds; aborting it fails it, as the exchanges of servers do. */
function stream(ending: StreamEnding): { readonly outgoing: Outgoing; readonly feed: Sink } {
  let sink: Sink | undefined
  const source: Source = {
    pipe: (to) => (sink = to),
    pause: () => undefined,
    resume: () => undefined,
    abort: (reason) => sink?.fail(reason),
  }
  const feed: Sink = {
    write: (chunk) => sink?.write(chunk) ?? true,
    end: () => sink?.end(),
    fail: (error) => sink?.fail(error),
  }
  return { outgoing: { status: 200, headers: [], body: { kind: 'stream', source, ending } }, feed }
}

test('a body asked for after the client hung up breaks off at once', async () => {
  const { wire, visit } = await visitBy(POST)
  wire.destroy()
  await turn()
  assert.equal(visit.gone, true)
  await assert.rejects(visit.body(MIB), { code: 'body_broken_off' })
})

test('a body whose client hangs up while it is read breaks off', async () => {
  const { wire, visit } = await visitBy(POST)
  const body = assert.rejects(visit.body(MIB), { code: 'body_broken_off' })
  wire.destroy()
  await body
})

test('what comes of a body that was refused is read by one listener', async () => {
  const { wire, visit } = await visitBy(POST)
  let listeners = 0
  const count = VisitRequest.prototype.on
  VisitRequest.prototype.on = function (this: VisitRequest, name: string, ...rest: never[]) {
    if (name === 'data') listeners += 1
    return count.call(this, name, ...(rest as unknown as [() => void]))
  } as typeof count
  const body = assert.rejects(visit.body(8), { code: 'too_large' })
  wire.push(`20\r\n${'a'.repeat(32)}\r\n`)
  await body
  await visit.reply(whole(Buffer.from('no')))
  VisitRequest.prototype.on = count
  assert.equal(listeners, 1)
})

test('a small answer that the connection takes at once needs no looking after', async () => {
  const { wire, visit, answering } = await visitBy(WHOLE_POST)
  const replied = visit.reply(whole(Buffer.from('hello')))
  assert.equal(answering.size, 0)
  await replied
  assert.match(wire.text, /\r\nhello$/)
})

for (const bytes of [10, 40_000, 300_000]) {
  test(`an answer of ${bytes} bytes that nobody takes is not over, and is dropped at the bound`, async () => {
    const { wire, visit, answering } = await visitBy(WHOLE_POST)
    wire.reads = false
    let over = false
    const replied = visit.reply(whole(Buffer.alloc(bytes, 'a'))).then(() => (over = true))
    const since = performance.now()
    await turn()
    assert.deepEqual([over, answering.size], [false, 1])
    visit.dropIfStalled(since + SLOW_READER_MS - 1_000)
    await turn()
    assert.equal(over, false)
    visit.dropIfStalled(since + SLOW_READER_MS + 1_000)
    await replied
    assert.deepEqual([wire.destroyed, answering.size, visit.gone], [true, 0, true])
    assert.match(visit.journey.detail ?? '', /reader/)
  })
}

test('a large answer is over once its last byte is taken, and arrives as it was', async () => {
  const { wire, visit, answering } = await visitBy(WHOLE_POST)
  await visit.reply(whole(Buffer.alloc(5 * MIB, 'abc')))
  assert.equal(answering.size, 0)
  const body = wire.text.slice(wire.text.indexOf('\r\n\r\n') + 4)
  assert.equal(body, Buffer.alloc(5 * MIB, 'abc').toString())
  assert.equal(visit.gone, false)
})

test('a reader that takes a slice now and then is never dropped, however slow', async (t) => {
  let nowMs = 0
  t.mock.method(performance, 'now', () => nowMs)
  const { wire, visit, answering } = await visitBy(WHOLE_POST)
  wire.reads = false
  const replied = visit.reply(whole(Buffer.alloc(20 * SLICE_BYTES)))
  while (answering.size > 0) {
    // Head and length of a piece are writes of their own.
    for (let writes = 0; writes < 4; writes++) {
      wire.takeOne()
      await turn()
    }
    nowMs += SLOW_READER_MS - 1_000
    visit.dropIfStalled(nowMs)
  }
  await replied
  assert.deepEqual([wire.destroyed, visit.gone], [false, false])
})

test('an event stream that has ended is looked after until it is taken', async () => {
  const { wire, visit, answering } = await visitBy(WHOLE_POST)
  wire.reads = false
  const { outgoing, feed } = stream({ lastWords: () => ({ text: '', after: 'cut' }) })
  const replied = visit.reply(outgoing)
  feed.write(Buffer.alloc(MIB))
  feed.end()
  await turn()
  assert.deepEqual([answering.size, visit.streaming], [1, false])
  visit.dropIfStalled(performance.now() + SLOW_READER_MS + 1_000)
  await replied
  assert.equal(visit.gone, true)
})

const CLEAN_END = /\r\n0\r\n\r\n$/

test('a stream that the gateway ends is cut, ended, or cut after last words, as it says', async () => {
  const endings: readonly (readonly [StreamEnding, boolean, RegExp])[] = [
    ['cut', true, /\r\nhalf\r\n$/],
    ['clean', false, CLEAN_END],
    [{ lastWords: () => ({ text: 'broke off', after: 'cut' }) }, true, /broke off\r\n$/],
    [{ lastWords: () => ({ text: 'done', after: 'end' }) }, false, /done\r\n0\r\n\r\n$/],
  ]
  for (const [ending, cut, text] of endings) {
    const { wire, visit } = await visitBy(WHOLE_POST)
    const { outgoing, feed } = stream(ending)
    const replied = visit.reply(outgoing).then(
      () => 'taken',
      () => 'broken',
    )
    feed.write(Buffer.from('half'))
    await turn()
    visit.endStream('revoked')
    assert.equal(await replied, cut ? 'broken' : 'taken')
    await turn()
    assert.equal(wire.destroyed, cut)
    assert.match(wire.text, text)
    assert.equal(visit.journey.ending, 'revoked')
    assert.equal(visit.gone, false)
  }
})

test('last words wait for what is before them, and their reader is looked after too', async () => {
  const { wire, visit, answering } = await visitBy(WHOLE_POST)
  wire.reads = false
  const { outgoing, feed } = stream({ lastWords: () => ({ text: 'broke off', after: 'cut' }) })
  const replied = assert.rejects(visit.reply(outgoing), /server/)
  feed.write(Buffer.alloc(3 * SLICE_BYTES, 'a'))
  feed.fail(new Error('server'))
  assert.equal(answering.size, 1)
  while (!wire.destroyed) {
    wire.takeOne()
    await turn()
  }
  await replied
  assert.match(wire.text, /a\r\n9\r\nbroke off\r\n$/)
  assert.equal(answering.size, 0)
})

/** What was written of the body after its first chunk, when time passes and nothing else happens. */
async function quietly(ending: StreamEnding, ticks: readonly number[]): Promise<string> {
  const { wire, visit } = await visitBy(WHOLE_POST)
  const { outgoing, feed } = stream(ending)
  void visit.reply(outgoing).catch(() => undefined)
  feed.write(Buffer.from('data: 1\n\n'))
  await turn()
  const before = wire.text.length
  for (const tick of ticks) visit.keepAlive(tick)
  await turn()
  visit.drop()
  return wire.text.slice(before)
}

test('a quiet event stream gets a comment every twenty seconds, and no sooner', async () => {
  const comment = '3\r\n:\n\n\r\n'
  const [once, twice] = [KEEP_ALIVE_MS, 2 * KEEP_ALIVE_MS + 1_000]
  assert.equal(await quietly('clean', [0, once - 1]), '')
  assert.equal(await quietly('clean', [0, once]), comment)
  assert.equal(await quietly('clean', [0, once, once + 1_000, twice]), comment + comment)
  assert.equal(await quietly({ lastWords: () => ({ text: '', after: 'cut' }) }, [0, once]), comment)
})

test('a JSON answer that comes slowly gets nothing in between', async () => {
  assert.equal(await quietly('cut', [0, KEEP_ALIVE_MS, 3 * KEEP_ALIVE_MS]), '')
})

test('what a source sends after the gateway ended its stream is not written', async () => {
  const { wire, visit } = await visitBy(WHOLE_POST)
  const { outgoing, feed } = stream('clean')
  const replied = visit.reply(outgoing)
  visit.endStream('shutdown')
  assert.equal(feed.write(Buffer.from('late')), true)
  feed.end()
  await replied
  assert.doesNotMatch(wire.text, /late/)
  assert.match(wire.text, CLEAN_END)
})

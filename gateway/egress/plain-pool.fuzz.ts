/**
 * Whatever a server says to one caller, the next caller is told what the server says to it: bent answers over
 * real connections, heard to the end, given up or held up, and then a good call. A connection is used again
 * only when what came on it was one whole answer, and nothing besides.
 */
import assert from 'node:assert/strict'
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { after, before, test } from 'node:test'

import * as fc from 'fast-check'

import { bentAnswer } from '../testkit/answer-mutations.ts'
import { fuzzOptions } from '../testkit/fuzz.ts'
import { readPlainly } from '../testkit/read-plainly.ts'
import type { Controller, Handler } from './dispatch.ts'
import { PlainPool } from './plain-pool.ts'

const RUNS = fuzzOptions({
  what: 'bent answers to one caller, and what the next one is told',
  test: 2_000,
  prove: 20_000,
})

/** Turns of the event loop within which what was sent has been read. */
const TURNS = 10

const EARLY = 'HTTP/1.1 413 Content Too Large\r\ncontent-length: 0\r\n\r\n'

/** More than lies between a client and a server that does not read. */
const LARGE_BYTES = 32 * 1_048_576

let server: Server
let pool: PlainPool

/** Told the connection on which a bent answer is awaited. */
let onBent: (socket: Socket) => void = () => {}
/** The last one on which a good call was made. */
let goodOn: Socket | undefined

before(async () => {
  server = createServer({ noDelay: true }, (socket) => {
    socket.on('error', () => socket.destroy())
    socket.on('data', (asked) => {
      const target = asked.toString('latin1').split(' ')[1] ?? ''
      if (target === '/bent') onBent(socket)
      else if (target === '/early') {
        // It has not read the body and does not go on to.
        socket.pause()
        socket.write(EARLY)
      } else {
        goodOn = socket
        socket.write(`HTTP/1.1 200 OK\r\ncontent-length: ${target.length}\r\n\r\n${target}`)
      }
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  pool = new PlainPool({
    origin: `http://127.0.0.1:${port}`,
    maxConnections: 1,
    connectTimeoutMs: 5_000,
    tick: () => performance.now(),
  })
})

after(async () => {
  await pool.destroy()
  await new Promise((resolve) => server.close(resolve))
})

const WHIMS = ['hear', 'hear', 'hear', 'abort_start', 'abort_data', 'pause'] as const

type Whim = (typeof WHIMS)[number]

/** A caller, and what it was told. */
class Caller implements Handler {
  readonly #whim: Whim
  status = 0
  text = ''
  readonly end: Promise<'whole' | 'broken'>
  #over: (end: 'whole' | 'broken') => void = () => {}
  /** After its end nothing more may be told. */
  isOver = false
  hasAborted = false

  constructor(whim: Whim) {
    this.#whim = whim
    this.end = new Promise((resolve) => (this.#over = resolve))
  }

  onRequestStart(): void {}

  onResponseStart(controller: Controller, status: number): void {
    assert.ok(!this.isOver)
    this.status = status
    if (this.#whim === 'abort_start') this.#abort(controller)
  }

  onResponseData(controller: Controller, chunk: Uint8Array): void {
    assert.ok(!this.isOver)
    this.text += Buffer.from(chunk).toString('latin1')
    if (this.#whim === 'abort_data') this.#abort(controller)
    if (this.#whim !== 'pause') return
    controller.pause()
    setImmediate(() => controller.resume())
  }

  #abort(controller: Controller): void {
    this.hasAborted = true
    controller.abort(new Error('a whim'))
  }

  onResponseEnd(): void {
    assert.ok(!this.isOver)
    this.isOver = true
    this.#over('whole')
  }

  onResponseError(): void {
    assert.ok(!this.isOver)
    this.isOver = true
    this.#over('broken')
  }
}

function call(path: string, whim: Whim, body: Uint8Array | null = null): Caller {
  const caller = new Caller(whim)
  pool.call({ method: 'POST', path, headers: [], body }, caller)
  return caller
}

async function turns(): Promise<void> {
  for (let turn = 0; turn < TURNS; turn += 1) await new Promise((resolve) => setImmediate(resolve))
}

test('the next caller is told what the server says to it, whatever was said to the one before', async () => {
  let good = 0
  let reused = 0
  await fc.assert(
    fc.asyncProperty(bentAnswer, fc.constantFrom(...WHIMS), async (bent, whim) => {
      const arrival = new Promise<Socket>((resolve) => (onBent = resolve))
      const first = call('/bent', whim)
      const asked = await arrival
      for (const piece of bent) {
        asked.write(piece)
        await new Promise((resolve) => setImmediate(resolve))
      }
      await turns()
      // The rest of an answer that is not whole does not come, and some end like this.
      if (!first.isOver) asked.end()
      await first.end
      await turns()

      good += 1
      const second = call(`/good/${good}`, 'hear')
      assert.equal(await second.end, 'whole')
      assert.deepEqual([second.status, second.text], [200, `/good/${good}`])
      if (goodOn !== asked) return
      reused += 1
      const all = Buffer.concat(bent)
      const read = readPlainly([all])
      assert.ok(!first.hasAborted && read?.end === 'whole')
      assert.ok(read.bytes === all.length && read.head.isKept)
    }),
    RUNS,
  )
  assert.ok(reused > RUNS.numRuns / 20, `${reused} connections were used again`)
  assert.ok(reused < RUNS.numRuns, 'not all of them may be')
})

test('what a server has not read of one call does not lie in front of the next', async () => {
  const first = call('/early', 'hear', Buffer.alloc(LARGE_BYTES))
  assert.equal(await first.end, 'whole')
  assert.equal(first.status, 413)
  const second = call('/good/after', 'hear')
  assert.equal(await second.end, 'whole')
  assert.deepEqual([second.status, second.text], [200, '/good/after'])
})

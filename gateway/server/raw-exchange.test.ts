import assert from 'node:assert/strict'
import type { Socket } from 'node:net'
import { Duplex } from 'node:stream'
import { test } from 'node:test'
import { createLateWrites } from '../egress/late-writes.ts'
import { RawExchangeResponse } from './raw-exchange.ts'

/** A response that is whole, on a socket whose writes are over when they are let go. */
function respond() {
  const opened = open()
  opened.response.writeHead(200, ['content-length', '2'])
  opened.response.end('ok', 'latin1')
  return opened
}

function open() {
  const taken: ((error?: Error) => void)[] = []
  const written: string[] = []
  const socket = new Duplex({
    read: () => {},
    write: (bytes: Buffer, _encoding, done) => {
      written.push(bytes.toString('latin1'))
      taken.push(done)
    },
    writev: (chunks, done) => {
      written.push(chunks.map(({ chunk }) => String(chunk)).join(''))
      taken.push(done)
    },
    destroy: (error, destroyed) => {
      for (const done of taken) done(new Error('ECANCELED'))
      destroyed(error)
    },
  })
  socket.on('error', () => {})
  let finished = 0
  const response = new RawExchangeResponse({
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- as much of one as is used
    socket: socket as unknown as Socket,
    date: () => '',
    keepAliveSeconds: 5,
    writeLate: createLateWrites(),
    onFinished: () => (finished += 1),
  })
  return { socket, taken, written, response, finished: () => finished }
}

/** What streams tell is told a turn later. */
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

test('A response is written at the end of the turn, and counts as not written until then', async () => {
  const { taken, response } = respond()
  assert.equal(taken.length, 0)
  assert.ok(response.writableLength > 0)
  await response.written
  assert.equal(taken.length, 1)
})

test('A response is finished when all of it is taken', async () => {
  const { taken, response, finished } = respond()
  await turn()
  assert.deepEqual([response.writableFinished, finished()], [false, 0])
  for (const done of taken) done()
  await turn()
  assert.deepEqual([response.writableFinished, finished()], [true, 1])
})

test('A response whose connection breaks is not, though its writes are over then', async () => {
  const { socket, response, finished } = respond()
  socket.destroy()
  await turn()
  assert.deepEqual([response.writableFinished, finished()], [false, 0])
})

test('What a stream has to say at once is one write, however small its pieces are', async () => {
  const { taken, written, response, finished } = open()
  response.writeHead(200, ['content-type', 'text/event-stream'])
  response.flushHeaders()
  for (let at = 0; at < 1_000; at += 1) response.write('x')
  response.end()
  await turn()
  assert.equal(written.length, 1)
  assert.ok(written[0]?.startsWith('HTTP/1.1 200 OK\r\n'))
  assert.ok(written[0]?.endsWith('\r\n1\r\nx\r\n0\r\n\r\n'))
  assert.equal(finished(), 0)
  for (const done of taken) done()
  await turn()
  assert.equal(finished(), 1)
})

test('What it says later is a write of its own', async () => {
  const { taken, written, response } = open()
  response.writeHead(200, ['content-type', 'text/event-stream'])
  for (const piece of ['a', 'b']) {
    response.write(piece)
    await turn()
    taken.shift()?.()
  }
  assert.deepEqual(
    written.map((text) => text.at(-3)),
    ['a', 'b'],
  )
})

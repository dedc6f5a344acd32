import assert from 'node:assert/strict'
import type { Socket } from 'node:net'
import { Duplex } from 'node:stream'
import { test } from 'node:test'
import { createLateWrites } from '../egress/late-writes.ts'
import { RawExchangeResponse } from './raw-exchange.ts'

/** A response on a socket whose writes are over when they are let go. */
function respond() {
  const taken: ((error?: Error) => void)[] = []
  const socket = new Duplex({
    read: () => {},
    write: (_bytes, _encoding, done) => void taken.push(done),
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
  response.writeHead(200, ['content-length', '2'])
  response.end('ok', 'latin1')
  return { socket, taken, response, finished: () => finished }
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

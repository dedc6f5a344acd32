import assert from 'node:assert/strict'
import { EventEmitter } from 'node:events'
import { test } from 'node:test'
import type { WebSocket } from 'ws'

import { DEAD_AFTER_MS, FULL_BYTES, PING_EVERY_MS, STALL_MS, Wire } from './wire.ts'

/** What `Wire` uses of a WebSocket, without a connection behind it. */
class FakeSocket extends EventEmitter {
  readyState = 1
  bufferedAmount = 0
  readonly did: string[] = []
  #taken: (() => void)[] = []

  send(data: string, _options: object, taken: () => void): void {
    this.did.push(`send ${data}`)
    this.bufferedAmount += data.length
    this.#taken.push(taken)
  }

  /** The other side takes the oldest message. */
  take(bytes: number): void {
    this.bufferedAmount -= bytes
    this.#taken.shift()?.()
  }

  close(code: number): void {
    this.did.push(`close ${code}`)
  }

  pause = (): void => void this.did.push('pause')
  resume = (): void => void this.did.push('resume')
  ping = (): void => void this.did.push('ping')
  terminate = (): void => void this.did.push('cut')
}

function bench() {
  const socket = new FakeSocket()
  const clock = { tick: 0 }
  const heard: string[] = []
  const wire = new Wire(socket as unknown as WebSocket, () => clock.tick)
  wire.listen({
    onText: (bytes) => heard.push(bytes.toString()),
    onDrain: () => heard.push('(drain)'),
    onClose: (code) => heard.push(`(close ${code})`),
  })
  socket.did.length = 0
  const look = (tick: number): void => {
    clock.tick = tick
    wire.look(tick)
  }
  return { socket, wire, heard, clock, look }
}

test('nothing is read before somebody listens', () => {
  const socket = new FakeSocket()
  const wire = new Wire(socket as unknown as WebSocket, () => 0)
  assert.deepEqual(socket.did, ['pause'])
  wire.listen({ onText: () => undefined, onDrain: () => undefined, onClose: () => undefined })
  assert.deepEqual(socket.did, ['pause', 'resume'])
})

test('a text message is handed on; a binary one closes with 1003 and is not', () => {
  const { socket, heard } = bench()
  socket.emit('message', Buffer.from('{}'), false)
  socket.emit('message', Buffer.from('{}'), true)
  socket.emit('message', Buffer.from('{}'), false)
  assert.deepEqual(heard, ['{}'])
  assert.deepEqual(socket.did, ['close 1003'])
})

test('after its goodbye nothing is sent', () => {
  const { socket, wire } = bench()
  wire.close(4403, 'withdrawn')
  wire.close(1000, 'again')
  wire.send('late')
  assert.deepEqual(socket.did, ['close 4403'])
})

test('a wire is full above its bound and tells when it is not any more', () => {
  const { socket, wire, heard } = bench()
  wire.send('x'.repeat(FULL_BYTES + 1))
  assert.ok(wire.full)
  wire.send('y')
  socket.take(1)
  assert.deepEqual(heard, [])
  socket.take(FULL_BYTES)
  assert.equal(wire.full, false)
  assert.deepEqual(heard, ['(drain)'])
})

test('a side that takes nothing for too long is cut, one that takes a little is not', () => {
  const { socket, wire, look, clock } = bench()
  wire.send('one')
  wire.send('two')
  socket.emit('pong')
  look(STALL_MS)
  assert.ok(!socket.did.includes('cut'))
  socket.take(3)
  clock.tick = STALL_MS + 10_000
  socket.emit('pong')
  look(2 * STALL_MS)
  assert.ok(!socket.did.includes('cut'))
  look(2 * STALL_MS + 1)
  assert.ok(socket.did.includes('cut'))
})

test('a silent side is pinged, and cut when it does not answer', () => {
  const { socket, look } = bench()
  look(PING_EVERY_MS - 1)
  assert.equal(socket.did.length, 0)
  look(PING_EVERY_MS)
  look(PING_EVERY_MS + 1)
  assert.equal(socket.did.join(), 'ping')
  socket.emit('pong')
  look(DEAD_AFTER_MS + 1)
  assert.equal(socket.did.join(), 'ping,ping')
  look(PING_EVERY_MS + 1 + DEAD_AFTER_MS)
  assert.ok(!socket.did.includes('cut'))
  look(PING_EVERY_MS + 2 + DEAD_AFTER_MS)
  assert.ok(socket.did.includes('cut'))
})

test('a side we do not read is not taken for dead', () => {
  const { socket, wire, look } = bench()
  wire.pause()
  look(3 * DEAD_AFTER_MS)
  assert.ok(!socket.did.includes('cut'))
  wire.resume()
  look(3 * DEAD_AFTER_MS + 1)
  assert.ok(!socket.did.includes('cut'))
})

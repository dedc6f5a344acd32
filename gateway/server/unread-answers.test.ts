import assert from 'node:assert/strict'
import { EventEmitter } from 'node:events'
import { test } from 'node:test'

import { SLOW_READER_MS } from './http-visit.ts'
import type { AnsweredSocket } from './unread-answers.ts'
import { createUnreadAnswers } from './unread-answers.ts'

class FakeSocket extends EventEmitter {
  bytesWritten = 0
  writableLength = 0
  destroyed = false

  destroy(): this {
    this.destroyed = true
    return this
  }
}

function start() {
  const socket = new FakeSocket()
  const unread = createUnreadAnswers()
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- `once` of an emitter that is no socket
  unread.watch(socket as unknown as AnsweredSocket)
  unread.look(0)
  return { socket, unread }
}

test('a reader that takes nothing of what waits for it loses its connection', () => {
  const { socket, unread } = start()
  socket.bytesWritten = 900
  socket.writableLength = 500
  unread.look(1_000)
  // More is said to it meanwhile.
  socket.bytesWritten = 1_200
  socket.writableLength = 800
  unread.look(1_000 + SLOW_READER_MS)
  assert.equal(socket.destroyed, false)
  unread.look(1_001 + SLOW_READER_MS)
  assert.equal(socket.destroyed, true)
})

test('a reader that is slow, and one that nothing waits for, keeps its connection', () => {
  const { socket, unread } = start()
  unread.look(10 * SLOW_READER_MS)
  socket.bytesWritten = 1_000
  for (let turn = 11; turn < 20; turn++) {
    socket.writableLength = 900 - turn
    unread.look(turn * SLOW_READER_MS)
  }
  assert.equal(socket.destroyed, false)
})

test('a connection that is closed is forgotten', () => {
  const { socket, unread } = start()
  socket.writableLength = 1
  socket.emit('close')
  for (const tick of [1, 2 * SLOW_READER_MS, 4 * SLOW_READER_MS]) unread.look(tick)
  assert.equal(socket.destroyed, false)
})

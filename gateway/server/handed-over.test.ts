import assert from 'node:assert/strict'
import { EventEmitter } from 'node:events'
import { test } from 'node:test'

import { closeWithWorker } from './handed-over.ts'

const NEW_CONNECTION = { act: 'newconn' }

/** A worker whose connections are closed with it, and what was sent to it. */
function createWorker() {
  const sent: (readonly unknown[])[] = []
  const worker = Object.assign(new EventEmitter(), {
    send: (...message: readonly unknown[]) => sent.push(message) > 0,
  })
  closeWithWorker(worker)
  return { worker, sent }
}

function createConnection() {
  const connection = { closed: 0, close: () => void (connection.closed += 1) }
  return connection
}

test('a connection that was on its way to a worker is closed once the worker is gone', () => {
  const { worker, sent } = createWorker()
  const connection = createConnection()
  assert.equal(worker.send(NEW_CONNECTION, connection), true)
  assert.deepEqual(sent, [[NEW_CONNECTION, connection]])
  worker.emit('exit')
  assert.equal(connection.closed, 0, 'what the worker has said last is not read yet')
  worker.emit('close')
  assert.equal(connection.closed, 1)
})

test('of several connections only the last can be on its way', () => {
  const { worker } = createWorker()
  const [taken, underWay] = [createConnection(), createConnection()]
  worker.send(NEW_CONNECTION, taken)
  worker.emit('internalMessage', { ack: 1, accepted: true })
  worker.send(NEW_CONNECTION, underWay)
  worker.emit('close')
  assert.deepEqual([taken.closed, underWay.closed], [0, 1])
})

test('a connection that a worker refused is not closed with it, for another has it', () => {
  const { worker } = createWorker()
  const connection = createConnection()
  worker.send(NEW_CONNECTION, connection)
  worker.emit('internalMessage', { ack: 1, accepted: false })
  worker.emit('close')
  assert.equal(connection.closed, 0)
})

test('messages without a connection are sent as they are, and change nothing', () => {
  const { worker, sent } = createWorker()
  const connection = createConnection()
  const done = (): void => undefined
  worker.send(NEW_CONNECTION, connection)
  worker.send({ ask: 'metrics' }, done)
  worker.send({ act: 'disconnect' }, null)
  worker.emit('internalMessage', 'no object')
  assert.deepEqual(sent.slice(1), [
    [{ ask: 'metrics' }, done],
    [{ act: 'disconnect' }, null],
  ])
  worker.emit('close')
  assert.equal(connection.closed, 1)
})

/**
 * The connection that is on its way from the supervisor to a worker. `node:cluster` keeps it open until the
 * worker has said that it took it, and for ever where the worker is killed before: its client would wait for an
 * answer that nobody gives.
 */

/** The process of a worker, as `node:child_process` has it. */
export type Receiver = {
  send(...sent: readonly unknown[]): boolean
  on(event: 'internalMessage', hear: (message: unknown) => void): unknown
  once(event: 'close', hear: () => void): unknown
}

/** A connection as Node.js passes it on. Closing it twice does nothing. */
type Connection = { close(): void }

/**
 * Closes, once a worker is gone and all it has said is read, the connection that was on its way to it: at most
 * one, `node:cluster` hands over the next when the last was taken. Its client sees a reset, and may try again.
 * Cannot be given to another worker, for the one that ended may have read from it.
 */
export function closeWithWorker(worker: Receiver): void {
  let underWay: Connection | undefined
  const { send } = worker
  worker.send = (...sent) => {
    const [, passed] = sent
    if (isConnection(passed)) underWay = passed
    return Reflect.apply(send, worker, sent)
  }
  // One that is ending refuses connections. Node.js has given this one to another, or keeps it for one.
  worker.on('internalMessage', (message) => {
    if (isRefusal(message)) underWay = undefined
  })
  worker.once('close', () => underWay?.close())
}

/** Of what can be sent with a message, only connections that `node:cluster` hands over can be closed. */
function isConnection(sent: unknown): sent is Connection {
  return (
    typeof sent === 'object' && sent !== null && 'close' in sent && typeof sent.close === 'function'
  )
}

function isRefusal(message: unknown): boolean {
  return (
    typeof message === 'object' &&
    message !== null &&
    'accepted' in message &&
    message.accepted === false
  )
}

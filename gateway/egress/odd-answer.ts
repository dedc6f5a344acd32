/**
 * An answer in a form that few servers use: informational heads, unusual fields, a body that ends with the
 * connection. node:http reads it, as the client of a connection that leads nowhere: what it would send is
 * dropped, and what it hears is handed to it.
 */
import { request, type IncomingMessage } from 'node:http'
import { Duplex } from 'node:stream'
import { MAX_HEAD_BYTES } from './answer-head.ts'
import { failure, type Controller, type Handler } from './dispatch.ts'

export type OddAnswer = {
  push(bytes: Buffer): void
  /** The server has closed its side, which may be the end of the answer; may be told again. */
  end(): void
  /** The connection broke. */
  fail(error: Error): void
}

/** @param options.onOver Told once, when the handler has been told the end or the error. */
export function readOdd(options: {
  readonly method: string
  readonly handler: Handler
  readonly controller: Controller
  readonly onOver: () => void
}): OddAnswer {
  const { method, handler, controller, onOver } = options
  let isOver = false
  const over = (error: Error | undefined): void => {
    if (isOver) return
    isOver = true
    const failed = error ?? attempt(() => handler.onResponseEnd(controller))
    if (failed !== undefined) attempt(() => handler.onResponseError(controller, failed))
    onOver()
  }
  /** Whoever is told may fail; then nobody knows where the answer ends. */
  const tell = (told: () => void): void => {
    const failed = isOver ? undefined : attempt(told)
    if (failed !== undefined) over(failed)
  }
  const wire = new Duplex({ read: () => {}, write: (_bytes, _encoding, taken) => taken() })
  const asked = request({
    method,
    host: 'nowhere.invalid',
    maxHeaderSize: MAX_HEAD_BYTES,
    createConnection: () => wire,
  })
  asked.on('error', over)
  asked.on('upgrade', () => over(failure('UPGRADED', 'the server upgraded, unasked')))
  // Nobody waits for it before sending the body.
  asked.on('continue', () =>
    over(failure('CONTINUE', 'the server asked for the body, which it has')),
  )
  asked.on('response', (answer: IncomingMessage) => {
    tell(() => handler.onResponseStart(controller, answer.statusCode ?? 0, answer.headers))
    answer.on('data', (piece: Buffer) => tell(() => handler.onResponseData(controller, piece)))
    answer.on('end', () => over(undefined))
    answer.on('error', over)
  })
  asked.end()
  return {
    push: (bytes) => void wire.push(bytes),
    end: () => {
      if (!wire.readableEnded && !wire.destroyed) wire.push(null)
    },
    fail: (error) => {
      wire.destroy(error)
      over(error)
    },
  }
}

function attempt(work: () => void): Error | undefined {
  try {
    work()
    return undefined
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error))
  }
}

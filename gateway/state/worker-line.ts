/**
 * The line from the main thread to the thread that holds the database: every operation asked is
 * settled, by its answer, by its timeout, or by the end of the thread. What is asked in one turn of the event
 * loop goes over together, for a message and waking the thread cost more than most operations.
 */
import type {
  Asked,
  Operation,
  OperationOf,
  Problem,
  Report,
  Request,
  Results,
  Verb,
} from './operation.ts'
import { StoreError } from './store-error.ts'

/** Operations waiting for their answers; more are refused (`overloaded`). */
export const MAX_PENDING = 10_000

/** What the line needs of a `Worker`. */
export type LineWorker = {
  postMessage(message: Request): void
  on(event: 'message', listener: (report: Report) => void): unknown
  on(event: 'error', listener: (error: unknown) => void): unknown
  on(event: 'exit', listener: () => void): unknown
  terminate(): Promise<unknown>
}

export type WorkerLine = {
  /** Resolves when the database is open; rejects with why it is not. */
  readonly opened: Promise<void>
  ask<V extends Verb>(operation: OperationOf<V>): Promise<Results[V]>
  /** Lets pending operations finish, closes the database, and resolves when the thread has ended. */
  close(): Promise<void>
}

type Pending = {
  readonly resolve: (result: unknown) => void
  readonly reject: (error: StoreError) => void
  readonly timer: NodeJS.Timeout
}

/**
 * Takes over the worker.
 *
 * @param timeoutMs How long an operation, opening, or closing may take. A write that timed out may
 * still happen; a thread that does not close in time is ended.
 */
export function createWorkerLine(worker: LineWorker, timeoutMs: number): WorkerLine {
  const pending = new Map<number, Pending>()
  const opening = Promise.withResolvers<void>()
  const ended = Promise.withResolvers<void>()
  let asked: Asked[] = []
  let nextId = 1
  let refusal: StoreError | undefined
  let closing: Promise<void> | undefined

  function send(request: Request): void {
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
    worker.postMessage(request)
  }

  function sendAsked(): void {
    const all = asked
    asked = []
    if (all.length > 0) send({ type: 'operations', asked: all })
  }

  function settle(id: number, end: (waiting: Pending) => void): void {
    const waiting = pending.get(id)
    if (waiting === undefined) return
    pending.delete(id)
    clearTimeout(waiting.timer)
    end(waiting)
  }

  function fail(error: StoreError): void {
    refusal ??= error
    opening.reject(error)
    for (const id of pending.keys()) settle(id, ({ reject }) => reject(error))
  }

  function late(): StoreError {
    return new StoreError('timeout', `the store did not answer within ${timeoutMs} ms`)
  }

  function ask(operation: Operation): Promise<unknown> {
    return new Promise((resolve, reject) => {
      if (refusal !== undefined) throw refusal
      if (pending.size >= MAX_PENDING) {
        throw new StoreError('overloaded', `${MAX_PENDING} operations wait for the store`)
      }
      const id = nextId
      nextId += 1
      const timer = setTimeout(() => settle(id, (waiting) => waiting.reject(late())), timeoutMs)
      pending.set(id, { resolve, reject, timer })
      asked.push({ id, operation })
      if (asked.length === 1) setImmediate(sendAsked)
    })
  }

  async function close(): Promise<void> {
    refusal ??= new StoreError('closed', 'the store is closed')
    sendAsked()
    send({ type: 'close' })
    const timer = setTimeout(() => void worker.terminate(), timeoutMs)
    await ended.promise
    clearTimeout(timer)
  }

  worker.on('message', (report) => {
    if (report.type === 'ready') opening.resolve()
    else if (report.type === 'not_opened') fail(errorOf(report.problem))
    else
      for (const answer of report.answers) {
        settle(answer.id, ({ resolve, reject }) => {
          if ('problem' in answer) reject(errorOf(answer.problem))
          else resolve(answer.result)
        })
      }
  })
  worker.on('error', (cause) => {
    fail(new StoreError('crashed', 'the thread of the store has crashed', { cause }))
  })
  worker.on('exit', () => {
    fail(new StoreError('crashed', 'the thread of the store has ended'))
    ended.resolve()
  })

  const timer = setTimeout(() => {
    fail(late())
    void worker.terminate()
  }, timeoutMs)
  const stopTimer = (): void => clearTimeout(timer)
  opening.promise.then(stopTimer, stopTimer)

  return {
    opened: opening.promise,
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- perform.ts returns the result type of the verb it was asked
    ask: ask as WorkerLine['ask'],
    close: () => (closing ??= close()),
  }
}

function errorOf({ code, message }: Problem): StoreError {
  return new StoreError(code, message)
}

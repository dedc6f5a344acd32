/**
 * Questions and answers between two processes, or whatever else carries messages. Either end asks, by
 * name; every question is settled, by its answer, by its time, or by the end of the line.
 */

/** What an end can be asked: by name, what it is told and what it answers. Plain values only. */
export type Talk = {
  readonly [name: string]: { readonly asked: unknown; readonly answer: unknown }
}

export type Answers<Own extends Talk> = {
  readonly [Name in keyof Own]: (
    asked: Own[Name]['asked'],
  ) => Own[Name]['answer'] | Promise<Own[Name]['answer']>
}

export type Line<Theirs extends Talk> = {
  /** Rejects with a `LineError`. @param timeoutMs By default `ANSWER_MS`. */
  ask<Name extends keyof Theirs & string>(
    name: Name,
    asked: Theirs[Name]['asked'],
    timeoutMs?: number,
  ): Promise<Theirs[Name]['answer']>
  /** Takes a message that has come; those of others are passed over. */
  receive(message: unknown): void
  /** Nobody answers any more. */
  close(): void
}

/** An operation of the store takes at most 10 seconds; a question waits a little longer, in milliseconds. */
export const ANSWER_MS = 15_000

/** Questions that wait for their answers; more are refused. */
export const MAX_WAITING = 10_000

/** Why there is no answer: `away`, `timeout`, `overloaded`, or the `code` of the error at the other end. */
export class LineError extends Error {
  override readonly name = 'LineError'
  readonly code: string

  constructor(code: string, message: string) {
    super(message)
    this.code = code
  }
}

type Message =
  | { readonly line: 'ask'; readonly id: number; readonly name: string; readonly asked: unknown }
  | { readonly line: 'answer'; readonly id: number; readonly answer: unknown }
  | { readonly line: 'failed'; readonly id: number; readonly code: string; readonly why: string }

type Waiting = {
  readonly resolve: (answer: unknown) => void
  readonly reject: (error: LineError) => void
  readonly timer: NodeJS.Timeout
}

/** @param end.send Hands a message over; may throw when nobody is there. */
export function createLine<Own extends Talk, Theirs extends Talk>(end: {
  readonly send: (message: unknown) => void
  readonly answers: Answers<Own>
}): Line<Theirs> {
  const waiting = new Map<number, Waiting>()
  let nextId = 1
  let closed = false

  const settle = (id: number, how: (one: Waiting) => void): void => {
    const one = waiting.get(id)
    if (one === undefined) return
    waiting.delete(id)
    clearTimeout(one.timer)
    how(one)
  }
  const answer = async (name: string, asked: unknown): Promise<unknown> => {
    if (!Object.hasOwn(end.answers, name)) throw new LineError('unknown', `nobody answers ${name}`)
    return await end.answers[name]?.(asked)
  }
  const tell = (message: Message): void => {
    try {
      end.send(message)
    } catch {
      // Whoever asked is gone, and with it the question.
    }
  }

  return {
    ask: (name, asked, timeoutMs = ANSWER_MS) =>
      new Promise((resolve, reject) => {
        if (closed) throw new LineError('away', 'the other process is gone')
        if (waiting.size >= MAX_WAITING) {
          throw new LineError('overloaded', `${MAX_WAITING} questions wait for the other process`)
        }
        const id = nextId
        nextId += 1
        const late = (): void => {
          const error = new LineError('timeout', `no answer to ${name} within ${timeoutMs} ms`)
          settle(id, (one) => one.reject(error))
        }
        // An answer that came while this process was busy is read before it counts as late.
        const timer = setTimeout(() => setImmediate(late), timeoutMs)
        waiting.set(id, { resolve, reject, timer })
        try {
          end.send({ line: 'ask', id, name, asked } satisfies Message)
        } catch (error) {
          settle(id, (one) => one.reject(new LineError('away', String(error))))
        }
      }),
    receive(message) {
      if (!isMessage(message)) return
      if (message.line === 'ask') {
        const { id, name, asked } = message
        answer(name, asked).then(
          (said) => tell({ line: 'answer', id, answer: said }),
          (error: unknown) => tell({ line: 'failed', id, ...reasonOf(error) }),
        )
      } else if (message.line === 'answer') {
        settle(message.id, (one) => one.resolve(message.answer))
      } else {
        const error = new LineError(message.code, message.why)
        settle(message.id, (one) => one.reject(error))
      }
    },
    close() {
      closed = true
      const error = new LineError('away', 'the other process is gone')
      for (const id of waiting.keys()) settle(id, (one) => one.reject(error))
    },
  }
}

/** Both ends are the same program: what is marked as a message of a line is one. */
function isMessage(message: unknown): message is Message {
  return typeof message === 'object' && message !== null && 'line' in message && 'id' in message
}

function reasonOf(error: unknown): { readonly code: string; readonly why: string } {
  if (!(error instanceof Error)) return { code: 'failed', why: String(error) }
  const code = 'code' in error && typeof error.code === 'string' ? error.code : 'failed'
  return { code, why: error.message }
}

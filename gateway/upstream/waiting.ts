/**
 * The calls that wait for a connection to one server, body and all. A call whose client has left waits
 * on until its turn, since the pool gives nothing back before: the bound here is the only one there is.
 */

/** Calls that may wait; more would wait longer than most clients do. */
export const MAX_WAITING_CALLS = 1_000

/** Bodies that may wait, in bytes; the last one admitted may go beyond it. */
export const MAX_WAITING_BYTES = 64 * 1_048_576

export type Waiting = {
  /** Whether there is room for one more. */
  readonly hasRoom: boolean
  enter(bodyBytes: number): void
  /** Exactly once for each `enter`. */
  leave(bodyBytes: number): void
}

export function createWaiting(): Waiting {
  let calls = 0
  let bytes = 0
  return {
    get hasRoom() {
      return calls < MAX_WAITING_CALLS && bytes < MAX_WAITING_BYTES
    },
    enter(bodyBytes) {
      calls += 1
      bytes += bodyBytes
    },
    leave(bodyBytes) {
      calls -= 1
      bytes -= bodyBytes
    },
  }
}

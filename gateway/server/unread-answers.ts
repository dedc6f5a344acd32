/**
 * Connections on which the authorization server answers and nobody reads: each answer there is small, but whoever asks
 * on and on without reading would keep its connection for ever. Those of calls are looked after by their visits.
 */
import type { Socket } from 'node:net'

import { SLOW_READER_MS } from './http-visit.ts'

export type UnreadAnswers = {
  /** Looks after a connection until it is closed. */
  watch(socket: AnsweredSocket): void
  /** Breaks connections whose reader stays away. Called every second. @param tick Monotonic milliseconds. */
  look(tick: number): void
}

/** What is needed of a connection. */
export type AnsweredSocket = Pick<Socket, 'bytesWritten' | 'writableLength' | 'destroy' | 'once'>

export function createUnreadAnswers(): UnreadAnswers {
  /** How much each had taken, and since when it is no more. */
  const stalls = new Map<AnsweredSocket, { taken: number; sinceTick: number }>()
  return {
    watch(socket) {
      if (stalls.has(socket)) return
      stalls.set(socket, { taken: -1, sinceTick: 0 })
      socket.once('close', () => stalls.delete(socket))
    },
    look(tick) {
      for (const [socket, stall] of stalls) {
        const { bytesWritten, writableLength } = socket
        const taken = bytesWritten - writableLength
        if (writableLength === 0 || taken !== stall.taken) {
          stall.taken = taken
          stall.sinceTick = tick
        } else if (tick - stall.sinceTick > SLOW_READER_MS) socket.destroy()
      }
    },
  }
}

/** Lets each side of a WebSocket speak while there is room for what it says and for the answers to it. */
import type { Wire } from '../websocket/wire.ts'

/** Messages of one side that may wait to be judged before it is told to wait. */
const MAX_WAITING = 16

/** Their bytes; the last one may go beyond it. */
const MAX_WAITING_BYTES = 1_048_576

/** What one side has sent that is not passed on yet. */
type Waiting = { messages: number; bytes: number }

/** Who speaks. */
export type Side = 'client' | 'server'

/** Is told of each message; has both sides wait, and speak again. */
export type BackPressure = {
  /** A message has come in. */
  came(from: Side, bytes: number): void
  /** It was passed on, or never will be. */
  passed(from: Side, bytes: number): void
  /** Call it when a side has taken what was written to it. */
  balance(): void
}

/** Pauses and resumes the two wires; nothing else may. */
export function createBackPressure(wires: Readonly<Record<Side, Wire>>): BackPressure {
  const { client, server } = wires
  const waiting = { client: { messages: 0, bytes: 0 }, server: { messages: 0, bytes: 0 } }
  const balance = (): void => {
    // Refusals and replies of our own go back to whoever spoke, so both must have room.
    const full = client.full || server.full
    letSpeak(client, !full && hasRoom(waiting.client))
    letSpeak(server, !full && hasRoom(waiting.server))
  }
  return {
    came(from, bytes) {
      waiting[from].messages += 1
      waiting[from].bytes += bytes
      balance()
    },
    passed(from, bytes) {
      waiting[from].messages -= 1
      waiting[from].bytes -= bytes
      balance()
    },
    balance,
  }
}

function hasRoom({ messages, bytes }: Waiting): boolean {
  return messages < MAX_WAITING && bytes < MAX_WAITING_BYTES
}

function letSpeak(wire: Wire, may: boolean): void {
  if (may) wire.resume()
  else wire.pause()
}

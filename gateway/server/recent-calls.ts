/**
 * Different calls of the last while, for saying what a new policy would have made of them. A sample: at most
 * a hundred are looked at a second, so that remembering costs a busy gateway nothing.
 */
import type { Call } from '../model/call.ts'
import type { Journey } from '../model/journey.ts'
import type { AskedCall } from '../policy/recorded-call.ts'
import { callerKey } from '../policy/recorded-calls.ts'

/** Different calls remembered, the oldest goes; under a megabyte. */
export const MAX_RECENT_CALLS = 1_000

/** Visits a second whose calls are looked at: those that come first in it. */
export const LOOKS_PER_SECOND = 100
const SECOND_MS = 1_000

/** A bounded memory of calls. */
export type RecentCalls = {
  /** Told of every visit that has ended. */
  note(journey: Journey): void
  /** The calls remembered, the latest at the end. */
  calls(): readonly AskedCall[]
}

export function createRecentCalls(): RecentCalls {
  const calls = new Map<string, AskedCall>()
  let looks = 0
  let secondTick = 0
  return {
    note(journey) {
      const tick = journey.startedTick + journey.durationMs
      if (tick - secondTick >= SECOND_MS) {
        secondTick = tick
        looks = 0
      }
      if (looks === LOOKS_PER_SECOND) return
      const { caller, server } = journey
      const entry = journey.calls.at(-1)
      if (caller === undefined || server === undefined || entry === undefined) return
      looks += 1
      const { call, id } = entry
      const targets = call.targets.map(({ kind, name, task }) => [kind, task?.tool ?? name])
      const what = [callerKey(caller), server, call.method, call.kind, targets]
      const key = JSON.stringify(what)
      calls.delete(key)
      calls.set(key, { caller, call: withoutFrame(call), server, label: id })
      const [oldest] = calls.keys()
      if (calls.size > MAX_RECENT_CALLS && oldest !== undefined) calls.delete(oldest)
    },
    calls: () => [...calls.values()],
  }
}

/** Spans mean nothing without the frame they are of, which is not kept. */
function withoutFrame(call: Call): Call {
  return { ...call, id: undefined, arguments: undefined, spans: {} }
}

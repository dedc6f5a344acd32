/**
 * Tokens refused a moment ago, so that a client that repeats a bad token costs one verification every
 * few seconds and not one per request.
 */
import type { TokenRefusal } from '../model/event.ts'
import { createBoundedMap } from './bounded-map.ts'

export type RefusedTokens = {
  /** Why exactly this token was refused within the last seconds; undefined when it was not. */
  get(token: string, nowMs: number): TokenRefusal | undefined
  put(token: string, reason: TokenRefusal, nowMs: number): void
  readonly size: number
}

/** How long a refusal stands. A negative answer may not outlive its cause for longer (R-TOK-6). */
export const REFUSED_MS = 5_000

/** Refused tokens held; at most 8 KiB each, so 16 MiB. */
export const MAX_REFUSED_TOKENS = 2_000

/** Returns an empty memory. */
export function createRefusedTokens(maxTokens: number = MAX_REFUSED_TOKENS): RefusedTokens {
  const refused = createBoundedMap<{ readonly reason: TokenRefusal; readonly untilMs: number }>(
    maxTokens,
  )
  return {
    get: (token, nowMs) => {
      const found = refused.get(token)
      return found !== undefined && nowMs < found.untilMs ? found.reason : undefined
    },
    put: (token, reason, nowMs) => refused.set(token, { reason, untilMs: nowMs + REFUSED_MS }),
    get size() {
      return refused.size
    },
  }
}

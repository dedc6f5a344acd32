/** How a WebSocket connection ends: what its client is told, and what the records say. */
import type { RefusalCode } from '../model/refusal.ts'
import type { SessionEnd } from '../pipeline/unanswered.ts'
import { CLOSE } from '../websocket/wire.ts'

/** One way for a connection to end. */
export type Goodbye = {
  /** RFC 6455 §7.4, or one of ours. */
  readonly code: number
  readonly reason: string
  readonly ending: SessionEnd['ending'] | 'complete'
  /** What callers whose calls still run are told. */
  readonly refusal?: RefusalCode
}

/** Those that are said by the gateway. */
export const GOODBYE = {
  expired: { code: CLOSE.expired, reason: 'the token has expired', ending: 'revoked' },
  revoked: { code: CLOSE.revoked, reason: 'access was withdrawn', ending: 'revoked' },
  moved: {
    code: CLOSE.restart,
    reason: 'the server is configured anew',
    ending: 'shutdown',
    refusal: 'upstream_unavailable',
  },
  idle: { code: CLOSE.goingAway, reason: 'idle', ending: 'complete' },
  shutdown: {
    code: CLOSE.goingAway,
    reason: 'shutting down',
    ending: 'shutdown',
    refusal: 'shutting_down',
  },
  broken: {
    code: CLOSE.internalError,
    reason: 'the server broke off',
    ending: 'upstream_failed',
    refusal: 'upstream_unavailable',
  },
} as const satisfies Record<string, Goodbye>

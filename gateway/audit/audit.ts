import type { GatehouseEvent } from '../model/event.ts'
import type { Journey, JourneyCall } from '../model/journey.ts'

export type AuditOptions = {
  /** A file path, or `stdout`. */
  readonly sink: string
  readonly mode: 'buffered' | 'strict'
  /** Records waiting to be written, above which calls are refused; 10,000 when left out. */
  readonly maxBuffered?: number
  /** Names this run of this process in every record; must be new at every start. */
  readonly instance: string
  /** The configuration version in force, for records of visits that do not carry their own. */
  readonly version: () => string
  /** Epoch milliseconds. */
  readonly now: () => number
}

export type AuditHealth = {
  /** Whether decisions are accepted. */
  readonly ok: boolean
  /** Records not written yet. */
  readonly buffered: number
  /** Age of the oldest of them in milliseconds; 0 when there is none. */
  readonly oldestMs: number
  /** Failed writes since the start. */
  readonly failures: number
  /** Records of refused visits and events that found no place since the start. */
  readonly lost: number
  /** What the last write said when it failed. */
  readonly error?: string
}

export type Audit = {
  /** Opens the sink; rejects with an Error that names the file. Call it before listening. */
  open(): Promise<void>
  /**
   * Records what was decided about a call (or about the visit, when there is none) and sets
   * `call.recorded`. Buffered: returns undefined. Strict: a promise that resolves once it is on disk.
   *
   * @throws {Refusal} `audit_unavailable` (strict: also as a rejection).
   */
  decision(journey: Journey, call: JourneyCall | undefined): Promise<void> | undefined
  /** Records how the visit ended, once; writes decisions first that were not recorded. Never throws. */
  outcome(journey: Journey): void
  /** Records what happened outside a call. Never throws. */
  event(event: GatehouseEvent): void
  /** Writes what waits and retries after a failure; to be called every `AUDIT_TICK_MS`. */
  tick(): void
  /** Opens the sink's path anew, after log rotation; on failure the old file stays in use. */
  reopen(): Promise<void>
  /** Resolves once everything recorded so far is written; rejects when it cannot be. */
  flush(): Promise<void>
  close(): Promise<void>
  health(): AuditHealth
}

/** How often `tick` should be called, in milliseconds. */
export const AUDIT_TICK_MS = 100

export function createAudit(options: AuditOptions): Audit {
  void options
  return {
    open: () => Promise.resolve(),
    decision(_journey, call) {
      if (call !== undefined) call.recorded = true
      return undefined
    },
    outcome: () => undefined,
    event: () => undefined,
    tick: () => undefined,
    reopen: () => Promise.resolve(),
    flush: () => Promise.resolve(),
    close: () => Promise.resolve(),
    health: () => ({ ok: true, buffered: 0, oldestMs: 0, failures: 0, lost: 0 }),
  }
}

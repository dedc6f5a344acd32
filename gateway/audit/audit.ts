/**
 * The audit log: what was decided, before anything goes up, and how it ended. Lines are numbered and
 * their batches chained (`chain.ts`), kept in a bounded buffer (`writer.ts`) and appended to a file or
 * standard output (`output.ts`). When lines cannot be written, calls are refused at the bound.
 */
import type { GatehouseEvent } from '../model/event.ts'
import type { Journey, JourneyCall } from '../model/journey.ts'
import { Refusal } from '../model/refusal.ts'
import { createChain } from './chain.ts'
import { createOutput, type Output } from './output.ts'
import { contextIn, createRecords } from './record.ts'
import { createWriter, type Writer } from './writer.ts'

export type AuditOptions = {
  /** A file path, or `stdout`. */
  readonly sink: string
  readonly mode: 'buffered' | 'strict'
  /** Records waiting to be written, above which calls are refused; 10,000 when left out. */
  readonly maxBuffered?: number
  /** Names this run of this process in every record; must be new at every start. */
  readonly instance: string
  /** Whether decisions say which groups and scopes their caller had; true when left out. */
  readonly recordGroups?: boolean
  /** The configuration version in force, for records of visits that do not carry their own. */
  readonly version: () => string
  /** Epoch milliseconds. */
  readonly now: () => number
  /** Where records go instead of `sink`. */
  readonly output?: Output
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
  /** What the last write said, when it failed. */
  readonly error?: string
}

export type Audit = {
  /** Opens the sink; rejects with an Error that names the file. Call it before listening. */
  open(): Promise<void>
  /**
   * Records what was decided about a call (without one: about the visit) and sets `call.decision`.
   * Buffered: returns undefined. Strict: a promise that resolves once the record is on disk.
   *
   * @throws {Refusal} `audit_unavailable` when there is no room, when the oldest unwritten record is
   * older than 10 s, and in strict mode when writing fails; strict may also reject with it.
   */
  decision(journey: Journey, call: JourneyCall | undefined): Promise<void> | undefined
  /**
   * Records how the visit ended: one record for each judged call, or one for the visit when nothing
   * was judged. Decisions that were not recorded (all that were not to go up) are recorded first.
   * Call it once per visit. Never throws; what follows a recorded decision always finds a place.
   */
  outcome(journey: Journey): void
  /** Records what happened outside a call. Never throws. */
  event(event: GatehouseEvent): void
  /**
   * Writes what waits, and retries after a failure once a second; to be called every `AUDIT_TICK_MS`.
   * Audit has no timer of its own.
   */
  tick(): void
  /**
   * Opens the sink's path anew, after log rotation. On failure it rejects with an Error that names the
   * file, and the old file stays in use.
   */
  reopen(): Promise<void>
  /** Resolves once everything recorded so far is written; rejects with an Error when it cannot be now. */
  flush(): Promise<void>
  /**
   * Writes what waits, then `log_closed` in a batch of its own, whose hash is that of everything before, and
   * closes the sink; rejects when something could not be written.
   */
  close(): Promise<void>
  health(): AuditHealth
}

/** How often `tick` should be called, in milliseconds: what a crash can lose in buffered mode. */
export const AUDIT_TICK_MS = 100

/** Records that may wait unless configured otherwise: about a second of a busy gateway, some 6 MB. */
export const DEFAULT_MAX_BUFFERED = 10_000

export function createAudit(options: AuditOptions): Audit {
  const strict = options.mode === 'strict'
  const records = createRecords(options)
  const chain = createChain(options.instance)
  const writer = createWriter({
    output: options.output ?? createOutput(options.sink),
    sync: strict ? 'always' : 'never',
    maxBuffered: options.maxBuffered ?? DEFAULT_MAX_BUFFERED,
    onBatch: chain.part,
    now: options.now,
  })
  const decidedVisits = new WeakSet<Journey>()
  let lost = 0
  let lostTold = 0

  const usable = (): boolean => writer.accepts() && !(strict && writer.state().error !== undefined)
  const push = (fields: string): string => {
    const line = chain.seal(fields)
    writer.push(line)
    return line
  }
  const decide = (journey: Journey, call: JourneyCall | undefined): void => {
    const fields = records.decision(journey, call)
    const line = push(fields + records.basis(journey, call))
    if (call === undefined) decidedVisits.add(journey)
    else call.decision = contextIn(line, fields)
  }
  const end = (journey: Journey, call: JourneyCall | undefined): void => {
    const recorded = call === undefined ? decidedVisits.has(journey) : call.decision !== undefined
    if (!recorded) {
      if (!writer.accepts()) {
        lost += 2
        return
      }
      decide(journey, call)
    }
    push(records.outcome(journey, call, call?.decision))
  }

  const flush = async (): Promise<void> => {
    try {
      await writer.flush()
    } catch (error) {
      throw new Error(reason(writer), { cause: error })
    }
  }

  return {
    open: () => reopen(writer, options.sink),
    decision(journey, call) {
      if (!usable()) throw new Refusal('audit_unavailable', { detail: reason(writer) })
      decide(journey, call)
      return strict ? writer.written() : undefined
    },
    outcome(journey) {
      if (journey.calls.length === 0) end(journey, undefined)
      for (const call of journey.calls) end(journey, call)
    },
    event(event) {
      const fields = records.event(event)
      if (fields === undefined) return
      if (writer.accepts()) push(fields)
      else lost += 1
    },
    tick() {
      if (lost > lostTold && writer.accepts()) {
        push(records.lost(lost - lostTold))
        lostTold = lost
      }
      writer.tick()
    },
    reopen: () => reopen(writer, options.sink),
    flush,
    async close() {
      try {
        await flush()
        push(records.closed())
        await flush()
      } finally {
        await writer.close()
      }
    },
    health() {
      const { lines, oldestMs, failures, error } = writer.state()
      const health = { ok: usable(), buffered: lines, oldestMs, failures, lost }
      return error === undefined ? health : { ...health, error }
    },
  }
}

async function reopen(writer: Writer, sink: string): Promise<void> {
  try {
    await writer.reopen()
  } catch (error) {
    const said = error instanceof Error ? error.message : String(error)
    throw new Error(
      `audit.sink: cannot open ${sink}: ${said}; name a file in a directory the gateway may write to`,
      { cause: error },
    )
  }
}

function reason(writer: Writer): string {
  const { lines, oldestMs, error } = writer.state()
  return `audit: ${lines} records waiting, the oldest for ${oldestMs} ms${error === undefined ? '' : `: ${error}`}`
}

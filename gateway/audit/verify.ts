/**
 * Checks audit lines as they stream by: every instance's chain by itself, however the lines of several
 * are mixed. A chain shows what was changed, removed or moved before its last batch, which of an instance
 * that ended in order is the record that says so; it cannot show that its end is missing, nor that all of it
 * was written anew.
 */
import { createHash, type Hash } from 'node:crypto'
import { GENESIS, LOG_CLOSED } from './chain.ts'
import { createUnreadable } from './torn.ts'

export type BreakKind =
  /** The hash in `prev` is not that of the batch before: one of its lines was changed, or the hash. */
  | 'changed'
  /** Records between two numbers are not there. */
  | 'missing'
  /** A number that has been passed already: the line was moved or copied. */
  | 'out_of_order'
  /** The first record of the instance that was seen is not its first. */
  | 'missing_start'
  /** Not a record, and not what a crash leaves either. */
  | 'not_a_record'

export type Break = {
  readonly kind: BreakKind
  /** Where: the number of the line, or what the caller calls it. */
  readonly place: string
  readonly instance: string | undefined
  /** What was expected and what was found. */
  readonly detail: string
}

export type InstanceReport = {
  readonly instance: string
  readonly records: number
  readonly firstSeq: number
  readonly lastSeq: number
  /**
   * Hash of the last batch, `prev` of the one to come: kept elsewhere, it shows later whether the end
   * is missing. Undefined when the batch is not here from its start.
   */
  readonly lastHash: string | undefined
  /** Whether its last record says that it ended in order: then it is the whole last batch. */
  readonly closed: boolean
}

/** Counts are complete; lists hold the first `MAX_LISTED`. */
export type Report = {
  readonly intact: boolean
  readonly records: number
  readonly decisions: number
  readonly outcomes: number
  /** Earliest and latest `time`; undefined without records. */
  readonly from: string | undefined
  readonly to: string | undefined
  readonly instances: readonly InstanceReport[]
  readonly breakCount: number
  readonly breaks: readonly Break[]
  /** Half lines that a crash or log rotation left; no break, for no chain goes on across one. */
  readonly torn: readonly string[]
  /** Decisions whose outcome is not there: calls that ran when the gateway or the file ended. */
  readonly openCount: number
  readonly open: readonly { readonly id: string; readonly place: string }[]
}

export type VerifyOptions = {
  /** `later`: an instance may start past its first record, as in the newer files of a rotated log. */
  readonly start?: 'first' | 'later'
}

export type Verifier = {
  /** @param text One line without its newline. */
  line(text: string, place: string): void
  report(): Report
}

/** Entries a report lists of each kind; the rest is counted. */
export const MAX_LISTED = 20

type AuditRecord = {
  readonly time: string
  readonly type: string
  readonly event: string | undefined
  readonly id: string | undefined
  readonly instance: string
  readonly seq: number
  /** Only the first record of a batch has one. */
  readonly prev: string | undefined
}

/** What is known of an instance; `last` is the number of its last record in the whole log. */
type Seen = {
  lastSeq: number
  records: number
  last: number
  /** Of the lines of the batch so far; undefined while its beginning is not known. */
  batch: Hash | undefined
  batchSeq: number
  closed: boolean
  readonly firstSeq: number
}

type Wrong = Pick<Break, 'kind' | 'detail'>

/** Checks a whole log. Places are line numbers, starting at 1. */
export async function verifyAudit(
  lines: AsyncIterable<string>,
  options: VerifyOptions = {},
): Promise<Report> {
  const verifier = createVerifier(options)
  let number = 0
  for await (const line of lines) {
    number += 1
    verifier.line(line, `line ${number}`)
  }
  return verifier.report()
}

export function createVerifier(options: VerifyOptions = {}): Verifier {
  const instances = new Map<string, Seen>()
  const unreadable = createUnreadable()
  const tally = createTally()
  const breaks: Break[] = []
  let breakCount = 0

  const follow = (record: AuditRecord, text: string): Wrong | undefined => {
    const { instance, seq } = record
    let seen = instances.get(instance)
    const before = seen?.lastSeq
    if (seen === undefined) {
      seen = {
        firstSeq: seq,
        lastSeq: 0,
        records: 0,
        last: 0,
        batch: undefined,
        batchSeq: seq,
        closed: false,
      }
      instances.set(instance, seen)
    }
    seen.records += 1
    seen.closed = record.type === 'lifecycle' && record.event === LOG_CLOSED
    seen.last = tally.records()
    if (seq <= seen.lastSeq) {
      return { kind: 'out_of_order', detail: `record ${seq} after record ${seen.lastSeq}` }
    }
    const wrong = before === undefined ? wrongStart(record, options) : wrongAfter(seen, record)
    seen.lastSeq = seq
    take(seen, record, text)
    return wrong
  }

  return {
    line(text, place) {
      const record = parseRecord(text)
      if (record === undefined) {
        unreadable.add(text, place, tally.records())
        return
      }
      unreadable.follow(text)
      tally.count(record, place)
      const wrong = follow(record, text)
      if (wrong === undefined) return
      breakCount += 1
      if (breaks.length < MAX_LISTED) breaks.push({ ...wrong, place, instance: record.instance })
    },
    report() {
      const lastRecords = new Set([...instances.values()].map((seen) => seen.last))
      const { torn, foreign, foreignCount } = unreadable.divide(lastRecords)
      return {
        ...tally.report(),
        intact: breakCount + foreignCount === 0,
        instances: [...instances].map(([instance, seen]) => ({
          instance,
          records: seen.records,
          firstSeq: seen.firstSeq,
          lastSeq: seen.lastSeq,
          lastHash: seen.batch?.copy().digest('base64url'),
          closed: seen.closed,
        })),
        breakCount: breakCount + foreignCount,
        breaks: [...breaks, ...foreign.map(notARecord)].slice(0, MAX_LISTED),
        torn: torn.slice(0, MAX_LISTED),
      }
    },
  }
}

/** Counts records and pairs outcomes with their decisions. */
function createTally(): {
  count(record: AuditRecord, place: string): void
  records(): number
  report(): Omit<Report, 'intact' | 'instances' | 'breakCount' | 'breaks' | 'torn'>
} {
  const open = new Map<string, string>()
  let records = 0
  let decisions = 0
  let outcomes = 0
  let from: string | undefined
  let to: string | undefined
  return {
    count({ time, type, id = '' }, place) {
      records += 1
      if (from === undefined || time < from) from = time
      if (to === undefined || time > to) to = time
      if (type === 'decision') {
        decisions += 1
        open.set(id, place)
      } else if (type === 'outcome') {
        outcomes += 1
        open.delete(id)
      }
    },
    records: () => records,
    report: () => ({
      records,
      decisions,
      outcomes,
      from,
      to,
      openCount: open.size,
      open: [...open].slice(0, MAX_LISTED).map(([id, place]) => ({ id, place })),
    }),
  }
}

/** Adds a line to the batch it belongs to. After a gap nothing is known until the next batch begins. */
function take(seen: Seen, { seq, prev }: AuditRecord, text: string): void {
  if (prev !== undefined) {
    seen.batch = createHash('sha256')
    seen.batchSeq = seq
  }
  seen.batch?.update(`${text}\n`)
}

function wrongStart({ seq, prev }: AuditRecord, { start }: VerifyOptions): Wrong | undefined {
  if (seq === 1) {
    if (prev === GENESIS) return undefined
    return { kind: 'changed', detail: 'record 1 does not begin a chain' }
  }
  if (start === 'later') return undefined
  return {
    kind: 'missing_start',
    detail: `begins with record ${seq}: 1 to ${seq - 1} are not here`,
  }
}

function wrongAfter(seen: Seen, { seq, prev }: AuditRecord): Wrong | undefined {
  const { batch, batchSeq, lastSeq } = seen
  const expected = lastSeq + 1
  if (seq > expected) {
    seen.batch = undefined
    const gap = expected === seq - 1 ? `record ${expected}` : `records ${expected} to ${seq - 1}`
    return { kind: 'missing', detail: `${gap} missing before record ${seq}` }
  }
  if (prev === undefined || batch === undefined || prev === batch.digest('base64url')) {
    return undefined
  }
  return {
    kind: 'changed',
    detail: `among records ${batchSeq} to ${seq} one is not what was written`,
  }
}

function notARecord(place: string): Break {
  return {
    kind: 'not_a_record',
    place,
    instance: undefined,
    detail: 'neither an audit record nor the half of one that a crash leaves',
  }
}

function parseRecord(text: string): AuditRecord | undefined {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return undefined
  }
  if (typeof value !== 'object' || value === null) return undefined
  const field = (name: string): unknown => Object.getOwnPropertyDescriptor(value, name)?.value
  const [time, type, id, event] = [field('time'), field('type'), field('id'), field('event')]
  const [instance, seq, prev] = [field('instance'), field('seq'), field('prev')]
  if (typeof time !== 'string' || typeof type !== 'string') return undefined
  if (typeof instance !== 'string') return undefined
  if (prev !== undefined && typeof prev !== 'string') return undefined
  if (typeof seq !== 'number' || !Number.isSafeInteger(seq) || seq < 1) return undefined
  return { time, type, event: textOrNone(event), id: textOrNone(id), instance, seq, prev }
}

function textOrNone(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}

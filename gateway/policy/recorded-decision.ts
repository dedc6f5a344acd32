/** One decision of an audit log, looked up by an id: what was asked, what became of it, what is not known. */
import { countOf, type Fields, parseRecord, textOf } from './record-fields.ts'
import { type RecordedCall, readRecordedCall } from './recorded-call.ts'

/** A decision as it stands in the log; of what is not there, the text is empty and the number 0. */
export type RecordedDecision = {
  /** Of the call; of the visit where it was refused before there was a call. */
  readonly id: string
  /** ISO 8601. */
  readonly time: string
  /** Version of the configuration it was decided by. */
  readonly config: string
  /** The question; `no_call` where the visit was refused before there was one, so that no rule was asked. */
  readonly recorded: RecordedCall | 'no_call' | 'not_complete'
  /** Why it was denied, also where no rule was asked. */
  readonly reason: string | undefined
  readonly address: string
  /** JSON text, cut and redacted as audit does; undefined where it was not recorded. */
  readonly arguments: string | undefined
  readonly credential: string | undefined
  readonly groupsLeftOut: number
  readonly scopesLeftOut: number
  /** Undefined while it runs, or where its outcome is not in the files. */
  readonly ending: RecordedEnding | undefined
}

/** The same, where rules were asked. */
export type RecordedAnswer = RecordedDecision & { readonly recorded: RecordedCall }

export type RecordedEnding = {
  readonly outcome: string
  /** Code of `docs/errors.md`. */
  readonly refusal: string | undefined
  readonly detail: string | undefined
}

export type RecordSearch = {
  /** Takes one line of an audit log. */
  line(text: string): void
  /**
   * The decision with this id, alone; else those of the visit or the trace with it, in the order of the
   * log. None when there is none.
   */
  found(): readonly RecordedDecision[]
}

/** Decisions kept that share the id of a visit or a trace: as many as the largest batch has messages. */
export const MAX_FOUND = 100

/** Whether rules were asked, and can be again. */
export function isAnswer(found: RecordedDecision): found is RecordedAnswer {
  return typeof found.recorded === 'object'
}

/** @param id Of a call, of a visit, or of a trace, whole. */
export function createRecordSearch(id: string): RecordSearch {
  const decisions = new Map<string, Omit<RecordedDecision, 'ending'>>()
  const endings = new Map<string, RecordedEnding>()
  return {
    line(text) {
      // Nearly all lines: told apart before they are parsed.
      if (!text.includes(id)) return
      const record = parseRecord(text)
      if (record === undefined) return
      const own = textOf(record['id'])
      if (own === undefined || ![own, record['visit'], record['trace']].includes(id)) return
      const isFull = decisions.size >= MAX_FOUND && own !== id
      if (record['type'] === 'decision' && !isFull) decisions.set(own, readDecision(record, text))
      if (record['type'] === 'outcome' && (!isFull || decisions.has(own))) {
        endings.set(own, readEnding(record))
      }
    },
    found() {
      const all = [...decisions.values()].map((one) => ({ ...one, ending: endings.get(one.id) }))
      const exact = all.filter((one) => one.id === id)
      return exact.length > 0 ? exact : all
    },
  }
}

function readDecision(record: Fields, line: string): Omit<RecordedDecision, 'ending'> {
  const read = readRecordedCall(line)
  return {
    id: textOf(record['id']) ?? '',
    time: textOf(record['time']) ?? '',
    config: textOf(record['config']) ?? '',
    recorded: read.kind === 'other' ? 'no_call' : (read.recorded ?? 'not_complete'),
    reason: textOf(record['reason']),
    address: textOf(record['address']) ?? '',
    arguments: textOf(record['arguments']),
    credential: textOf(record['credential']),
    groupsLeftOut: countOf(record['groups_left_out']),
    scopesLeftOut: countOf(record['scopes_left_out']),
  }
}

function readEnding(record: Fields): RecordedEnding {
  return {
    outcome: textOf(record['outcome']) ?? '',
    refusal: textOf(record['refusal']),
    detail: textOf(record['detail']),
  }
}

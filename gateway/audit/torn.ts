/**
 * Lines that are no records, told apart: what a crash or a log rotation leaves (the beginning of a
 * record, after which its instance writes nothing more or writes the line again), and what somebody
 * else put there.
 */

export type Unreadable = {
  /** @param recordsBefore How many records came before this line. */
  add(text: string, place: string, recordsBefore: number): void
  /** Told of every record, so that a line that was written again is recognised. */
  follow(text: string): void
  /** @param lastRecords The numbers of those records that are the last of their instance. */
  divide(lastRecords: ReadonlySet<number>): Divided
}

/** Places, in order, of at most `MAX_KEPT` lines; `foreignCount` is complete. */
export type Divided = {
  readonly torn: readonly string[]
  readonly foreign: readonly string[]
  readonly foreignCount: number
}

/** Unreadable lines that are remembered; a log with more is no log. */
const MAX_KEPT = 1_000

/** Every record begins like this. */
const RECORD_START = '{"time":"'

type Kept = {
  readonly place: string
  readonly recordsBefore: number
  readonly half: boolean
  again: boolean
}

export function createUnreadable(): Unreadable {
  const kept: Kept[] = []
  let beyond = 0
  let last: { readonly text: string; readonly entry: Kept } | undefined
  return {
    add(text, place, recordsBefore) {
      if (kept.length >= MAX_KEPT) {
        beyond += 1
        return
      }
      const entry = { place, recordsBefore, half: isHalf(text), again: false }
      kept.push(entry)
      last = { text, entry }
    },
    follow(text) {
      if (last === undefined) return
      last.entry.again = text.startsWith(last.text)
      last = undefined
    },
    divide(lastRecords) {
      const torn: string[] = []
      const foreign: string[] = []
      for (const { place, recordsBefore, half, again } of kept) {
        const ended = recordsBefore === 0 || lastRecords.has(recordsBefore)
        if (half && (again || ended)) torn.push(place)
        else foreign.push(place)
      }
      return { torn, foreign, foreignCount: foreign.length + beyond }
    },
  }
}

function isHalf(text: string): boolean {
  const begins = text.startsWith(RECORD_START) || RECORD_START.startsWith(text)
  if (text === '' || !begins) return false
  try {
    JSON.parse(text)
    return false
  } catch {
    return true
  }
}

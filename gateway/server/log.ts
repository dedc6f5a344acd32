/** What operators read on standard error: one JSON line each, escaped, bounded, without secrets. */

export type Level = 'info' | 'warn' | 'error'

export type Log = (
  level: Level,
  message: string,
  facts?: Readonly<Record<string, string | number | boolean | undefined>>,
) => void

/** Longest text of one fact; more is cut. */
const MAX_FACT_CHARS = 2_000

/** @param always Facts that every line has. */
export function createLog(
  write: (line: string) => void,
  now: () => number,
  always: Readonly<Record<string, string>> = {},
): Log {
  return (level, message, facts = {}) => {
    const record: Record<string, string | number | boolean> = {
      time: new Date(now()).toISOString(),
      level,
      message,
    }
    for (const [name, value] of Object.entries({ ...always, ...facts })) {
      if (value !== undefined)
        record[name] = typeof value === 'string' ? value.slice(0, MAX_FACT_CHARS) : value
    }
    write(`${JSON.stringify(record)}\n`)
  }
}

/** What operators read on standard error: one JSON line each, escaped, bounded, without secrets. */

export type Level = 'info' | 'warn' | 'error'

export type Log = (
  level: Level,
  message: string,
  facts?: Readonly<Record<string, string | number | boolean | undefined>>,
) => void

/** Longest text of one fact; more is cut. */
const MAX_FACT_CHARS = 2_000

export function createLog(write: (line: string) => void, now: () => number): Log {
  return (level, message, facts = {}) => {
    const record: Record<string, string | number | boolean> = {
      time: new Date(now()).toISOString(),
      level,
      message,
    }
    for (const [name, value] of Object.entries(facts)) {
      if (value !== undefined)
        record[name] = typeof value === 'string' ? value.slice(0, MAX_FACT_CHARS) : value
    }
    write(`${JSON.stringify(record)}\n`)
  }
}

/** A clock ahead of the machine's, for all processes that are started with it. */
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Ahead by as much as a test says. */
export type MovedClock = {
  /** Arguments for Node, with which a process and its workers go by this clock. */
  readonly nodeArgs: readonly string[]
  /** What it says, in epoch milliseconds. */
  now(): number
  /** Moves it on, for all processes at the same moment. */
  advance(ms: number): void
  stop(): void
}

/** What is done each minute is done this often where it hastens, in milliseconds. */
const MINUTE_MS = 250

/**
 * Starts one that is not ahead yet.
 *
 * @param hastens Whether jobs of each minute run several times a second, as if the clock moved on steadily.
 */
export function startMovedClock({ hastens = false } = {}): MovedClock {
  const directory = mkdtempSync(join(tmpdir(), 'gatehouse-clock-'))
  const file = join(directory, 'ahead')
  let aheadMs = 0
  // Put in place whole: who reads half a number is in another time.
  const write = (): void => {
    writeFileSync(`${file}.new`, String(aheadMs))
    renameSync(`${file}.new`, file)
  }
  write()
  const script = moveClock(file) + (hastens ? HASTEN : '')
  return {
    nodeArgs: ['--import', `data:text/javascript,${encodeURIComponent(script)}`],
    now: () => Date.now() + aheadMs,
    advance: (ms) => {
      aheadMs += ms
      write()
    },
    stop: () => rmSync(directory, { recursive: true, force: true }),
  }
}

const moveClock = (file: string): string => `
  const { readFileSync } = await import('node:fs')
  const now = Date.now
  Date.now = () => now() + Number(readFileSync(${JSON.stringify(file)}, 'utf8'))
`

const HASTEN = `
  const every = globalThis.setInterval
  globalThis.setInterval = (run, ms, ...rest) => every(run, ms === 60_000 ? ${MINUTE_MS} : ms, ...rest)
`

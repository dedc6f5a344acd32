/** Reads what Linux says about a process and everything it started (`/proc`). */
import { readFileSync, readdirSync } from 'node:fs'

/** The given processes and all their living descendants. */
export function processTree(roots: readonly number[]): number[] {
  const children = new Map<number, number[]>()
  for (const entry of readdirSync('/proc')) {
    const parent = /^\d+$/.test(entry) ? parentOf(entry) : undefined
    if (parent !== undefined) {
      children.set(parent, [...(children.get(parent) ?? []), Number(entry)])
    }
  }
  const tree = [...roots]
  for (const pid of tree) tree.push(...(children.get(pid) ?? []))
  return tree
}

/** Totals since the processes started, in microseconds. */
export type ProcessorTime = {
  /** Spent running. */
  readonly micros: number
  /** Spent ready to run, waiting for the core. */
  readonly waitedMicros: number
}

/**
 * Processor time of the processes and their descendants so far: the scheduler's own count over all
 * threads (`schedstat`), which is exact where clock ticks are not.
 */
export function processorTime(roots: readonly number[]): ProcessorTime {
  let ranNanos = 0
  let waitedNanos = 0
  for (const pid of processTree(roots)) {
    for (const thread of readdirSync(`/proc/${pid}/task`)) {
      const [ran, waited] = read(`/proc/${pid}/task/${thread}/schedstat`).split(' ')
      ranNanos += Number(ran ?? 0)
      waitedNanos += Number(waited ?? 0)
    }
  }
  return { micros: ranNanos / 1000, waitedMicros: waitedNanos / 1000 }
}

/** Resident memory of the processes and their descendants, in KB; pages they share count for each. */
export function residentKb(roots: readonly number[]): number {
  let kb = 0
  for (const pid of processTree(roots)) {
    kb += Number(/VmRSS:\s+(\d+)/.exec(read(`/proc/${pid}/status`))?.[1] ?? 0)
  }
  return kb
}

function parentOf(pid: string): number | undefined {
  // The name in parentheses may hold anything; the state and the parent follow the last one.
  const fields = read(`/proc/${pid}/stat`).split(') ').at(-1)?.split(' ')
  return fields?.[1] === undefined ? undefined : Number(fields[1])
}

/** The text of a file, empty when the process has just ended. */
function read(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}

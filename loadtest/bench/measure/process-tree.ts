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

/**
 * Processor time of the processes and their descendants so far, in microseconds: the scheduler's own
 * count over all threads (`schedstat`), which is exact where clock ticks are not.
 */
export function processorMicros(roots: readonly number[]): number {
  let nanos = 0
  for (const pid of processTree(roots)) {
    for (const thread of readdirSync(`/proc/${pid}/task`)) {
      nanos += Number(read(`/proc/${pid}/task/${thread}/schedstat`).split(' ')[0] ?? 0)
    }
  }
  return nanos / 1000
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

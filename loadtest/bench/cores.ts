/** Which processor cores this process may use, and how a command is kept on one of them. */
import { readFileSync } from 'node:fs'

/** Core numbers to pin to, lowest first; empty where nothing can be pinned. */
export type Cores = readonly number[]

/** The cores this process is allowed on, which in a container may start anywhere. */
export function allowedCores(): Cores {
  const status = readFileSync('/proc/self/status', 'utf8')
  return parseCoreList(/^Cpus_allowed_list:\s*(\S+)/m.exec(status)?.[1] ?? '')
}

/** Reads the kernel's notation, for example `0-2,8`. */
export function parseCoreList(text: string): Cores {
  return [...text.matchAll(/(\d+)(?:-(\d+))?/g)].flatMap(([, first, last = first]) =>
    Array.from({ length: Number(last) - Number(first) + 1 }, (_, at) => Number(first) + at),
  )
}

/**
 * The command, kept on the core in that place of the list. Where there are fewer cores than places they
 * are shared; where there are none the command stays as it is.
 */
export function pinned(cores: Cores, place: number, command: readonly string[]): readonly string[] {
  const core = cores[place % cores.length]
  return core === undefined ? command : ['taskset', '-c', String(core), ...command]
}

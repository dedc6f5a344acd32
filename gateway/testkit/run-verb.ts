/** Runs one verb of the `gatehouse` command in the process of the test. */
import type { Io } from '../cli/io.ts'
import type { CliResult } from './run-cli.ts'

/** What a verb may touch, keeping what it prints, line by line. */
export function silentIo(env: Io['env'] = {}) {
  const out: string[] = []
  const err: string[] = []
  const io: Io = { out: (line) => out.push(line), err: (line) => err.push(line), env }
  return { io, out, err }
}

/** Resolves with the exit code and what was printed, without the newline after the last line. */
export async function runVerb(
  verb: (io: Io) => Promise<number>,
  env: Io['env'] = {},
): Promise<CliResult> {
  const { io, out, err } = silentIo(env)
  const code = await verb(io)
  return { code, out: out.join('\n'), err: err.join('\n') }
}

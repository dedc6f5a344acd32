/** The calls of audit logs named on a command line. */
import { type CountedCall, createRecordedCalls } from '../policy/recorded-calls.ts'
import type { Io } from './io.ts'
import { readLogs } from './read-lines.ts'

/**
 * Reads audit logs; what of them cannot be asked again is said on standard error. Undefined when a
 * file cannot be read, which is said there too.
 */
export async function readRecorded(
  files: readonly string[],
  io: Pick<Io, 'err'>,
): Promise<readonly CountedCall[] | undefined> {
  const recorded = createRecordedCalls()
  if (!(await readLogs(files, recorded.line, io))) return undefined
  const { calls, decisions, unusable } = recorded.report()
  if (decisions === 0 && files.length > 0) io.err(`no recorded calls in ${files.join(', ')}`)
  for (const [why, count] of unusable) io.err(`${count} recorded calls left out: ${why}`)
  return calls
}

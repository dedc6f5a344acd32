/** One decision in audit logs, by the id that somebody has of it. */
import { readdir } from 'node:fs/promises'
import { dirname, join, parse } from 'node:path'
import { describeAsked } from '../policy/format-diff.ts'
import { describeRecorded } from '../policy/format-record.ts'
import { printable } from '../policy/printable.ts'
import {
  createRecordSearch,
  isAnswer,
  MAX_FOUND,
  type RecordedDecision,
} from '../policy/recorded-decision.ts'
import type { Io } from './io.ts'
import { readLogs } from './read-lines.ts'

/** The decision with this id; undefined where it is not there, or not one, which is said on `io`. */
export async function findRecord(
  id: string,
  files: readonly string[],
  io: Pick<Io, 'err'>,
): Promise<RecordedDecision | undefined> {
  const search = createRecordSearch(id)
  if (!(await readLogs(files, search.line, io))) return undefined
  const [first, ...more] = search.found()
  if (first === undefined) {
    io.err(
      `no decision with the id ${printable(id)} in ${files.join(', ')}; name older or other files with --audit`,
    )
    return undefined
  }
  if (more.length === 0) return first
  const all = [first, ...more]
  const count = all.length < MAX_FOUND ? `${all.length}` : `${all.length} or more`
  io.err(`${count} calls are of the visit or trace ${printable(id)}; name one by its own id:`)
  for (const one of all) {
    const asked = isAnswer(one) ? `, ${describeAsked(one.recorded)}` : ''
    io.err(printable(`  ${one.id}  ${describeRecorded(one)}${asked}`))
  }
  return undefined
}

/**
 * The files that a gateway with this sink writes: the file itself, and those of its workers beside it
 * (`audit.jsonl`, `audit.1.jsonl`). None for standard output, or before the first record.
 */
export async function sinkFiles(sink: string): Promise<readonly string[]> {
  if (sink === 'stdout') return []
  const { name, ext } = parse(sink)
  const isOf = (file: string): boolean =>
    file.startsWith(name) && /^(?:\.\d+)?$/.test(file.slice(name.length, file.length - ext.length))
  const names = await readdir(dirname(sink)).catch(() => [])
  return names
    .filter((file) => file.endsWith(ext) && isOf(file))
    .toSorted()
    .map((file) => join(dirname(sink), file))
}

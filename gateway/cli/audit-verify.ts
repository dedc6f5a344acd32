/** `gatehouse audit verify`: the check of an audit log. */
import { quoted } from '../audit/text.ts'
import { createVerifier, MAX_LISTED, type Report } from '../audit/verify.ts'
import type { Io } from './io.ts'
import { readLogs, textOf } from './read-lines.ts'
import { misused, readArgs } from './usage.ts'

const HELP = `Usage: gatehouse audit verify [--partial] FILE…

Checks that audit records are complete and as they were written.

  FILE         an audit log; all files of a rotated one together, in any order, those that end in .gz too;
               - is standard input
  --partial    earlier files are not at hand: let chains begin past their first record
  -h, --help   show this text

Of an instance that is "closed" everything was checked. One that is not runs still, was killed, or its end is
missing: its last lines cannot be vouched for. Keep the last hash, which is printed for every instance, or a copy
elsewhere. Exit code: 0 intact or empty, 1 broken, 2 used wrongly or a file cannot be read.`

/** Characters of a file that are read to find when it begins. */
const FIRST_LINE_CHARS = 256

const EXIT_INTACT = 0
const EXIT_BROKEN = 1
const EXIT_UNUSABLE = 2

/** Resolves with the exit code: 0 intact, 1 broken, 2 used wrongly or a file cannot be read. */
export async function auditVerify(
  args: readonly string[],
  io: Pick<Io, 'out' | 'err'>,
): Promise<number> {
  const given = readArgs(
    args,
    { usage: HELP, options: { partial: { type: 'boolean' } }, takesWords: true },
    io,
  )
  if (given === undefined) return EXIT_INTACT
  const { values, words: files } = given
  if (files.length === 0) return misused(io, 'audit verify: no file named', HELP)
  const verifier = createVerifier({ start: values.partial === true ? 'later' : 'first' })
  if (!(await readLogs(await oldestFirst(files), verifier.line, io))) return EXIT_UNUSABLE
  const report = verifier.report()
  for (const line of describe(report)) io.out(line)
  return report.intact ? EXIT_INTACT : EXIT_BROKEN
}

/** Rotated files by the time of their first record, as `audit.log*` lists them newest first. */
async function oldestFirst(files: readonly string[]): Promise<readonly string[]> {
  if (files.includes('-')) return files
  const starts = new Map<string, string>()
  for (const file of files) starts.set(file, await startOf(file))
  const start = (file: string): string => starts.get(file) ?? ''
  return files.toSorted((a, b) => (start(a) < start(b) ? -1 : Number(start(a) > start(b))))
}

/** The `time` of a file's first record; empty when it has none or cannot be read, as will be told then. */
async function startOf(file: string): Promise<string> {
  try {
    for await (const chunk of textOf(file, FIRST_LINE_CHARS)) {
      return /^\{"time":"([^"]+)"/.exec(chunk)?.[1] ?? ''
    }
  } catch {
    return ''
  }
  return ''
}

/** Names from the file are quoted: it may have been written by anybody. */
function* describe(report: Report): Generator<string> {
  const { records, decisions, outcomes, from, to, instances } = report
  if (report.intact && records === 0) yield 'nothing to check: no records'
  else {
    yield report.intact ? 'intact' : 'BROKEN'
    yield `${records} records (${decisions} decisions, ${outcomes} outcomes), ${from ?? '-'} to ${to ?? '-'}`
  }
  // The newest: earlier ones have ended, and their hashes were printed by earlier checks.
  if (instances.length > MAX_LISTED) yield `${instances.length - MAX_LISTED} earlier instances`
  for (const { instance, firstSeq, lastSeq, lastHash, closed, ...own } of instances.slice(
    -MAX_LISTED,
  )) {
    const name = quoted('"', instance)
    const end = closed ? 'closed' : 'not closed'
    yield `instance ${name}: ${own.records} records, ${firstSeq} to ${lastSeq}, ${end}, last hash ${lastHash ?? 'unknown'}`
  }
  for (const { place, kind, instance, detail } of report.breaks) {
    yield `${place}: ${kind}${instance === undefined ? '' : ` (${quoted('"', instance)})`}: ${detail}`
  }
  if (report.breakCount > MAX_LISTED) yield `and ${report.breakCount - MAX_LISTED} more breaks`
  for (const place of report.torn) yield `${place}: half a line, left by a crash or a rotation`
  if (report.openCount > 0) yield `${report.openCount} decisions without an outcome:`
  for (const { id, place } of report.open) yield `${place}: ${quoted('"', id)}`
}

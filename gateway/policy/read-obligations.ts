/** `obligations` of a rule as written: a list of mappings with one key each. */
import type { Effect } from './coverage.ts'
import {
  checkKeys,
  entriesOf,
  fieldsOf,
  type Report,
  type Text,
  textOf,
  textsOf,
  type Value,
  wordOf,
} from './read-fields.ts'

export type ObligationsText = {
  readonly recordsArguments: boolean
  readonly redact: readonly (readonly string[])[]
  readonly notify: readonly Text[]
}

const KEYS = ['audit', 'redact', 'notify'] as const

/** Names of one path: arguments are rarely deeper. */
const MAX_NAMES = 8

/** Paths of one list, each of which is looked for in the arguments of every call. */
const MAX_PATHS = 64

/** Everything under `obligations`, put together; undefined when nothing is there. */
export function readObligations(
  list: Value,
  effect: Effect,
  report: Report,
): ObligationsText | undefined {
  if (list.value === undefined) return undefined
  let recordsArguments = false
  const redact: Text[] = []
  const notify: Text[] = []
  for (const entry of entriesOf(list, report)) {
    const fields = fieldsOf(entry, report)
    if (fields === undefined) continue
    checkKeys(fields, { path: entry.path, known: KEYS, later: [] }, report)
    if (Object.keys(fields).length !== 1) {
      report(entry.path, 'must have one key: audit, redact or notify')
    }
    const field = (key: (typeof KEYS)[number]): Value => ({
      value: fields[key],
      path: [...entry.path, key],
    })
    for (const key of ['audit', 'redact'] as const) {
      if (effect !== 'deny' || fields[key] === undefined) continue
      report([...entry.path, key], 'a call that is denied has no record of arguments', 'key')
    }
    recordsArguments ||= wordOf(field('audit'), ['arguments'], report) !== undefined
    redact.push(...textsOf(field('redact'), report))
    const name = textOf(field('notify'), report)
    if (name !== undefined) notify.push({ text: name, path: field('notify').path })
  }
  const [first] = redact
  if (first !== undefined && !recordsArguments) {
    report(first.path, 'there is nothing to redact: add "- audit: arguments", or remove it')
  }
  if (redact.length > MAX_PATHS) report(list.path, `redacts more than ${MAX_PATHS} paths`)
  return { recordsArguments, redact: redact.map((path) => readPath(path, report)), notify }
}

function readPath({ text, path }: Text, report: Report): readonly string[] {
  const names = text.split('.')
  if (names.includes('') || names.length > MAX_NAMES) {
    const message = `"${text}" is no path of 1 to ${MAX_NAMES} names, such as password or login.password`
    report(path, message)
  }
  return names
}

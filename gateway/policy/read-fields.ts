/** Small readers for data of unknown shape: each gives a typed value, or reports what is wrong and where. */
import type { Path } from '../model/problem.ts'

/** Takes one mistake: where it is, and what to do about it. */
export type Report = (path: Path, message: string, part?: 'key') => void

/** A word of a file and where it stands. */
export type Text = { readonly text: string; readonly path: Path }

/** A value of unknown shape and where it stands. */
export type Value = { readonly value: unknown; readonly path: Path }

export type Fields = Readonly<Record<string, unknown>>

/** The mapping at `path`; undefined after reporting that it is none. */
export function fieldsOf({ value, path }: Value, report: Report): Fields | undefined {
  if (isFields(value)) return value
  report(path, `must be a mapping, not ${describe(value)}`)
  return undefined
}

/** Reports every key that is not known; those of `later` in words that say so. */
export function checkKeys(
  fields: Fields,
  at: { readonly path: Path; readonly known: readonly string[]; readonly later: readonly string[] },
  report: Report,
): void {
  for (const key of Object.keys(fields)) {
    if (at.known.includes(key)) continue
    const message = at.later.includes(key)
      ? `"${key}" is not known to this version: nothing is ignored, so the file is refused`
      : `unknown key "${key}"; known here: ${at.known.join(', ')}`
    report([...at.path, key], message, 'key')
  }
}

/** The entries of a list that must have some; a missing list has none. */
export function entriesOf({ value, path }: Value, report: Report): readonly Value[] {
  if (value === undefined) return []
  if (!Array.isArray(value)) {
    report(path, `must be a list, not ${describe(value)}`)
    return []
  }
  if (value.length === 0) report(path, 'is empty: list something, or remove the key')
  return value.map((entry: unknown, index) => ({ value: entry, path: [...path, index] }))
}

/** Text that is not empty; undefined when missing or after a report. */
export function textOf({ value, path }: Value, report: Report): string | undefined {
  if (value === undefined) return undefined
  if (typeof value === 'string' && value !== '') return value
  report(path, `must be text, not ${describe(value)}`)
  return undefined
}

/** A list of texts; those that are none are reported and left out. */
export function textsOf(list: Value, report: Report): readonly Text[] {
  return entriesOf(list, report).flatMap((entry) => {
    const text = textOf(entry, report)
    return text === undefined ? [] : [{ text, path: entry.path }]
  })
}

/** One of the words listed; undefined when missing or after a report. */
export function wordOf<const Word extends string>(
  { value, path }: Value,
  words: readonly Word[],
  report: Report,
): Word | undefined {
  if (value === undefined) return undefined
  const word = words.find((one) => one === value)
  if (word === undefined) report(path, `must be ${words.join(' or ')}, not ${describe(value)}`)
  return word
}

/** True or false; a missing value is false. */
export function flagOf({ value, path }: Value, report: Report): boolean {
  if (value === undefined || typeof value === 'boolean') return value === true
  report(path, `must be true or false, not ${describe(value)}`)
  return false
}

/** Whether YAML or JSON has a mapping here. */
export function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function describe(value: unknown): string {
  if (value === null || value === undefined || value === '') return 'empty'
  if (Array.isArray(value)) return 'a list'
  return typeof value === 'object' ? 'a mapping' : JSON.stringify(value)
}

/** Subjects as written into conditions. */
import type { CallerKind } from '../model/caller.ts'
import type { ClaimValue } from './claim.ts'
import { compileGlob, type Glob } from './glob.ts'
import { globProblem } from './glob-problem.ts'
import {
  checkKeys,
  entriesOf,
  type Fields,
  fieldsOf,
  type Report,
  type Text,
  textOf,
  textsOf,
  type Value,
  wordOf,
} from './read-fields.ts'
import type { Condition, Subject } from './subject.ts'

/** One entry of `subjects`: its own conditions, and the set whose conditions it adds. */
export type SubjectText = { readonly conditions: Subject; readonly set: Text | undefined }

const KINDS = ['human', 'agent', 'service'] as const satisfies readonly CallerKind[]

const CONDITIONS = [
  'kind',
  'groups',
  'users',
  'clients',
  'scopes',
  'issuers',
  'tenant',
  'idp',
  'spiffe',
  'chain',
] as const

const KNOWN = ['any', ...CONDITIONS, 'claims', 'set']

/** Reads a list of subjects. Inside a set there is no `set`: sets do not nest. */
export function readSubjects(
  list: Value,
  report: Report,
  inside: 'rule' | 'set',
): readonly SubjectText[] {
  return entriesOf(list, report).flatMap((entry) => readSubject(entry, report, inside) ?? [])
}

/** Reads one subject; undefined, with what is wrong reported, when it can stand for nobody. */
export function readSubject(
  entry: Value,
  report: Report,
  inside: 'rule' | 'set',
): SubjectText | undefined {
  const fields = fieldsOf(entry, report)
  if (fields === undefined) return undefined
  const { path } = entry
  const known = inside === 'set' ? KNOWN.filter((key) => key !== 'set') : KNOWN
  checkKeys(fields, { path, known, later: [] }, report)
  if (Object.keys(fields).length === 0) {
    report(path, 'a subject needs a condition; write "any: true" for everybody')
  }
  if (fields['any'] !== undefined) checkAny(fields, entry, report)
  const set = textOf(at(fields, path, 'set'), report)
  return {
    conditions: [
      ...CONDITIONS.flatMap((key) => readCondition(key, at(fields, path, key), report) ?? []),
      ...readClaims(at(fields, path, 'claims'), report),
    ],
    set: set === undefined ? undefined : { text: set, path: [...path, 'set'] },
  }
}

function checkAny(fields: Fields, { path }: Value, report: Report): void {
  if (fields['any'] !== true) report([...path, 'any'], 'must be true; leave it out otherwise')
  else if (Object.keys(fields).length > 1) {
    report(path, '"any: true" stands alone: with other conditions it means nothing')
  }
}

function readCondition(
  key: (typeof CONDITIONS)[number],
  field: Value,
  report: Report,
): Condition | undefined {
  if (field.value === undefined) return undefined
  switch (key) {
    case 'kind': {
      const kind = wordOf(field, KINDS, report)
      return kind === undefined ? undefined : { key, kind }
    }
    case 'tenant': {
      const tenant = textOf(field, report)
      return tenant === undefined ? undefined : { key, tenant }
    }
    case 'groups':
    case 'issuers':
    case 'idp':
      return { key, anyOf: textsOf(field, report).map(({ text }) => text) }
    case 'scopes':
      return { key, allOf: readScopes(field, report) }
    case 'users':
    case 'clients':
    case 'spiffe':
    case 'chain':
      return { key, globs: readGlobs(field, report) }
  }
}

/** Claims by name, each with the value it must have or a list of such. */
function readClaims(entry: Value, report: Report): readonly Condition[] {
  if (entry.value === undefined) return []
  const fields = fieldsOf(entry, report)
  if (fields === undefined) return []
  const names = Object.keys(fields)
  if (names.length === 0) report(entry.path, 'is empty: name a claim, or remove the key')
  return names.map((name) => {
    const { value, path } = at(fields, entry.path, name)
    const values: readonly unknown[] = Array.isArray(value) ? value : [value]
    const anyOf = values.filter(isClaimValue)
    if (anyOf.length !== values.length || anyOf.length === 0) {
      report(path, 'must be a text, a number, true or false, or a list of them')
    }
    return { key: 'claim', name, anyOf }
  })
}

function isClaimValue(value: unknown): value is ClaimValue {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
}

/** Scopes (RFC 6749 §3.3). */
export function readScopes(field: Value, report: Report): readonly string[] {
  return readWords(field, 'scope', report)
}

/** Words that stand in a list between spaces: printable ASCII without `"` and `\`; a space would make two of one. */
export function readWords(field: Value, what: string, report: Report): readonly string[] {
  return textsOf(field, report).map(({ text, path }) => {
    if (!/^[\x21\x23-\x5b\x5d-\x7e]+$/.test(text)) report(path, `"${text}" is not one ${what}`)
    return text
  })
}

function readGlobs(field: Value, report: Report): readonly Glob[] {
  return textsOf(field, report).map(({ text, path }) => {
    const problem = globProblem(text)
    if (problem !== undefined) report(path, problem)
    return compileGlob(text)
  })
}

function at(fields: Fields, path: Value['path'], key: string): Value {
  return { value: fields[key], path: [...path, key] }
}

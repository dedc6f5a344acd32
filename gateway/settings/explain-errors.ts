/**
 * Schema errors in words a person can act on: which key, what is wrong with it, what would be right.
 */
import type { AnySchemaObject, ErrorObject } from 'ajv/dist/2020.js'
import type { Path } from '../model/problem.ts'
import { nearest } from './nearest.ts'
import { pathText } from './path-text.ts'

export type Explained = {
  /** Where to point. */
  readonly path: Path
  readonly part: 'key' | 'value'
  /** What cannot be used: the value at `path`, the missing value; undefined for a key too many. */
  readonly spoils: Path | undefined
  readonly message: string
}

/** What a value fails when held against one alternative of an `anyOf` or `oneOf`. */
export type BranchErrors = (branch: AnySchemaObject, data: unknown) => readonly ErrorObject[]

/** Values listed in a message before it stops being one; the longest section has 17 keys. */
const MAX_LISTED = 20

/** One entry per mistake, in the order found. `errors` come from a validator with `verbose` on. */
export function explainErrors(
  errors: readonly ErrorObject[],
  branchErrors: BranchErrors,
): readonly Explained[] {
  const seen = new Set<string>()
  return chooseBranches(errors, branchErrors)
    .map(explain)
    .filter(({ path, message }) => {
      const key = `${path.join('/')} ${message}`
      return !seen.has(key) && seen.add(key)
    })
}

/**
 * A value that fits no alternative fails all of them, one error each and more. What helps is the one
 * alternative that was meant: the one whose type fits, with the fewest mistakes. The errors of all
 * alternatives stand right before the summary, so their number says where they begin.
 */
function chooseBranches(
  errors: readonly ErrorObject[],
  branchErrors: BranchErrors,
): readonly ErrorObject[] {
  const kept: ErrorObject[] = []
  for (const error of errors) {
    // Both only repeat that something inside them failed.
    if (error.keyword === 'if' || error.keyword === 'propertyNames') continue
    if (!isChoice(error)) {
      kept.push(error)
      continue
    }
    const branches = choices(error).map((branch) => branchErrors(branch, error.data))
    kept.splice(kept.length - chooseBranches(branches.flat(), branchErrors).length)
    const fitting = branches.filter((branch) => !branch.some(isWrongKind))
    const [best, second] = fitting.toSorted((a, b) => a.length - b.length)
    const undecided = best?.length === second?.length && best?.every(isMissingKey) === true
    if (best === undefined || undecided) kept.push(error)
    else kept.push(...chooseBranches(best, branchErrors).map((inner) => nested(error, inner)))
  }
  return kept
}

function isChoice(error: ErrorObject): boolean {
  if (error.keyword === 'anyOf') return true
  // Fitting two alternatives at once leaves no errors of branches behind.
  return error.keyword === 'oneOf' && error.params['passingSchemas'] === null
}

function choices(error: ErrorObject): readonly AnySchemaObject[] {
  const branches: unknown = error.schema
  return Array.isArray(branches) ? branches.filter(isRecord) : []
}

/** Not even the right kind of thing, so this alternative cannot have been meant. */
function isWrongKind(error: ErrorObject): boolean {
  return error.instancePath === '' && ['type', 'const', 'enum'].includes(error.keyword)
}

function isMissingKey(error: ErrorObject): boolean {
  return error.instancePath === '' && error.keyword === 'required'
}

/** Branches are held against the value alone, so their paths begin there. */
function nested(outer: ErrorObject, inner: ErrorObject): ErrorObject {
  return { ...inner, instancePath: outer.instancePath + inner.instancePath }
}

function explain(error: ErrorObject): Explained {
  const path = pathOf(error.instancePath)
  const where = path.length === 0 ? '' : `${pathText(path)}: `
  const name = error.propertyName
  if (name !== undefined) {
    const message = `${where}"${name}" is not a valid name: ${expectation(error)}`
    return { path: [...path, name], part: 'key', spoils: [...path, name], message }
  }
  if (error.keyword === 'additionalProperties' || error.keyword === 'unevaluatedProperties') {
    const key = String(error.params['additionalProperty'] ?? error.params['unevaluatedProperty'])
    const message = `${where}unknown key "${key}"${hint(key, error.parentSchema)}`
    return { path: [...path, key], part: 'key', spoils: undefined, message }
  }
  if (error.keyword === 'required' || error.keyword === 'dependentRequired') {
    const key = String(error.params['missingProperty'])
    const message = `${where}"${key}" is missing`
    return { path, part: 'key', spoils: [...path, key], message }
  }
  if (error.keyword === 'uniqueItems') {
    const later = Math.max(Number(error.params['i']), Number(error.params['j']))
    const message = where + expectation(error)
    return { path: [...path, later], part: 'value', spoils: path, message }
  }
  return { path, part: 'value', spoils: path, message: where + expectation(error) }
}

/** What the value should have been; a pattern speaks through its `patternErrorMessage`. */
function expectation(error: ErrorObject): string {
  const { params, data } = error
  switch (error.keyword) {
    case 'type':
      // `drain: 30` wants to hear about units, not about text.
      return described(error) ?? `must be ${kindNames(params['type'])}, not ${describe(data)}`
    case 'enum':
      return `must be one of ${list(params['allowedValues'])}${didYouMean(data, params['allowedValues'])}`
    case 'const':
      return `must be ${show(params['allowedValue'])}${notThis(data, params['allowedValue'])}`
    case 'pattern':
      return described(error) ?? `must match ${String(params['pattern'])}`
    case 'anyOf':
    case 'oneOf':
      return alternatives(error)
    case 'minLength':
    case 'minItems':
    case 'minProperties':
      return params['limit'] === 1 ? 'must not be empty' : (error.message ?? '')
    case 'minimum':
      return `must be at least ${String(params['limit'])}, not ${describe(data)}`
    case 'maximum':
      return `must be at most ${String(params['limit'])}, not ${describe(data)}`
    case 'uniqueItems':
      return 'lists the same thing twice'
    default:
      return error.message ?? `fails "${error.keyword}"`
  }
}

/** The schema's own words for what belongs here. */
function described(error: ErrorObject): string | undefined {
  const words: unknown = error.parentSchema?.['patternErrorMessage']
  return typeof words === 'string' ? words : undefined
}

function alternatives(error: ErrorObject): string {
  const keys = choices(error).flatMap(({ required }): unknown => required)
  if (isRecord(error.data) && keys.length > 0) {
    return isChoice(error) ? `needs one of ${list(keys)}` : `takes only one of ${list(keys)}`
  }
  const words = choices(error).map((branch) => {
    if (branch['const'] !== undefined) return show(branch['const'])
    if (Array.isArray(branch['enum'])) return list(branch['enum'])
    return branch['type'] === undefined ? 'a mapping' : kindNames(branch['type'])
  })
  return `must be ${[...new Set(words)].join(' or ')}, not ${describe(error.data)}`
}

function hint(key: string, schema: AnySchemaObject | undefined): string {
  const properties: unknown = schema?.['properties']
  const known = isRecord(properties) ? Object.keys(properties) : []
  const close = nearest(key, known)
  if (close !== undefined) return `; did you mean "${close}"?`
  return known.length === 0 ? '' : `; known here: ${listed(known)}`
}

function didYouMean(data: unknown, allowed: unknown): string {
  if (typeof data !== 'string' || !Array.isArray(allowed)) return ''
  const close = nearest(
    data,
    allowed.filter((value) => typeof value === 'string'),
  )
  return close === undefined ? notThis(data, ...allowed) : `; did you mean "${close}"?`
}

/** What it is instead; nothing where it is text in the place of other text. */
function notThis(data: unknown, ...allowed: readonly unknown[]): string {
  const isText = typeof data === 'string' && allowed.every((value) => typeof value === 'string')
  return isText ? '' : `, not ${describe(data)}`
}

const KIND_NAMES: Readonly<Record<string, string>> = {
  object: 'a mapping',
  array: 'a list',
  string: 'text',
  integer: 'a whole number',
  number: 'a number',
  boolean: 'true or false',
  null: 'empty',
}

function kindNames(type: unknown): string {
  const types: readonly unknown[] = Array.isArray(type) ? type : [type]
  return types.map((one) => KIND_NAMES[String(one)] ?? String(one)).join(' or ')
}

/** Numbers and truth values are shown; text is not, because it may be a secret in the wrong place. */
function describe(data: unknown): string {
  if (data === null) return 'empty'
  if (Array.isArray(data)) return 'a list'
  if (typeof data === 'object') return 'a mapping'
  return typeof data === 'string' ? 'text' : show(data)
}

function list(values: unknown): string {
  const all: readonly unknown[] = Array.isArray(values) ? values : [values]
  return listed(all.map(show))
}

function listed(words: readonly string[]): string {
  const rest = words.length - MAX_LISTED
  return words.slice(0, MAX_LISTED).join(', ') + (rest > 0 ? ` and ${rest} more` : '')
}

function show(value: unknown): string {
  return JSON.stringify(value)
}

/** A JSON Pointer (RFC 6901) as a path; list indexes become numbers. */
function pathOf(pointer: string): Path {
  return pointer
    .split('/')
    .slice(1)
    .map((part) => (/^\d+$/.test(part) ? Number(part) : part))
    .map((part) =>
      typeof part === 'string' ? part.replaceAll('~1', '/').replaceAll('~0', '~') : part,
    )
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

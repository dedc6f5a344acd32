/** `grant` and `require` of a rule as written into terms. */
import type { Budget } from '../model/limits.ts'
import type { ApprovalTerms, Approver, GrantTerms, StepUpTerms } from '../model/terms.ts'
import { durationMs } from './duration.ts'
import { checkKeys, type Fields, fieldsOf, type Report, textOf, type Value } from './read-fields.ts'
import { readScopes, readWords } from './read-subject.ts'
import type { Requirement } from './requirement.ts'

const GRANT_KEYS = ['ttl', 'task', 'max_uses']
const REQUIRE_KEYS = ['approval', 'step_up', 'scopes']
const APPROVAL_KEYS = ['by', 'for']
const STEP_UP_KEYS = ['acr', 'max_age']

/** Longest name of a task: it stands in every record of its grants. */
const MAX_TASK_LENGTH = 128

/** Seconds of its rate that a budget without `burst` has at once, as in the configuration. */
const BURST_SECONDS = 10

/** Shortest `max_age`, in milliseconds: time to sign in and come back, with clocks that differ. */
const MIN_AGE_MS = 60_000

/** Most uses of one grant, and most calls at once. */
const MAX_USES = 1_000_000

/** The terms under `grant`; undefined when there are none. */
export function readGrant(entry: Value, report: Report): GrantTerms | undefined {
  if (entry.value === undefined) return undefined
  const fields = fieldsOf(entry, report)
  if (fields === undefined) return undefined
  checkKeys(fields, { path: entry.path, known: GRANT_KEYS, later: [] }, report)
  if (Object.keys(fields).length === 0) {
    report(entry.path, 'is empty: say what ends a grant, by ttl, task or max_uses')
  }
  const task = textOf(field(fields, entry, 'task'), report)
  if (task !== undefined && task.length > MAX_TASK_LENGTH) {
    report([...entry.path, 'task'], `is longer than ${MAX_TASK_LENGTH} characters`)
  }
  const uses = field(fields, entry, 'max_uses')
  return {
    ttlMs: readDuration(field(fields, entry, 'ttl'), report),
    task,
    maxUses: readCount(uses, report),
  }
}

/** The budget under `limits`; undefined when there is none. */
export function readBudget(entry: Value, report: Report): Budget | undefined {
  if (entry.value === undefined) return undefined
  const fields = fieldsOf(entry, report)
  if (fields === undefined) return undefined
  checkKeys(fields, { path: entry.path, known: ['rate', 'burst'], later: [] }, report)
  const rate = textOf(field(fields, entry, 'rate'), report) ?? ''
  const [, calls = '', unit = ''] = /^([1-9]\d{0,6})\/([smh])$/.exec(rate) ?? []
  const perSecond = Number(calls) / ((durationMs(`1${unit}`) ?? 0) / 1_000)
  if (!Number.isFinite(perSecond)) {
    report([...entry.path, 'rate'], 'must be a rate such as 10/s, 60/m or 1000/h')
    return undefined
  }
  const burst = readCount(field(fields, entry, 'burst'), report)
  return { perSecond, burst: burst ?? Math.max(1, Math.ceil(perSecond * BURST_SECONDS)) }
}

/** What is under `require`; undefined when nothing is. */
export function readRequirement(entry: Value, report: Report): Requirement | undefined {
  if (entry.value === undefined) return undefined
  const fields = fieldsOf(entry, report)
  if (fields === undefined) return undefined
  checkKeys(fields, { path: entry.path, known: REQUIRE_KEYS, later: [] }, report)
  if (Object.keys(fields).length === 0) {
    report(entry.path, 'is empty: require approval, step_up or scopes')
  }
  return {
    approval: readApproval(field(fields, entry, 'approval'), report),
    stepUp: readStepUp(field(fields, entry, 'step_up'), report),
    scopes: readScopes(field(fields, entry, 'scopes'), report),
  }
}

function readApproval(entry: Value, report: Report): ApprovalTerms | undefined {
  if (entry.value === undefined) return undefined
  const fields = fieldsOf(entry, report)
  if (fields === undefined) return undefined
  checkKeys(fields, { path: entry.path, known: APPROVAL_KEYS, later: [] }, report)
  const by = readApprover(field(fields, entry, 'by'), report)
  const forMs = readDuration(field(fields, entry, 'for'), report)
  return by === undefined ? undefined : { by, forMs }
}

function readStepUp(entry: Value, report: Report): StepUpTerms | undefined {
  if (entry.value === undefined) return undefined
  const fields = fieldsOf(entry, report)
  if (fields === undefined) return undefined
  checkKeys(fields, { path: entry.path, known: STEP_UP_KEYS, later: [] }, report)
  if (Object.keys(fields).length === 0) {
    report(entry.path, 'is empty: say how the person must have signed in, by acr or max_age')
  }
  const age = field(fields, entry, 'max_age')
  const ageMs = readDuration(age, report)
  if (ageMs !== undefined && ageMs < MIN_AGE_MS) {
    report(age.path, 'is shorter than 1m: nobody signs in and is back sooner')
  }
  return {
    acr: readWords(field(fields, entry, 'acr'), 'authentication context class', report),
    maxAgeSeconds: ageMs === undefined ? undefined : ageMs / 1_000,
  }
}

function readApprover({ value, path }: Value, report: Report): Approver | undefined {
  if (value === 'subject') return { kind: 'subject' }
  if (typeof value === 'string' && value.startsWith('group:') && value.length > 'group:'.length) {
    return { kind: 'group', group: value.slice('group:'.length) }
  }
  report(path, 'must say who may approve: "subject", the person behind the caller, or "group:NAME"')
  return undefined
}

function readDuration(entry: Value, report: Report): number | undefined {
  const text = textOf(entry, report)
  const ms = text === undefined ? undefined : durationMs(text)
  if (text !== undefined && ms === undefined) {
    report(entry.path, `"${text}" is no duration of at most 365d, such as 30s, 10m, 2h or 7d`)
  }
  return ms
}

function readCount({ value, path }: Value, report: Report): number | undefined {
  if (value === undefined) return undefined
  if (typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= MAX_USES) {
    return value
  }
  report(path, `must be a whole number from 1 to ${MAX_USES}`)
  return undefined
}

function field(fields: Fields, { path }: Value, key: string): Value {
  return { value: fields[key], path: [...path, key] }
}

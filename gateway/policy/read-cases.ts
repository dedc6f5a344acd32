/** A parsed case file into cases. The format is described by `policies/cases.schema.json`. */
import type { Caller, CallerKind } from '../model/caller.ts'
import type { Decision, DenyReason } from '../model/decision.ts'
import type { ToolTraits } from '../model/tool-traits.ts'
import type { Path, Problem, SourceDocument } from '../model/problem.ts'
import { readAnnotations } from './read-annotations.ts'
import { type Question, QUESTIONS } from './ask.ts'
import { describeCaller } from './describe-caller.ts'
import {
  checkKeys,
  entriesOf,
  type Fields,
  fieldsOf,
  flagOf,
  type Report,
  textOf,
  textsOf,
  type Value,
  wordOf,
} from './read-fields.ts'

export type CaseFile = {
  /** Policy files the cases are about, as written; none means the file of the same name. */
  readonly policies: readonly string[]
  /** Servers to compile for, besides those the policies name. */
  readonly servers: readonly string[]
  readonly cases: readonly PolicyCase[]
}

/** One example: who asks for what, and what must come of it. What is undefined is not checked. */
export type PolicyCase = {
  readonly name: string
  readonly line: number
  readonly caller: Caller
  readonly server: string
  readonly question: Question
  readonly circumstances: Circumstances
  readonly expect: Decision['effect']
  readonly rule: string | undefined
  readonly credential: string | undefined
  readonly reason: DenyReason | undefined
  readonly visible: boolean | undefined
}

/** What is the case beside caller and question; what a case leaves out is not there. */
export type Circumstances = {
  /** Epoch milliseconds. */
  readonly nowMs: number
  readonly address: string
  /** Rules the caller has a live grant for. */
  readonly granted: ReadonlySet<string>
  /** Rules whose approval is there. */
  readonly approved: ReadonlySet<string>
  /** What the tool says of itself. */
  readonly annotations: Partial<ToolTraits> | undefined
}

export type CasesRead =
  | { readonly ok: true; readonly file: CaseFile }
  | { readonly ok: false; readonly problems: readonly Problem[] }

const FILE_KEYS = ['policy', 'servers', 'callers', 'cases']
const CASE_KEYS = [
  'name',
  'caller',
  'server',
  ...QUESTIONS,
  'args',
  'now',
  'ip',
  'granted',
  'approved',
  'annotations',
  'expect',
  'rule',
  'credential',
  'reason',
  'visible',
]
/** Why a question of a case can be denied; other reasons need a call that came over the wire. */
const REASONS = [
  'no_rule',
  'deny_rule',
  'missing_scope',
  'step_up',
  'outside_window',
  'no_grant',
  'resource_uri',
] as const satisfies readonly DenyReason[]
const KINDS = ['human', 'agent', 'service'] as const satisfies readonly CallerKind[]
const CALLER_KEYS = [
  'subject',
  'kind',
  'groups',
  'scopes',
  'client',
  'issuer',
  'tenant',
  'interactive',
  'claims',
  'chain',
]

/** Reads a case file; every mistake is reported with its place. */
export function readCases(document: SourceDocument): CasesRead {
  const problems: Problem[] = []
  const report: Report = (path, message, part) => {
    problems.push({ file: document.file, ...document.at(path, part), message })
  }
  const root = fieldsOf({ value: document.data, path: [] }, report)
  if (root === undefined) return { ok: false, problems }
  checkKeys(root, { path: [], known: FILE_KEYS, later: [] }, report)
  const callers = readCallers({ value: root['callers'], path: ['callers'] }, report)
  if (root['cases'] === undefined) report([], '"cases" is missing: list what must come of what')
  const cases = entriesOf({ value: root['cases'], path: ['cases'] }, report).flatMap(
    (entry) => readCase(entry, { callers, report, line: document.at(entry.path).line }) ?? [],
  )
  checkNames(cases, report)
  const file = {
    policies: readPolicies({ value: root['policy'], path: ['policy'] }, report),
    servers: textsOf({ value: root['servers'], path: ['servers'] }, report).map(({ text }) => text),
    cases,
  }
  return problems.length > 0 ? { ok: false, problems } : { ok: true, file }
}

/** A name is how a failing case is found again. */
function checkNames(cases: readonly PolicyCase[], report: Report): void {
  const seen = new Set<string>()
  for (const [index, { name }] of cases.entries()) {
    if (seen.has(name)) report(['cases', index, 'name'], `another case is named "${name}"`)
    seen.add(name)
  }
}

function readPolicies(field: Value, report: Report): readonly string[] {
  if (Array.isArray(field.value)) return textsOf(field, report).map(({ text }) => text)
  const text = textOf(field, report)
  return text === undefined ? [] : [text]
}

function readCallers(field: Value, report: Report): ReadonlyMap<string, Caller> {
  const fields = field.value === undefined ? {} : fieldsOf(field, report)
  return new Map(
    Object.entries(fields ?? {}).map(([name, value]) => [
      name,
      readCaller({ value, path: [...field.path, name] }, report),
    ]),
  )
}

type CaseContext = {
  readonly callers: ReadonlyMap<string, Caller>
  readonly report: Report
  readonly line: number
}

function readCase(entry: Value, { callers, report, line }: CaseContext): PolicyCase | undefined {
  const fields = fieldsOf(entry, report)
  if (fields === undefined) return undefined
  const { path } = entry
  checkKeys(fields, { path, known: CASE_KEYS, later: [] }, report)
  const field = (key: string): Value => ({ value: fields[key], path: [...path, key] })
  for (const key of ['name', 'caller', 'server', 'expect']) {
    if (fields[key] === undefined) report(path, `"${key}" is missing`)
  }
  const question = readQuestion(fields, path, report)
  const circumstances = readCircumstances(field, report)
  const caller = field('caller')
  const named = typeof caller.value === 'string' ? callers.get(caller.value) : undefined
  const described = typeof caller.value !== 'string' && caller.value !== undefined
  if (typeof caller.value === 'string' && named === undefined) {
    report(caller.path, `no caller "${caller.value}" under "callers"`)
  }
  if (fields['visible'] !== undefined && question.about === 'method') {
    report([...path, 'visible'], 'lists do not show methods: remove it', 'key')
  }
  return {
    name: textOf(field('name'), report) ?? '',
    line,
    caller: named ?? readCaller(described ? caller : { value: {}, path }, report),
    server: textOf(field('server'), report) ?? '',
    question,
    circumstances,
    expect: wordOf(field('expect'), ['allow', 'deny', 'require'], report) ?? 'deny',
    rule: textOf(field('rule'), report),
    credential: textOf(field('credential'), report),
    reason: wordOf(field('reason'), REASONS, report),
    visible: fields['visible'] === undefined ? undefined : flagOf(field('visible'), report),
  }
}

function readQuestion(fields: Fields, path: Path, report: Report): Question {
  const asked = QUESTIONS.filter((key) => fields[key] !== undefined)
  const [about = 'method'] = asked
  if (asked.length !== 1) report(path, `needs one of ${QUESTIONS.join(', ')}, and only one`)
  const name = textOf({ value: fields[about], path: [...path, about] }, report) ?? ''
  const args = { value: fields['args'], path: [...path, 'args'] }
  if (args.value === undefined) return { about, name }
  if (about !== 'tool' && about !== 'prompt') {
    report(args.path, 'only tools and prompts have arguments', 'key')
  }
  return { about, name, args: fieldsOf(args, report) ?? {} }
}

/** Noon of a day without meaning, for cases that give no time. */
const SOME_TIME = '2026-01-01T12:00:00Z'

function readCircumstances(field: (key: string) => Value, report: Report): Circumstances {
  const now = textOf(field('now'), report) ?? SOME_TIME
  const nowMs = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d)?(Z|[+-]\d\d:\d\d)$/.test(now)
    ? Date.parse(now)
    : Number.NaN
  if (Number.isNaN(nowMs)) {
    report(field('now').path, `"${now}" is no date and time with an offset: 2026-11-23T08:00+01:00`)
  }
  const ids = (key: string): ReadonlySet<string> =>
    new Set(textsOf(field(key), report).map(({ text }) => text))
  return {
    nowMs,
    address: textOf(field('ip'), report) ?? '',
    granted: ids('granted'),
    approved: ids('approved'),
    annotations: readAnnotations(field('annotations'), report),
  }
}

/** A caller as described; what is left out is an agent without groups or scopes. */
function readCaller(entry: Value, report: Report): Caller {
  const fields = fieldsOf(entry, report) ?? {}
  checkKeys(fields, { path: entry.path, known: CALLER_KEYS, later: [] }, report)
  const field = (key: string): Value => ({ value: fields[key], path: [...entry.path, key] })
  const texts = (key: string): ReadonlySet<string> =>
    new Set(textsOf(field(key), report).map(({ text }) => text))
  return describeCaller({
    subject: textOf(field('subject'), report),
    kind: wordOf(field('kind'), KINDS, report),
    groups: texts('groups'),
    scopes: texts('scopes'),
    client: textOf(field('client'), report),
    issuer: textOf(field('issuer'), report),
    tenant: textOf(field('tenant'), report),
    interactive: flagOf(field('interactive'), report),
    claims: fields['claims'] === undefined ? {} : (fieldsOf(field('claims'), report) ?? {}),
    chain: textsOf(field('chain'), report).map(({ text }) => text),
  })
}

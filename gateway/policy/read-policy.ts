/**
 * A parsed policy file into typed text: shapes, keys and words are checked here, each mistake reported
 * where it stands. What the words mean on the configured servers is for `compile.ts`.
 */
import type { Path } from '../model/problem.ts'
import type { Budget } from '../model/limits.ts'
import type { GrantTerms } from '../model/terms.ts'
import type { ToolTraits } from '../model/tool-traits.ts'
import { AREAS, type Area, type Effect } from './coverage.ts'
import {
  checkKeys,
  entriesOf,
  type Fields,
  fieldsOf,
  flagOf,
  isFields,
  type Report,
  type Text,
  textOf,
  textsOf,
  type Value,
  wordOf,
} from './read-fields.ts'
import type { Requirement } from './requirement.ts'
import { readAnnotations } from './read-annotations.ts'
import { readDelegation } from './read-delegation.ts'
import { type ObligationsText, readObligations } from './read-obligations.ts'
import { readBudget, readGrant, readRequirement } from './read-terms.ts'
import type { Condition } from './subject.ts'
import { readSubject, readSubjects, type SubjectText } from './read-subject.ts'

/** A policy file as written. */
export type PolicyText = {
  readonly sets: ReadonlyMap<string, SetText>
  readonly rules: readonly RuleText[]
}

export type SetText =
  | { readonly kind: 'subjects'; readonly subjects: readonly SubjectText[] }
  | { readonly kind: 'globs'; readonly globs: readonly Text[] }

/** An entry of a target list: a glob, or the name of a set of globs. */
export type TargetText = Text & { readonly kind: 'glob' | 'set' }

export type RuleText = {
  readonly path: Path
  readonly id: string
  readonly effect: Effect
  readonly subjects: readonly SubjectText[]
  readonly servers: readonly TargetText[]
  readonly targets: Readonly<Record<Area, readonly TargetText[]>>
  readonly except: Readonly<Record<Area, readonly TargetText[]>>
  readonly reason: string | undefined
  readonly disclose: boolean
  readonly show: boolean
  readonly shadow: boolean
  /** Conditions over callers that are added to each subject. */
  readonly delegation: readonly Condition[]
  readonly when: Text | undefined
  /** What is under `during`; its value is undefined where nothing is. */
  readonly during: Value
  readonly annotations: Partial<ToolTraits> | undefined
  readonly grant: GrantTerms | undefined
  readonly limits: Budget | undefined
  readonly require: Requirement | undefined
  readonly obligations: ObligationsText | undefined
  readonly credential: Text | undefined
}

/** Longest id: it is a metric label and stands in every audit record. */
const MAX_ID_LENGTH = 64

/** Longest reason: it may be sent in an error message. */
const MAX_REASON_LENGTH = 500

const FILE_KEYS = ['version', 'default', 'mode', 'sets', 'rules']
const RULE_KEYS = [
  'id',
  'effect',
  'mode',
  'subjects',
  ...AREAS,
  'servers',
  'except',
  'annotations',
  'when',
  'during',
  'delegation',
  'grant',
  'limits',
  'require',
  'obligations',
  'credential',
  'show',
  'reason',
  'disclose',
]

/** Reads what can be read. The result means something only when nothing was reported. */
export function readPolicy(data: unknown, report: Report): PolicyText {
  const root = fieldsOf({ value: data, path: [] }, report)
  if (root === undefined) return { sets: new Map(), rules: [] }
  checkKeys(root, { path: [], known: FILE_KEYS, later: [] }, report)
  if (root['version'] !== 1) report(['version'], 'write "version: 1", the only version there is')
  if (root['default'] !== undefined && root['default'] !== 'deny') {
    report(['default'], 'must be deny: what no rule allows is denied')
  }
  const shadow = readMode({ value: root['mode'], path: ['mode'] }, report)
  if (!Array.isArray(root['rules'])) report(['rules'], '"rules" must be a list')
  const rules = Array.isArray(root['rules']) ? root['rules'] : []
  return {
    sets: readSets({ value: root['sets'], path: ['sets'] }, report),
    rules: rules.flatMap(
      (value: unknown, index) => readRule({ value, path: ['rules', index] }, shadow, report) ?? [],
    ),
  }
}

function readSets(field: Value, report: Report): ReadonlyMap<string, SetText> {
  const sets = new Map<string, SetText>()
  if (field.value === undefined) return sets
  for (const [name, value] of Object.entries(fieldsOf(field, report) ?? {})) {
    sets.set(name, readSet({ value, path: [...field.path, name] }, report))
  }
  return sets
}

/** A set of subjects (one mapping, or a list of them) or of globs (a list of texts). */
function readSet(field: Value, report: Report): SetText {
  if (isFields(field.value)) {
    const subject = readSubject(field, report, 'set')
    return { kind: 'subjects', subjects: subject === undefined ? [] : [subject] }
  }
  if (Array.isArray(field.value) && field.value.some(isFields)) {
    return { kind: 'subjects', subjects: readSubjects(field, report, 'set') }
  }
  return { kind: 'globs', globs: textsOf(field, report) }
}

/** Whether rules are only watched. */
function readMode(field: Value, report: Report): boolean {
  return wordOf(field, ['enforce', 'shadow'], report) === 'shadow'
}

/** @param shadow Whether the whole file is in shadow mode. */
function readRule(entry: Value, shadow: boolean, report: Report): RuleText | undefined {
  const fields = fieldsOf(entry, report)
  if (fields === undefined) return undefined
  const { path } = entry
  const field = (key: string): Value => ({ value: fields[key], path: [...path, key] })
  checkKeys(fields, { path, known: RULE_KEYS, later: [] }, report)
  if (fields['subjects'] === undefined) {
    report(path, '"subjects" is missing: say whom the rule is about')
  }
  const effect = readEffect(field('effect'), report)
  const rule: RuleText = {
    path,
    id: readId(field('id'), report),
    effect,
    subjects: readSubjects(field('subjects'), report, 'rule'),
    servers: readTargets(field('servers'), report),
    targets: readAreas(fields, path, report),
    except: readExcept(field('except'), report),
    reason: readReason(field('reason'), report),
    disclose: flagOf(field('disclose'), report),
    show: flagOf(field('show'), report),
    shadow: readMode(field('mode'), report) || shadow,
    delegation: readDelegation(field('delegation'), report),
    when: readText(field('when'), report),
    credential: readText(field('credential'), report),
    during: field('during'),
    annotations: readAnnotations(field('annotations'), report),
    grant: readGrant(field('grant'), report),
    limits: readBudget(field('limits'), report),
    require: readRequirement(field('require'), report),
    obligations: readObligations(field('obligations'), effect, report),
  }
  checkTogether(rule, fields, report)
  return rule
}

function readId(field: Value, report: Report): string {
  if (field.value === undefined) report(field.path, '"id" is missing: name the rule in kebab-case')
  const id = textOf(field, report) ?? ''
  if (id !== '' && (id.length > MAX_ID_LENGTH || !/^[a-z0-9]+(?:-[a-z0-9]+)*$/.test(id))) {
    report(field.path, `"${id}" is not kebab-case of at most ${MAX_ID_LENGTH} characters`)
  }
  return id
}

function readEffect(field: Value, report: Report): RuleText['effect'] {
  if (field.value === undefined) {
    report(field.path, '"effect" is missing: write allow, deny or require')
  }
  return wordOf(field, ['allow', 'deny', 'require'], report) ?? 'deny'
}

function readAreas(fields: Fields, path: Path, report: Report): RuleText['targets'] {
  const read = (area: Area): readonly TargetText[] =>
    readTargets({ value: fields[area], path: [...path, area] }, report)
  return {
    tools: read('tools'),
    prompts: read('prompts'),
    resources: read('resources'),
    methods: read('methods'),
  }
}

function readExcept(field: Value, report: Report): RuleText['except'] {
  const fields = field.value === undefined ? undefined : fieldsOf(field, report)
  if (fields !== undefined) {
    checkKeys(fields, { path: field.path, known: AREAS, later: [] }, report)
    if (Object.keys(fields).length === 0) report(field.path, 'is empty: remove the key')
  }
  return readAreas(fields ?? {}, field.path, report)
}

function readTargets(field: Value, report: Report): readonly TargetText[] {
  return entriesOf(field, report).flatMap((entry): readonly TargetText[] => {
    if (!isFields(entry.value)) {
      const text = textOf(entry, report)
      return text === undefined ? [] : [{ kind: 'glob', text, path: entry.path }]
    }
    checkKeys(entry.value, { path: entry.path, known: ['set'], later: [] }, report)
    const set = { value: entry.value['set'], path: [...entry.path, 'set'] }
    const text = textOf(set, report)
    return text === undefined ? [] : [{ kind: 'set', text, path: set.path }]
  })
}

function readText(field: Value, report: Report): Text | undefined {
  const text = textOf(field, report)
  return text === undefined ? undefined : { text, path: field.path }
}

function readReason(field: Value, report: Report): string | undefined {
  const reason = textOf(field, report)
  if (reason !== undefined && reason.length > MAX_REASON_LENGTH) {
    report(field.path, `is longer than ${MAX_REASON_LENGTH} characters`)
  }
  return reason
}

/** What the keys of one rule say of each other. */
function checkTogether(rule: RuleText, fields: Fields, report: Report): void {
  const { path } = rule
  const has = (key: string): boolean => fields[key] !== undefined
  const named = ['tools', 'prompts', 'resources'].filter(has)
  if (!['servers', ...AREAS].some(has)) {
    report(path, 'the rule names no target: add tools, prompts, resources, methods or servers')
  }
  if (has('servers') && named.length > 0) {
    const message = `"servers" does not go with "${named.join('" and "')}", whose entries name their server already: write two rules`
    report([...path, 'servers'], message, 'key')
  }
  checkEffect(rule, has, report)
  if (rule.disclose && rule.reason === undefined) {
    report([...path, 'disclose'], 'there is no "reason" to disclose: add one', 'key')
  }
}

/** Keys that mean something with one effect only. */
function checkEffect(rule: RuleText, has: (key: string) => boolean, report: Report): void {
  const { path, effect, show, disclose } = rule
  const refuse = (key: string, message: string): void => {
    if (has(key)) report([...path, key], message, 'key')
  }
  if (effect === 'require' && !has('require')) {
    report(path, '"require" is missing: say what is required, approval, step_up or scopes')
  }
  if (effect !== 'require')
    refuse('require', 'goes with "effect: require" only: write a second rule')
  if (effect !== 'allow') {
    refuse('grant', 'only an allow rule can be granted')
    refuse('limits', 'only an allow rule has something to limit')
    refuse('credential', 'only what an allow rule allows goes up with one')
    refuse('delegation', 'narrows an allow rule: a deny rule names a chain in its subjects')
  }
  if (effect !== 'allow' || !(has('grant') || has('during'))) {
    refuse('show', 'shows what an allow rule with during or a grant allows: there is none here')
  }
  if (has('annotations') && !has('tools') && !has('servers')) {
    refuse('annotations', 'are those of tools: the rule names none')
  }
  if (disclose && effect === 'allow' && !show) {
    report(
      [...path, 'disclose'],
      'an allow rule has something to disclose only with "show: true"',
      'key',
    )
  }
}

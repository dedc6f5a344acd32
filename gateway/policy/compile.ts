/**
 * Policy files to rules: sets are resolved, targets are spread over the servers they name, and what
 * makes no sense is reported. All mistakes of all files at once; one of them refuses everything.
 */
import type { Problem, SourceDocument } from '../model/problem.ts'
import type { Obligations } from '../model/terms.ts'
import { assemble, type PlacedRule } from './assemble.ts'
import { compileCoverage, type CoverageContext } from './compile-coverage.ts'
import type { CompileExpression, Expression } from './expression.ts'
import { type Clocks, createClocks } from './local-clock.ts'
import type { Servers } from './place.ts'
import type { Report } from './read-fields.ts'
import { readPolicy, type RuleText } from './read-policy.ts'
import { readWindow } from './read-window.ts'
import type { SubjectText } from './read-subject.ts'
import type { Rules } from './rules.ts'
import type { Subject } from './subject.ts'
import { expressionWarnings, findEmpty, findShadowed } from './warnings.ts'

export type CompileResult =
  | { readonly ok: true; readonly rules: Rules; readonly warnings: readonly Problem[] }
  | { readonly ok: false; readonly problems: readonly Problem[] }

/** What is known where policy files are compiled. */
export type Known = Partial<Omit<Servers, 'names'>> & {
  readonly compileExpression: CompileExpression
  readonly notifications?: ReadonlySet<string>
}

/**
 * Compiles policy files for the servers named; no file at all is a policy that denies everything.
 * Warnings are about rules that say less than they seem to. Never throws.
 *
 * @param known.compileExpression For `when`; see `openExpressions`.
 * @param known.opaque Servers whose resource URIs have no canonical form: resource rules for them must
 *   be exact. Default none.
 * @param known.credentials Names of the credentials that rules may choose, by server; any by default.
 * @param known.notifications Names that `notify` may have; any by default.
 */
export function compilePolicy(
  documents: readonly SourceDocument[],
  servers: readonly string[],
  known: Known,
): CompileResult {
  const { compileExpression, notifications, ...more } = known
  const there: Servers = { names: servers, opaque: new Set(), ...more }
  const problems: Problem[] = []
  const warnings: Problem[] = []
  const clocks = createClocks()
  const placed = documents.flatMap((document) => {
    const report = reporter(document, problems)
    const policy = readPolicy(document.data, report)
    const warn = reporter(document, warnings)
    const context = {
      document,
      policy,
      report,
      warn,
      compileExpression,
      clocks,
      servers: there,
      notifications,
    }
    return policy.rules.map((rule) => compileRule(rule, context))
  })
  problems.push(...duplicates(placed))
  if (problems.length > 0) return { ok: false, problems }
  const rules = assemble(placed, there)
  const idle = [...findEmpty(rules.servers), ...findShadowed(rules.servers)]
  return { ok: true, rules, warnings: [...warnings, ...idle] }
}

type Context = CoverageContext & {
  readonly document: SourceDocument
  readonly compileExpression: CompileExpression
  readonly clocks: Clocks
  /** Names of configured notifications; undefined where nobody knows. */
  readonly notifications: ReadonlySet<string> | undefined
}

/** Reports into a list, each thing once: a mistake in a set shows wherever the set is used. */
function reporter({ file, at }: SourceDocument, into: Problem[]): Report {
  const seen = new Set<string>()
  return (path, message, part) => {
    const key = JSON.stringify([path, message])
    if (!seen.has(key)) into.push({ file, ...at(path, part), message })
    seen.add(key)
  }
}

function compileRule(text: RuleText, context: Context): PlacedRule {
  const { id, effect, reason, disclose, show, shadow, grant, limits, require, annotations } = text
  const obligations = compileObligations(text, context)
  const { path } = text
  const { file, at } = context.document
  const subjects = text.subjects
    .flatMap((subject) => resolveSubject(subject, context))
    .map((subject) => [...subject, ...text.delegation])
  if (effect !== 'deny' && subjects.some((all) => all.some(({ key }) => key === 'chain'))) {
    const message = '"chain" may stand in deny rules only: earlier actors of a token prove nothing'
    context.report([...path, 'subjects'], message)
  }
  const when = compileWhen(text, context)
  const during = readWindow(text.during, context.clocks, context.report)
  const conditional = [when, during, annotations, grant].some((one) => one !== undefined)
  const terms = { when, during, annotations, grant, limits, require, obligations }
  const credential = text.credential?.text
  const said = { id, effect, subjects, reason, disclose, show, shadow, ...terms, credential }
  const rule = { ...said, conditional, file, ...at(path) }
  const coverages = compileCoverage(text, context)
  checkCredential(text, [...coverages.keys()], context)
  return { rule, coverages }
}

/** Every server that the rule covers must have the credential that it names. */
function checkCredential(
  { credential }: RuleText,
  covered: readonly string[],
  { servers: { credentials }, report }: Context,
): void {
  if (credential === undefined || credentials === undefined) return
  const { text, path } = credential
  for (const server of covered) {
    const names = credentials.get(server) ?? []
    if (names.includes(text)) continue
    const has = names.length === 0 ? 'it has none for rules' : `it has ${names.join(', ')}`
    const advice = 'add it to credentials of that server, or narrow the rule'
    report(path, `the server "${server}" has no credential "${text}"; ${has}: ${advice}`)
  }
}

/** Whom to tell is named in the configuration; policy files by themselves know nobody, and may name any. */
function compileObligations(
  { obligations }: RuleText,
  { notifications, report }: Context,
): Obligations | undefined {
  if (obligations === undefined) return undefined
  const { recordsArguments, redact, notify } = obligations
  for (const { text, path } of notify) {
    if (notifications === undefined || notifications.has(text)) continue
    const known = [...notifications].join(', ')
    const there = known === '' ? 'there are none' : `there are ${known}`
    report(path, `no notification "${text}" is configured; ${there}`)
  }
  return { recordsArguments, redact, notify: [...new Set(notify.map(({ text }) => text))] }
}

function compileWhen(rule: RuleText, context: Context): Expression | undefined {
  const { when } = rule
  if (when === undefined) return undefined
  const read = context.compileExpression(when.text)
  if (read.ok) {
    for (const warning of expressionWarnings(read.expression, rule)) {
      context.warn(when.path, warning)
    }
    return read.expression
  }
  context.report(when.path, read.message)
  return undefined
}

/** A subject with the conditions of its set: one subject for each the set has. */
function resolveSubject(
  { conditions, set }: SubjectText,
  { policy, report }: Context,
): readonly Subject[] {
  if (set === undefined) return [conditions]
  const found = policy.sets.get(set.text)
  if (found?.kind === 'subjects') {
    return found.subjects.map((subject) => [...conditions, ...subject.conditions])
  }
  const wrong = found === undefined ? 'is not defined in this file' : 'lists globs, not subjects'
  report(set.path, `the set "${set.text}" ${wrong}`)
  return []
}

function duplicates(placed: readonly PlacedRule[]): readonly Problem[] {
  const seen = new Map<string, PlacedRule['rule']>()
  return placed.flatMap(({ rule }) => {
    const { id, file, line, column } = rule
    const first = seen.get(id)
    if (first === undefined || id === '') {
      seen.set(id, rule)
      return []
    }
    const message = `the id "${id}" is taken by ${first.file}:${first.line}: ids are unique over all files`
    return [{ file, line, column, message }]
  })
}

/** What a recorded decision may have rested on and its record does not hold, so that today's may be wrong. */
import { REDACTED } from './recorded-arguments.ts'
import type { Explanation, Trace } from './explain.ts'
import { isCut, type RecordedCall } from './recorded-call.ts'
import type { RecordedAnswer } from './recorded-decision.ts'
import type { Rule } from './rules.ts'

/** What was told beside the record by whoever asks. */
export type Told = {
  readonly args: boolean
  readonly claims: boolean
  /** Groups or scopes. */
  readonly groups: boolean
  /** Rules that the caller is said to have a grant for. */
  readonly granted: ReadonlySet<string>
}

/**
 * What is not known and could decide, each with the option that would tell it. Of arguments, claims,
 * annotations and grants only what a rule that speaks of the call asks about.
 */
export function notRecorded(
  { recorded, ...found }: RecordedAnswer,
  explanation: Explanation,
  told: Told,
): readonly string[] {
  const near = explanation.traces.filter(({ reach }) => reach !== 'misses')
  const rules = near.map(({ rule }) => rule)
  return [
    ...leftOut(found.groupsLeftOut, 'groups', '--group'),
    ...leftOut(found.scopesLeftOut, 'scopes', '--scope'),
    ...(told.groups ? [] : basisMissing(recorded, explanation.traces)),
    ...cutNames(recorded),
    ...(told.args ? [] : argumentsMissing(found.arguments, rules)),
    ...(!told.claims && rules.some(asksClaims)
      ? ['claims of its token are never recorded: rules that ask for them find none (--claims)']
      : []),
    ...(rules.some(asksTraits)
      ? ['what the tool says of itself (annotations) is not recorded: it counts as not known']
      : []),
    ...rules.filter((rule) => asksGrant(rule, recorded, told)).map(grantMissing),
  ]
}

function leftOut(count: number, what: string, option: string): readonly string[] {
  if (count === 0) return []
  return [`${count} of its ${what} were left out of the record: name those that matter (${option})`]
}

/** A record without groups and scopes is that of a caller without any, or of a log that keeps none. */
function basisMissing({ caller }: RecordedCall, traces: readonly Trace[]): readonly string[] {
  if (caller.groups.size + caller.scopes.size > 0) return []
  const asked = traces.some(({ failing }) =>
    failing.flat().some(({ key }) => key === 'groups' || key === 'scopes'),
  )
  if (!asked) return []
  return [
    'no groups and no scopes: its caller had none, or audit.record_groups is false (--group, --scope)',
  ]
}

function cutNames({ caller, call }: RecordedCall): readonly string[] {
  const names = [
    ...call.targets.map(({ name }) => name),
    caller.subject,
    caller.client,
    ...caller.groups,
    ...caller.scopes,
  ].filter(isCut)
  if (names.length === 0) return []
  return ['a name in it was too long to be recorded whole: rules are asked about its beginning']
}

function argumentsMissing(text: string | undefined, rules: readonly Rule[]): readonly string[] {
  if (!rules.some(({ when }) => when?.reads.has('args') === true)) return []
  if (text === undefined) {
    return [
      'arguments were not recorded: rules that ask for them are asked as if there were none (--args)',
    ]
  }
  if (isCut(text)) {
    return [
      'arguments were too long to be recorded whole: rules are asked as if there were none (--args)',
    ]
  }
  if (!text.includes(REDACTED)) return []
  return [`arguments were redacted: rules see "${REDACTED}" in their place (--args)`]
}

function asksClaims({ subjects, when, require }: Rule): boolean {
  const byClaim = subjects.flat().some(({ key }) => key === 'claim' || key === 'idp')
  return byClaim || when?.reads.has('caller') === true || require?.stepUp !== undefined
}

function asksTraits({ annotations, when }: Rule): boolean {
  return annotations !== undefined || when?.reads.has('tool') === true
}

/** A use of a grant names the grant, and one that was missed is the reason. */
function asksGrant({ id, grant }: Rule, recorded: RecordedCall, { granted }: Told): boolean {
  return grant !== undefined && !granted.has(id) && recorded.reason !== 'no_grant'
}

function grantMissing({ id }: Rule): string {
  return `whether its caller had a grant for ${id}: asked as if it had none (--granted ${id})`
}

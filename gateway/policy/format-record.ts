/** A recorded decision beside the one that would be made today, in lines of text for a terminal. */
import type { Decision } from '../model/decision.ts'
import type { Caller } from '../model/caller.ts'
import { BEYOND_RULES, isByRules, type RecordedCall } from './recorded-call.ts'
import { isAnswer, type RecordedAnswer, type RecordedDecision } from './recorded-decision.ts'

/** What was decided, for whom, and how it ended. */
export function* formatRecorded(found: RecordedDecision): Generator<string> {
  const { id, time, config, ending } = found
  yield `Recorded at ${time} as ${id}, by configuration ${config}:`
  yield `  decided  ${describeRecorded(found)}`
  if (isAnswer(found)) yield `  who      ${describeWho(found.recorded.caller)}`
  if (ending === undefined) {
    yield '  ended    not yet, or its outcome is not in these files'
    return
  }
  const { outcome, refusal, detail } = ending
  const code = refusal === undefined ? '' : ` (${refusal})`
  yield `  ended    ${outcome}${code}${detail === undefined ? '' : `: ${detail}`}`
}

/** What stands between a record and an equal decision, as far as it can be told. */
export type Comparison = {
  /** Something that rules ask about is not in the record, so that today's decision may be another one. */
  readonly isPartial: boolean
  /** The rules are those of the record. */
  readonly isSameConfig: boolean
}

/** In what today's decision is another one; the same is said in one line. */
export function* formatChange(
  { recorded, credential, ending }: RecordedAnswer,
  today: Decision,
  { isPartial, isSameConfig }: Comparison,
): Generator<string> {
  const beyond = beyondRules(recorded, ending)
  if (beyond !== undefined) {
    yield `  today    the rules would ${VERBS[today.effect]} it; it was not they that refused it: ${beyond}`
    return
  }
  const is = sidesOf(today)
  const sides = [
    ['effect', recorded.effect, is.effect],
    ['rule', recorded.rule, is.rule],
    ['reason', recorded.reason, is.reason],
    ['credential', credential, is.credential],
    ['left out', namesOf(recorded.dropped), is.dropped],
  ] as const
  const changes = sides.filter(([, before, after]) => before !== after)
  if (changes.length === 0) {
    yield '  today    decided alike'
    return
  }
  if (isPartial && isSameConfig)
    yield '  today    the same rules: what the record does not know decides'
  else if (isPartial) yield '  today    MAY DIFFER, unless what the record does not know decides'
  else yield '  today    DIFFERS'
  for (const [what, before = 'none', after = 'none'] of changes) {
    yield `           ${what} was ${before}, is ${after}`
  }
}

/** Who else refused it; undefined where the rules decided. */
function beyondRules(recorded: RecordedCall, ending: RecordedAnswer['ending']): string | undefined {
  if (isByRules(recorded)) return undefined
  const early = `${ending?.refusal ?? 'something'} came before they were asked`
  return BEYOND_RULES.get(recorded.reason ?? '') ?? early
}

const VERBS = { allow: 'allow', deny: 'deny', require: 'hold' } as const satisfies Record<
  Decision['effect'],
  string
>

/** What of a decision stands in its record. */
function sidesOf(decision: Decision): {
  readonly [side in 'effect' | 'rule' | 'reason' | 'credential' | 'dropped']: string | undefined
} {
  const { effect, rule } = decision
  return {
    effect,
    rule,
    reason: decision.effect === 'deny' ? decision.reason : undefined,
    credential: decision.effect === 'allow' ? decision.credential : undefined,
    dropped: decision.effect === 'allow' ? namesOf(decision.dropped) : undefined,
  }
}

function namesOf(targets: RecordedCall['dropped']): string | undefined {
  return targets.length === 0 ? undefined : targets.map(({ name }) => name).join(', ')
}

/** The decision as recorded, in a few words. */
export function describeRecorded({ recorded, reason }: RecordedDecision): string {
  const why = reason === undefined ? '' : ` (${reason})`
  if (recorded === 'no_call') return `refused before there was a call${why}: no rule was asked`
  if (recorded === 'not_complete') return 'not known: the record is not complete'
  const by = recorded.rule === undefined ? '' : ` by ${recorded.rule}`
  return `${recorded.effect.toUpperCase()}${why}${by}`
}

/** The caller as the record has it. */
function describeWho({ kind, subject, issuer, client, ...of }: Caller): string {
  const parts = [
    `${kind} "${subject}" of ${issuer}`,
    client === '' ? '' : `client "${client}"`,
    of.tenant === 'default' ? '' : `tenant ${of.tenant}`,
    of.groups.size === 0 ? 'no groups' : `groups ${[...of.groups].join(' ')}`,
    of.scopes.size === 0 ? 'no scopes' : `scopes ${[...of.scopes].join(' ')}`,
    of.actors.length === 0 ? '' : `acted for by ${of.actors.map((one) => one.subject).join(', ')}`,
  ]
  return parts.filter((part) => part !== '').join(', ')
}

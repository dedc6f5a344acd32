/** A recorded decision beside the one that would be made today, in lines of text for a terminal. */
import type { Decision } from '../model/decision.ts'
import type { Caller } from '../model/caller.ts'
import { BEYOND_RULES, type RecordedCall } from './recorded-call.ts'
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

/** In what today's decision is another one; the same is said in one line. */
export function* formatChange(
  { recorded, credential }: RecordedAnswer,
  today: Decision,
): Generator<string> {
  const beyond = BEYOND_RULES.get(recorded.reason ?? '')
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
  if (changes.length === 0) yield '  today    decided alike'
  for (const [at, [what, before = 'none', after = 'none']] of changes.entries()) {
    yield `${at === 0 ? '  today    DIFFERS: ' : '                    '}${what} was ${before}, is ${after}`
  }
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
  if (recorded === 'not_complete') return `not known: the record is not complete`
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

/** A difference between two policies in lines of text, for a terminal and for the log. */
import type { Decision } from '../model/decision.ts'
import { countCalls, type DecisionChange, type PolicyDiff } from './diff.ts'
import { howMany } from './how-many.ts'
import { printable } from './printable.ts'
import type { AskedCall } from './recorded-call.ts'
import type { Rules } from './rules.ts'

/** Examples shown of each sort of change; the rest is counted. */
export const MAX_EXAMPLES = 10

const SORTS = [
  ['denied', 'now denied'],
  ['allowed', 'now allowed'],
  ['other', 'decided alike by another rule or for another reason'],
] as const satisfies readonly (readonly [keyof PolicyDiff, string])[]

/** All changes with examples, those that happen most first. */
export function* formatDiff(
  diff: PolicyDiff,
  { before, after }: { readonly before: Rules; readonly after: Rules },
): Generator<string> {
  const { calls, distinct, denied, allowed, other } = diff
  const changed = countCalls([...denied, ...allowed, ...other])
  yield `${howMany(calls, 'call')} (${distinct} different): ${calls - changed} decided as before`
  if (diff.withoutArguments > 0) {
    yield `${diff.withoutArguments} of them are asked about arguments that are not known: decided as if there were none`
  }
  for (const [sort, title] of SORTS) {
    const changes = diff[sort]
    if (changes.length === 0) continue
    yield ''
    yield `${title}: ${times(countCalls(changes), changes.length)}`
    for (const change of often(changes).slice(0, MAX_EXAMPLES)) {
      yield `  ${change.count}x  ${describeAsked(change.asked)}`
      yield `        before  ${describeDecision(change.before, before)}`
      yield `        after   ${describeDecision(change.after, after)}`
      yield `        as in   ${printable(change.asked.label)}`
    }
    if (changes.length > MAX_EXAMPLES) yield `  and ${changes.length - MAX_EXAMPLES} more`
  }
}

/** The change in one line, with the rules that make it; undefined when no call is decided otherwise. */
export function summarizeDiff({
  calls,
  denied,
  allowed,
}: Pick<PolicyDiff, 'calls' | 'denied' | 'allowed'>): string | undefined {
  if (denied.length + allowed.length === 0) return undefined
  const parts = [
    { changes: denied, what: 'now denied' },
    { changes: allowed, what: 'now allowed' },
  ].flatMap(({ changes, what }) => {
    const [first] = often(changes)
    if (first === undefined) return []
    const rule = first.after.rule ?? first.before.rule
    const by = rule === undefined ? '' : ` (${rule})`
    return [`${countCalls(changes)} ${what}, as ${describeAsked(first.asked)}${by}`]
  })
  return `of ${calls} recent calls ${parts.join('; ')}`
}

/** Who asks whom for what. Names come from tokens and clients: nothing in them acts on a terminal. */
export function describeAsked({ caller, call, server }: AskedCall): string {
  const groups = caller.groups.size === 0 ? '' : ` in ${[...caller.groups].join(', ')}`
  const [target, ...more] = call.targets
  const what =
    target === undefined
      ? call.method || call.kind
      : `${target.kind} ${JSON.stringify(target.task?.tool ?? target.name)}`
  const rest = more.length === 0 ? '' : ` and ${more.length} more`
  return printable(
    `${caller.kind} "${caller.subject}"${groups} asking ${server} for ${what}${rest}`,
  )
}

function describeDecision(decision: Decision, rules: Rules): string {
  if (decision.effect === 'allow') return `allow by ${cite(decision.rule, rules)}`
  const by = decision.rule === undefined ? '' : ` by ${cite(decision.rule, rules)}`
  if (decision.effect === 'require') return `require${by}`
  return `deny (${decision.reason})${by}`
}

function cite(id: string, { servers }: Rules): string {
  for (const { reaches } of servers.values()) {
    const found = reaches.find(({ rule }) => rule.id === id)?.rule
    if (found !== undefined) return `${id} (${found.file}:${found.line})`
  }
  return id
}

function often(changes: readonly DecisionChange[]): readonly DecisionChange[] {
  return changes.toSorted((a, b) => b.count - a.count)
}

function times(calls: number, distinct: number): string {
  return calls === distinct ? howMany(calls, 'call') : `${calls} calls, ${distinct} different`
}

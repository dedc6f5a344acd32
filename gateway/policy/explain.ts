/**
 * Why a call is decided as it is: every rule that matched or nearly did, what kept it from matching,
 * and the nearest rule that would have allowed.
 */
import type { Call, Target } from '../model/call.ts'
import type { Caller } from '../model/caller.ts'
import type { Decision } from '../model/decision.ts'
import { decide } from './decide.ts'
import { judgeConditions } from './conditions.ts'
import {
  areaOf,
  type Coverage,
  covers,
  coversEverything,
  coversMethod,
  namesMethod,
} from './coverage.ts'
import type { Occasion } from './occasion.ts'
import type { Reach, Rule, Rules } from './rules.ts'
import { type Condition, failingConditions, fitSubjects } from './subject.ts'
import { type View, viewFor } from './view.ts'
import { isVisible } from './visible.ts'

export type Explanation = {
  readonly caller: Caller
  readonly call: Call
  readonly server: string
  readonly decision: Decision
  /** Whether lists show the target; undefined for calls that name none. */
  readonly visible: boolean | undefined
  /** The rule that decided; undefined when none of a file did. */
  readonly deciding: Rule | undefined
  /** Rules whose subjects or targets match, in the order of their ids. */
  readonly traces: readonly Trace[]
  /** For a deny, the allow rule that lacks least to have allowed the call. */
  readonly nearest: Trace | undefined
  /** For a deny where no allow rule speaks of what is asked: the one whose names are most like it. */
  readonly alike: Alike | undefined
  /** When it is asked, in epoch milliseconds. */
  readonly nowMs: number
  /** Whether arguments are known; what depends on them is decided as if there were none, else. */
  readonly hasArguments: boolean
}

export type Alike = { readonly trace: Trace; readonly names: readonly string[] }

/** What of a rule, beside whom and what it is about, keeps it from matching. */
export type Term = 'annotations' | 'when' | 'during' | 'grant'

/** One rule held against the call. */
export type Trace = {
  readonly rule: Rule
  readonly fit: 'holds' | 'lacks_scopes' | 'fails'
  /** For each subject of the rule, the conditions the caller does not meet. */
  readonly failing: readonly (readonly Condition[])[]
  readonly reach: 'covers' | 'excepted' | 'misses'
  /** Its terms that do not hold on this occasion; none where it does not speak of what is asked. */
  readonly unmet: readonly Term[]
}

/** Explains the decision about a call with at most one target; of more, the one it failed on. */
export function explain(rules: Rules, caller: Caller, call: Call, occasion: Occasion): Explanation {
  const { server } = occasion
  const decision = decide(rules, caller, call, occasion)
  const target = (decision.effect === 'allow' ? undefined : decision.target) ?? call.targets[0]
  const reaches = rules.servers.get(server)?.reaches ?? []
  const asking = call.needs === 'connection' ? 'connection' : 'call'
  const view = viewFor(rules, caller, { occasion, asking, call, method: call.method })
  const question = { caller, call, target, view }
  const all = reaches.map((reach) => trace(reach, question))
  const traces = all.filter(({ fit, reach }) => fit !== 'fails' || reach !== 'misses')
  const nearest = decision.effect === 'deny' ? findNearest(traces) : undefined
  const isUnnamed = decision.effect === 'deny' && nearest === undefined
  return {
    caller,
    call,
    server,
    decision,
    visible: target && isVisible(rules, caller, target, occasion),
    deciding: reaches.find(({ rule }) => rule.id === decision.rule)?.rule,
    traces,
    nearest,
    alike: isUnnamed ? findAlike(reaches, all, target) : undefined,
    nowMs: occasion.nowMs,
    hasArguments: occasion.frame !== undefined,
  }
}

type Question = {
  readonly caller: Caller
  readonly call: Call
  readonly target: Target | undefined
  readonly view: View | undefined
}

function trace({ rule, coverage }: Reach, question: Question): Trace {
  const { caller } = question
  let reach: Trace['reach'] = 'misses'
  if (speaksOf(rule, coverage, question)) reach = 'covers'
  else if (speaksOf(rule, { ...coverage, excepted: NO_EXCEPTIONS }, question)) reach = 'excepted'
  return {
    rule,
    fit: fitSubjects(rule.subjects, caller).how,
    failing: rule.subjects.map((subject) => failingConditions(subject, caller)),
    reach,
    unmet: reach === 'misses' ? [] : unmetTerms(rule, question),
  }
}

const TERMS = ['annotations', 'when', 'during', 'grant'] as const satisfies readonly Term[]

/** Each term held against the call by itself. */
function unmetTerms(rule: Rule, { view, target }: Question): readonly Term[] {
  if (view === undefined || !rule.conditional) return []
  const bare = {
    ...rule,
    annotations: undefined,
    when: undefined,
    during: undefined,
    grant: undefined,
  }
  return TERMS.filter((term) => {
    if (rule[term] === undefined) return false
    return judgeConditions({ ...bare, [term]: rule[term] }, view, target) !== 'holds'
  })
}

/** To tell what a rule leaves out from what it never named. */
const NO_EXCEPTIONS: Coverage['excepted'] = { tools: [], prompts: [], resources: [], methods: [] }

/** Whether the rule would be found for this call, were its subjects to fit. */
function speaksOf(rule: Rule, coverage: Coverage, { call, target }: Question): boolean {
  if (rule.effect !== 'allow' && namesMethod(coverage, call.method)) return true
  if (target !== undefined) return covers(coverage, target, rule.effect)
  if (call.needs === 'method') return coversMethod(coverage, call.method)
  return rule.effect === 'allow' || coversEverything(coverage)
}

/** Fewest conditions in the way; a rule that never speaks of the target is not near. */
function findNearest(traces: readonly Trace[]): Trace | undefined {
  return traces
    .filter(({ rule, reach }) => rule.effect === 'allow' && reach !== 'misses')
    .toSorted((a, b) => distance(a) - distance(b))[0]
}

function distance({ failing, reach, unmet, rule }: Trace): number {
  const subject = Math.min(...failing.map(({ length }) => length))
  return subject + unmet.length + Number(reach === 'excepted') + Number(rule.shadow)
}

/** Names of a rule that are told. */
const MAX_NAMES = 3

/** The allow rule that names what is most like the target, among those about this caller where there are any. */
function findAlike(
  reaches: readonly Reach[],
  traces: readonly Trace[],
  target: Target | undefined,
): Alike | undefined {
  const area = target === undefined ? 'methods' : areaOf(target.kind)
  if (area === undefined) return undefined
  const candidates = reaches.flatMap(({ rule, coverage }, at) => {
    const found = traces[at]
    const globs = coverage.included[area]
    if (rule.effect !== 'allow' || globs.length === 0 || found === undefined) return []
    const like = Math.max(...globs.map(({ text }) => commonLength(text, target?.name ?? '')))
    const names = globs.slice(0, MAX_NAMES).map(({ text }) => text)
    return [{ trace: found, names, like, far: distance(found) }]
  })
  return candidates.toSorted((a, b) => a.far - b.far || b.like - a.like)[0]
}

function commonLength(a: string, b: string): number {
  let length = 0
  while (length < a.length && a[length] === b[length]) length += 1
  return length
}

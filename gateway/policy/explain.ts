/**
 * Why a call is decided as it is: every rule that matched or nearly did, what kept it from matching,
 * and the nearest rule that would have allowed.
 */
import type { Call, Target } from '../model/call.ts'
import type { Caller } from '../model/caller.ts'
import type { Decision } from '../model/decision.ts'
import { decide } from './decide.ts'
import { type Coverage, covers, coversEverything, coversMethod, namesMethod } from './coverage.ts'
import type { Occasion } from './occasion.ts'
import type { Reach, Rule, Rules } from './rules.ts'
import { type Condition, failingConditions, fitSubjects } from './subject.ts'
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
}

/** One rule held against the call. */
export type Trace = {
  readonly rule: Rule
  readonly fit: 'holds' | 'lacks_scopes' | 'fails'
  /** For each subject of the rule, the conditions the caller does not meet. */
  readonly failing: readonly (readonly Condition[])[]
  readonly reach: 'covers' | 'excepted' | 'misses'
}

/** Explains the decision about a call with at most one target; of more, the one it failed on. */
export function explain(rules: Rules, caller: Caller, call: Call, occasion: Occasion): Explanation {
  const { server } = occasion
  const decision = decide(rules, caller, call, occasion)
  const target = (decision.effect === 'allow' ? undefined : decision.target) ?? call.targets[0]
  const reaches = rules.servers.get(server)?.reaches ?? []
  const traces = reaches
    .map((reach) => trace(reach, { caller, call, target }))
    .filter(({ fit, reach }) => fit !== 'fails' || reach !== 'misses')
  return {
    caller,
    call,
    server,
    decision,
    visible: target && isVisible(rules, caller, target, occasion),
    deciding: reaches.find(({ rule }) => rule.id === decision.rule)?.rule,
    traces,
    nearest: decision.effect === 'deny' ? findNearest(traces) : undefined,
  }
}

type Question = {
  readonly caller: Caller
  readonly call: Call
  readonly target: Target | undefined
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
  }
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
  const distance = ({ failing, reach }: Trace): number =>
    Math.min(...failing.map(({ length }) => length)) + (reach === 'excepted' ? 1 : 0)
  return traces
    .filter(({ rule, reach }) => rule.effect === 'allow' && reach !== 'misses')
    .toSorted((a, b) => distance(a) - distance(b))[0]
}

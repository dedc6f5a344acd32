/**
 * Conditions of a rule on more than whom and what: held against one call, or against all the calls that
 * somebody could still make where only a name is known.
 */
import type { Target } from '../model/call.ts'
import { DEFAULT_TRAITS, type ToolTraits } from '../model/tool-traits.ts'
import { bindingsFor } from './bindings.ts'
import type { Answer, Expression } from './expression.ts'
import type { Rule } from './rules.ts'
import type { View } from './view.ts'
import { isOpen } from './window.ts'

/**
 * `unknown`: it depends on what is not said yet, which only lists and other outlines meet. The next two: it
 * holds but for its time, or for its grant.
 */
export type Holding = 'holds' | 'unknown' | 'outside_window' | 'no_grant' | 'fails'

/**
 * Whether the conditions of a rule hold in this view. An expression that fails to answer keeps an allow from
 * matching and makes every other rule match.
 *
 * @param target What is asked for; undefined for a connection and for a method.
 */
export function judgeConditions(rule: Rule, view: View, target: Target | undefined): Holding {
  const { when, during, grant, annotations, effect } = rule
  let holding: Holding = 'holds'
  if (annotations !== undefined) {
    holding = judgeTraits(annotations, rule, { view, target })
    if (holding === 'fails') return 'fails'
  }
  if (when !== undefined) {
    const answer = judgeExpression(when, rule, { view, target })
    if (answer === 'false' || (answer === 'error' && effect === 'allow')) return 'fails'
    if (answer === 'unknown') holding = 'unknown'
  }
  if (during !== undefined && !isOpen(during, view.occasion.nowMs)) {
    return effect === 'allow' ? 'outside_window' : 'fails'
  }
  if (grant !== undefined && !hasGrant(rule, view)) return 'no_grant'
  return holding
}

type Asked = { readonly view: View; readonly target: Target | undefined }

/** Annotations are those of tools: a rule that names some speaks of nothing else. */
function judgeTraits(
  wanted: Partial<ToolTraits>,
  { effect }: Rule,
  { view, target }: Asked,
): Holding {
  if (view.asking === 'connection') return 'unknown'
  if (target?.kind !== 'tool') return 'fails'
  const has = (traits: ToolTraits): boolean =>
    TRAITS.every((trait) => wanted[trait] === undefined || wanted[trait] === traits[trait])
  const known = traitsOf(target, view)
  return (effect === 'allow' ? known.every(has) : known.some(has)) ? 'holds' : 'fails'
}

const TRAITS = ['readOnlyHint', 'destructiveHint', 'idempotentHint', 'openWorldHint'] as const

/** What an expression answers; where a tool has several definitions, the answer that allows least. */
function judgeExpression(
  when: Expression,
  { effect }: Rule,
  { view, target }: Asked,
): Answer | 'unknown' {
  const known = when.reads.has('tool') && target?.kind === 'tool' ? traitsOf(target, view) : NO_TOOL
  const answers = new Set(known.map((traits) => evaluate(when, traits, { view, target })))
  const order = effect === 'allow' ? LEAST_ALLOWING : MOST_DENYING
  return order.find((answer) => answers.has(answer)) ?? 'error'
}

const LEAST_ALLOWING = ['false', 'error', 'unknown', 'true'] as const
const MOST_DENYING = ['true', 'error', 'unknown', 'false'] as const
const NO_TOOL: readonly undefined[] = [undefined]

/** An error that knowing more could mend is no error yet. */
function evaluate(
  when: Expression,
  traits: ToolTraits | undefined,
  { view, target }: Asked,
): Answer | 'unknown' {
  const bound = bindingsFor(when, view, { target, traits })
  if (bound === undefined) return 'error'
  const answer = when.evaluate(bound.bindings)
  return answer === 'error' && bound.isOpen ? 'unknown' : answer
}

/** Of each definition of the tool; the ones the specification gives to a tool that says nothing, else. */
function traitsOf({ name }: Target, { occasion }: View): readonly ToolTraits[] {
  const known = occasion.facts.traits(occasion.server, name)
  return known.length === 0 ? UNLISTED : known
}

const UNLISTED = [DEFAULT_TRAITS]

/** When its uses are gone, the last of them may still be running, and what they made be asked about. */
function hasGrant({ id }: Rule, { occasion, caller, asking }: View): boolean {
  const state = occasion.facts.grant(id, caller)
  return state === 'live' || (state === 'used_up' && (asking === 'task' || asking === 'connection'))
}

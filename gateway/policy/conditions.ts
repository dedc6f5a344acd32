/**
 * Conditions of a rule on more than whom and what: held against one call, or against all the calls that
 * somebody could still make where only a name is known.
 */
import type { Rule } from './rules.ts'
import type { View } from './view.ts'

/**
 * `unknown`: it depends on what is not said yet, which only lists and other outlines meet. `closed`: it
 * holds but for its time or its grant.
 */
export type Holding = 'holds' | 'unknown' | 'outside_window' | 'no_grant' | 'fails'

/** Whether the conditions of a rule hold in this view. */
export function judgeConditions(rule: Rule, view: View): Holding {
  if (rule.grant !== undefined && !hasGrant(rule, view)) return 'no_grant'
  return 'holds'
}

/** What a call was made under a grant for may still be asked about when its uses are gone. */
function hasGrant({ id }: Rule, { occasion, caller, asking }: View): boolean {
  const state = occasion.facts.grant(id, caller)
  return state === 'live' || (state === 'used_up' && asking === 'task')
}

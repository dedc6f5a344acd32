/** What rules with effect `require` ask for, and whether it is there. */
import type { ApprovalNeed } from '../model/decision.ts'
import type { ApprovalTerms, StepUpTerms } from '../model/terms.ts'
import type { Rule } from './rules.ts'
import { type StepUpNeed, unmetStepUp } from './step-up.ts'
import type { View } from './view.ts'

/** What one rule requires beside being allowed; at least one of them. */
export type Requirement = {
  readonly approval: ApprovalTerms | undefined
  readonly stepUp: StepUpTerms | undefined
  /** All of them. */
  readonly scopes: readonly string[]
}

/** What of the rules' requirements is not met. */
export type Unmet = {
  readonly scopes: readonly string[]
  readonly stepUp: StepUpNeed | undefined
  readonly approvals: readonly ApprovalNeed[]
}

/** What keeps the call waiting; undefined when nothing does. */
export function unmet(rules: readonly Rule[], view: View): Unmet | undefined {
  const scopes = rules.flatMap(({ require }) =>
    (require?.scopes ?? []).filter((scope) => !view.caller.scopes.has(scope)),
  )
  const approvals = rules.flatMap((rule) => {
    const approval = rule.require?.approval
    const need = approval && { rule: rule.id, approval }
    return need === undefined || isApproved(need, view) ? [] : [need]
  })
  const stepUp = unmetStepUp(rules, view)
  return scopes.length === 0 && approvals.length === 0 && stepUp === undefined
    ? undefined
    : { scopes: [...new Set(scopes)], stepUp, approvals }
}

/** What only asks about a call that was approved, or may be, needs no approval of its own. */
function isApproved({ rule, approval }: ApprovalNeed, { occasion, call, asking }: View): boolean {
  if (asking !== 'call' || call === undefined) return true
  return occasion.facts.approved(rule, approval)
}

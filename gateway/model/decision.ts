import type { Target } from './call.ts'
import type { Budget } from './limits.ts'
import type { ApprovalTerms, GrantTerms, Obligations, StepUpTerms } from './terms.ts'

/**
 * What policy says about one call. A deny says whether the caller may know that the thing exists
 * (`hidden` answers like an unknown name) and, where only scopes are missing, which.
 */
export type Decision = Allow | Require | Deny

/** The call may pass, on these terms. */
export type Allow = {
  readonly effect: 'allow'
  /** The rule that allowed it, or the name of the built-in permission (`builtin:connection`). */
  readonly rule: string
  /** Targets refused on their own although the call goes on without them. */
  readonly dropped: readonly Target[]
  /** The grant it is allowed under, of which this call is one use; absent where the rule needs none. */
  readonly grant?: GrantTerms
  /** What the rule lets each caller spend; absent where it says nothing of it. */
  readonly limits?: Budget
  /** What is to be done about it, of every rule that it rests on; absent where there is nothing. */
  readonly obligations?: Obligations
  /** Name of the credential it goes up with; absent where the rule leaves that to the server. */
  readonly credential?: string
  readonly shadow?: ShadowDecision
}

/** The call may pass once people have approved it. */
export type Require = {
  readonly effect: 'require'
  /** The first rule that requires it. */
  readonly rule: string
  /** Every approval that is missing. */
  readonly approvals: readonly ApprovalNeed[]
  /** What is decided once all are there. */
  readonly allow: Allow
  /** Why, in the rule's own words, where it discloses them. */
  readonly disclosed: string | undefined
  readonly target: Target | undefined
  /** Of the rules whose approval is missing; absent where there is nothing. */
  readonly obligations?: Obligations
  readonly shadow?: ShadowDecision
}

/** An approval that one rule requires. */
export type ApprovalNeed = { readonly rule: string; readonly approval: ApprovalTerms }

export type Deny = {
  readonly effect: 'deny'
  /** The rule that stands in the way; undefined when nothing allowed it. */
  readonly rule: string | undefined
  readonly reason: DenyReason
  readonly hidden: boolean
  /** Text for the caller, from a rule with `disclose: true`. */
  readonly disclosed: string | undefined
  readonly missingScopes: readonly string[]
  /** How the person would have to sign in anew for it to be allowed; absent where that would not help. */
  readonly stepUp?: StepUpTerms
  /** The target it failed on. */
  readonly target: Target | undefined
  /** Of the deny rule; absent where there is nothing. */
  readonly obligations?: Obligations
  /** Set where a rule requires besides what is not there: an allow from elsewhere would not be enough. */
  readonly required?: true
  readonly shadow?: ShadowDecision
}

/** What would have been decided, were the rules in shadow mode in force; absent where it is the same. */
export type ShadowDecision = {
  readonly effect: Decision['effect']
  readonly rule: string | undefined
}

export type DenyReason =
  | 'no_rule'
  | 'deny_rule'
  | 'missing_scope'
  | 'step_up'
  | 'outside_window'
  | 'no_grant'
  | 'unlisted'
  | 'tool_held'
  | 'unsafe_url'
  | 'decision_point'
  | 'decision_point_failed'
  | 'unknown_method'
  | 'resource_uri'
  | 'undeclared'
  | 'over_budget'

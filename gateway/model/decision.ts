import type { Target } from './call.ts'

/**
 * What policy says about one call. A deny says whether the caller may know that the thing exists
 * (`hidden` answers like an unknown name) and, where only scopes are missing, which.
 */
export type Decision =
  | {
      readonly effect: 'allow'
      /** The rule that allowed it, or the name of the built-in permission (`builtin:connection`). */
      readonly rule: string
      /** Targets refused on their own although the call goes on without them. */
      readonly dropped: readonly Target[]
    }
  | {
      readonly effect: 'deny'
      /** The deny rule that matched; undefined when nothing allowed it. */
      readonly rule: string | undefined
      readonly reason: DenyReason
      readonly hidden: boolean
      /** Text for the caller, from a rule with `disclose: true`. */
      readonly disclosed: string | undefined
      readonly missingScopes: readonly string[]
      /** The target it failed on. */
      readonly target: Target | undefined
    }

export type DenyReason =
  | 'no_rule'
  | 'deny_rule'
  | 'missing_scope'
  | 'unlisted'
  | 'unknown_method'
  | 'resource_uri'

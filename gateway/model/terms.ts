/** What rules of a policy ask for beside being matched, compiled. Durations are in milliseconds. */

/** Who may approve a call: the person behind the caller, or anybody in a group. */
export type Approver =
  | { readonly kind: 'subject' }
  | { readonly kind: 'group'; readonly group: string }

/** `require.approval`: a person has to say yes to this call before it goes up. */
export type ApprovalTerms = {
  readonly by: Approver
  /** How long an approver may approve for at most; undefined: this one call only. */
  readonly forMs: number | undefined
}

/** `grant`: the rule allows only while a grant record of the caller for it lives. */
export type GrantTerms = {
  /** How long a grant of it lives at most; undefined: until it is ended otherwise. */
  readonly ttlMs: number | undefined
  /** The task whose end ends it. */
  readonly task: string | undefined
  readonly maxUses: number | undefined
}

/** `require.step_up`: how the person behind the token must have signed in (RFC 9470). */
export type StepUpTerms = {
  /** One of these authentication context classes; empty: any. */
  readonly acr: readonly string[]
  /** How long ago the person may have signed in; undefined: any time. */
  readonly maxAgeSeconds: number | undefined
}

/** `obligations`: what is to be done about a decision of the rule, beside answering it. */
export type Obligations = {
  /** Whether the record of a call that the rule lets through holds the call's arguments. */
  readonly recordsArguments: boolean
  /** What of them is replaced before they are recorded: paths, each the names from the outermost in. */
  readonly redact: readonly (readonly string[])[]
  /** Names of configured notifications that are told, each once. */
  readonly notify: readonly string[]
}

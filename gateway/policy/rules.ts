/** The compiled rule set: immutable, indexed by server. Only `compile.ts` makes one. */
import type { Caller } from '../model/caller.ts'
import type { Budget } from '../model/limits.ts'
import type { GrantTerms, Obligations } from '../model/terms.ts'
import type { ToolTraits } from '../model/tool-traits.ts'
import type { Coverage, Effect, TargetArea } from './coverage.ts'
import type { Expression } from './expression.ts'
import type { Requirement } from './requirement.ts'
import type { Fit, Subject } from './subject.ts'
import type { TargetIndex } from './target-index.ts'
import type { Window } from './window.ts'

/** One rule of a policy file. */
export type Rule = {
  readonly id: string
  readonly effect: Effect
  readonly subjects: readonly Subject[]
  /** The number of `subjects` among the distinct ones of all rules: many rules are about the same callers. */
  readonly whom: number
  /** Why, in the operator's words. */
  readonly reason: string | undefined
  /** Whether `reason` is told to the caller that this rule refuses or keeps waiting. */
  readonly disclose: boolean
  /** Whether lists show what the rule allows also while its time or its grant keeps it from holding. */
  readonly show: boolean
  /** Whether the rule is only watched: it never decides. */
  readonly shadow: boolean
  readonly when: Expression | undefined
  readonly during: Window | undefined
  /** Traits that a tool must have; undefined for a rule that does not look at them. */
  readonly annotations: Partial<ToolTraits> | undefined
  /** Allow rules: it holds only for callers with a live grant for it. */
  readonly grant: GrantTerms | undefined
  /** Allow rules: what each caller may spend under the rule. */
  readonly limits: Budget | undefined
  /** Allow rules: name of the credential that what it allows goes up with; undefined leaves it to the server. */
  readonly credential: string | undefined
  /** What a rule with effect `require` requires; undefined for all others. */
  readonly require: Requirement | undefined
  /** What is to be done about what it decides; undefined for nothing. */
  readonly obligations: Obligations | undefined
  /** Whether anything but caller and target decides if it holds, see `judgeConditions`. */
  readonly conditional: boolean
  readonly file: string
  readonly line: number
  readonly column: number
}

/** A rule, and what it covers on one server. */
export type Reach = { readonly rule: Rule; readonly coverage: Coverage }

/** The rules that reach one server, everywhere in the order of their ids: files and their order never matter. */
export type ServerRules = {
  readonly reaches: readonly Reach[]
  readonly targets: Readonly<Record<TargetArea, TargetIndex>>
  /** Rules that deny or require something and name methods. */
  readonly methodLimits: readonly Reach[]
  /** Deny rules that cover the server without exception. */
  readonly wholeDenies: readonly Reach[]
  /** Scopes that allow rules on this server ask for, sorted. */
  readonly scopes: readonly string[]
  /** Whether some rule here holds at one time and not at another: then what is denied may still be shown. */
  readonly conditional: boolean
  /** Whether some rule here depends on what tools say of themselves, which only their lists tell. */
  readonly readsTraits: boolean
  /** Whether resource URIs have no canonical form here, so that rules for them are exact. */
  readonly opaque: boolean
}

/** Everything the policy files say, compiled against the configured servers. */
export type Rules = {
  readonly servers: ReadonlyMap<string, ServerRules>
  /** How many distinct lists of subjects there are: each `whom` is below. */
  readonly whoms: number
  /** The windows of all rules, for knowing when what callers see may change. */
  readonly windows: readonly Window[]
  /** When one of them opens or closes next, in epoch milliseconds; `Infinity` for never. */
  readonly nextEdge: (nowMs: number) => number
  /** How each caller fits, by `whom`: found when the first rule for them is asked, kept as long as the caller is. */
  readonly fits: WeakMap<Caller, (Fit | undefined)[]>
  /** Each caller as expressions see it, made when the first one reads it. */
  readonly callers: WeakMap<Caller, unknown>
}

/** Scopes that allow rules on this server mention, sorted: for metadata and the 401 challenge. */
export function scopesFor(rules: Rules, server: string): readonly string[] {
  return rules.servers.get(server)?.scopes ?? []
}

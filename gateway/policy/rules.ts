/** The compiled rule set: immutable, indexed by server. Only `compile.ts` makes one. */
import type { Caller } from '../model/caller.ts'
import type { Coverage, Effect, TargetArea } from './coverage.ts'
import type { Fit, Subject } from './subject.ts'
import type { TargetIndex } from './target-index.ts'

/**
 * One rule of a policy file. Conditions on the call itself (expressions, time windows, grants) and
 * what an allow brings along (limits, obligations, a credential) will be fields here.
 */
export type Rule = {
  readonly id: string
  readonly effect: Effect
  readonly subjects: readonly Subject[]
  /** Where `subjects` stands among the distinct ones of all rules: many rules are about the same callers. */
  readonly whom: number
  /** Why, in the operator's words. */
  readonly reason: string | undefined
  /** Whether `reason` is told to the caller that this deny rule refuses. */
  readonly disclose: boolean
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
  /** Deny rules that name methods. */
  readonly methodDenies: readonly Reach[]
  /** Deny rules that cover the server without exception. */
  readonly wholeDenies: readonly Reach[]
  /** Scopes that allow rules on this server ask for, sorted. */
  readonly scopes: readonly string[]
  /** Whether resource URIs have no canonical form here, so that rules for them are exact. */
  readonly opaque: boolean
}

/** Everything the policy files say, compiled against the configured servers. */
export type Rules = {
  readonly servers: ReadonlyMap<string, ServerRules>
  /** The distinct lists of subjects; `whom` of a rule points here. */
  readonly subjects: readonly (readonly Subject[])[]
  /** How each caller fits each of `subjects`: found at its first call, kept as long as the caller is. */
  readonly fits: WeakMap<Caller, readonly Fit[]>
}

/** Scopes that allow rules on this server mention, sorted: for metadata and the 401 challenge. */
export function scopesFor(rules: Rules, server: string): readonly string[] {
  return rules.servers.get(server)?.scopes ?? []
}

/** The compiled rule set: immutable, indexed by server. Only `compile.ts` makes one. */
import type { Caller } from '../model/caller.ts'
import type { Coverage } from './coverage.ts'
import type { Subject } from './subject.ts'
import type { View } from './view.ts'

/**
 * One rule of a policy file. Conditions on the call itself (expressions, time windows, grants) and
 * what an allow brings along (limits, obligations, a credential) will be fields here.
 */
export type Rule = {
  readonly id: string
  readonly effect: 'allow' | 'deny'
  readonly subjects: readonly Subject[]
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

/** The rules that reach one server, in the order of their ids, so that files and their order never matter. */
export type ServerRules = {
  readonly reaches: readonly Reach[]
  /** Scopes that allow rules on this server ask for, sorted. */
  readonly scopes: readonly string[]
  /** Whether resource URIs have no canonical form here, so that rules for them are exact. */
  readonly opaque: boolean
  /** What each caller's rules are here, found once and kept as long as the caller is. */
  readonly viewOf: WeakMap<Caller, View>
  /** The same views by the rules in them: callers with the same rights share one. Bounded. */
  readonly views: Map<string, View>
}

/** Everything the policy files say, compiled against the configured servers. */
export type Rules = {
  readonly servers: ReadonlyMap<string, ServerRules>
}

/** Scopes that allow rules on this server mention, sorted: for metadata and the 401 challenge. */
export function scopesFor(rules: Rules, server: string): readonly string[] {
  return rules.servers.get(server)?.scopes ?? []
}

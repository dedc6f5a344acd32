/** The compiled rule set: immutable, indexed by server. Only `compile.ts` makes one. */

/** Everything the policy files say, compiled against the configured servers. */
export type Rules = {
  readonly servers: ReadonlyMap<string, ServerRules>
}

/** The rules that reach one server. */
export type ServerRules = {
  /** Scopes that allow rules on this server ask for, sorted. */
  readonly scopes: readonly string[]
}

/** Scopes that allow rules on this server mention, sorted: for metadata and the 401 challenge. */
export function scopesFor(rules: Rules, server: string): readonly string[] {
  return rules.servers.get(server)?.scopes ?? []
}

import type { GrantTerms } from '../model/terms.ts'
import type { Rules } from './rules.ts'

/** The rules that hold only with a grant, by id, with what they say of it. */
export function grantRules(rules: Rules): ReadonlyMap<string, GrantTerms> {
  const found = new Map<string, GrantTerms>()
  for (const { reaches } of rules.servers.values()) {
    for (const { rule } of reaches) if (rule.grant !== undefined) found.set(rule.id, rule.grant)
  }
  return found
}

import type { Caller } from '../model/caller.ts'
import { quoteAll } from './text.ts'

/** Groups, and scopes, of one caller that a record holds: directories hand out hundreds. */
export const MAX_NAMES = 64

/** Characters of all groups, and of all scopes, of one caller that a record holds. */
export const MAX_NAMES_CHARS = 2_048

/**
 * The groups and scopes a decision was made on, as further fields of its record: with them a policy can
 * be tried on recorded calls, and one be proposed for them. Bounded; how many are left out is said.
 * Empty for a caller without any.
 */
export function basisText({ groups, scopes, interactive }: Caller): string {
  const [groupsKept, scopesKept] = [fitting(groups), fitting(scopes)]
  const fields = {
    groups: groupsKept.length === 0 ? undefined : groupsKept,
    groups_left_out: groups.size - groupsKept.length || undefined,
    scopes: scopesKept.length === 0 ? undefined : scopesKept,
    scopes_left_out: scopes.size - scopesKept.length || undefined,
    interactive: interactive || undefined,
  }
  const text = quoteAll(fields)
  return text === '{}' ? '' : `,${text.slice(1, -1)}`
}

/** Sorted, so that what is left out does not depend on the order in a token. */
function fitting(names: ReadonlySet<string>): readonly string[] {
  let chars = 0
  const kept: string[] = []
  for (const name of [...names].toSorted()) {
    chars += name.length
    if (kept.length === MAX_NAMES || chars > MAX_NAMES_CHARS) break
    kept.push(name)
  }
  return kept
}

import type { Problem } from '../model/problem.ts'
import type { Catalogue } from '../pipeline/catalogue.ts'
import type { Rules } from '../policy/rules.ts'
import { findUnlisted } from '../policy/unlisted.ts'

/** Warnings about rules for tools that no list has shown; those of the same rules that were said are left out. */
export type UnlistedTools = (rules: Rules) => readonly Problem[]

/** Nothing is asked for this: lists are known as they pass, so warnings come with them. */
export function createUnlistedTools(catalogue: Pick<Catalogue, 'names'>): UnlistedTools {
  const said = new WeakMap<Rules, Set<string>>()
  return (rules) => {
    const known = new Map<string, ReadonlySet<string>>()
    for (const server of rules.servers.keys()) {
      known.set(server, new Set(catalogue.names(server, 'tool')))
    }
    const before = said.get(rules) ?? new Set()
    said.set(rules, before)
    return findUnlisted(rules, (server) => known.get(server) ?? NONE).filter(({ message }) => {
      const isNew = !before.has(message)
      before.add(message)
      return isNew
    })
  }
}

const NONE: ReadonlySet<string> = new Set()

/** Compiled rules into the rule set: spread over the servers, indexed, put in an order of their own. */
import { type Coverage, coversEverything } from './coverage.ts'
import type { Servers } from './place.ts'
import type { Reach, Rule, Rules, ServerRules } from './rules.ts'
import { scopesOf, type Subject } from './subject.ts'
import { buildTargetIndex } from './target-index.ts'
import { createEdges } from './window.ts'

/** A rule, and what it covers on each server it reaches. */
export type PlacedRule = {
  readonly rule: Omit<Rule, 'whom'>
  readonly coverages: ReadonlyMap<string, Coverage>
}

/** Makes the rule set. By id: neither the order of rules nor of files is left to matter. */
export function assemble(placed: readonly PlacedRule[], servers: Servers): Rules {
  const known = new Map<string, number>()
  const whomOf = (list: readonly Subject[]): number => {
    const key = JSON.stringify(list)
    const whom = known.get(key) ?? known.size
    known.set(key, whom)
    return whom
  }
  const rules = placed
    .toSorted((a, b) => (a.rule.id < b.rule.id ? -1 : 1))
    .map(({ rule, coverages }) => ({
      rule: { ...rule, whom: whomOf(rule.subjects) },
      coverages,
    }))
  const windows = rules.flatMap(({ rule }) => rule.during ?? [])
  const reachesOf = (server: string): readonly Reach[] =>
    rules.flatMap(({ rule, coverages }) => {
      const coverage = coverages.get(server)
      return coverage === undefined ? [] : { rule, coverage }
    })
  return {
    servers: new Map(
      servers.names.map((name) => [name, collect(reachesOf(name), servers.opaque.has(name))]),
    ),
    whoms: known.size,
    windows,
    nextEdge: createEdges(windows),
    fits: new WeakMap(),
    callers: new WeakMap(),
  }
}

function collect(reaches: readonly Reach[], opaque: boolean): ServerRules {
  const denies = reaches.filter(({ rule }) => rule.effect === 'deny')
  const limits = reaches.filter(({ rule }) => rule.effect !== 'allow')
  const scopes = reaches
    .filter(({ rule }) => rule.effect === 'allow' && !rule.shadow)
    .flatMap(({ rule }) => rule.subjects.flatMap((subject) => scopesOf(subject)))
  return {
    reaches,
    targets: {
      tools: buildTargetIndex(reaches, 'tools'),
      prompts: buildTargetIndex(reaches, 'prompts'),
      resources: buildTargetIndex(reaches, 'resources'),
    },
    methodLimits: limits.filter(({ coverage }) => coverage.included.methods.length > 0),
    wholeDenies: denies.filter(({ coverage }) => coversEverything(coverage)),
    scopes: [...new Set(scopes)].toSorted(),
    conditional: reaches.some(({ rule }) => rule.conditional),
    readsTraits: reaches.some(({ rule }) => readsTraits(rule)),
    opaque,
  }
}

function readsTraits({ annotations, when }: Rule): boolean {
  return annotations !== undefined || when?.reads.has('tool') === true
}

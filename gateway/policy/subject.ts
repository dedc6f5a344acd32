/** Who a rule speaks of: conditions over the caller, and how a caller fits them. */
import type { Caller, CallerKind } from '../model/caller.ts'
import { claimOf, type ClaimValue, hasClaim } from './claim.ts'
import { type Glob, matchesAny } from './glob.ts'

/** One condition over the caller; a later kind of condition is one more member here. */
export type Condition =
  | { readonly key: 'kind'; readonly kind: CallerKind }
  | { readonly key: 'groups'; readonly anyOf: readonly string[] }
  | { readonly key: 'users'; readonly globs: readonly Glob[] }
  | { readonly key: 'clients'; readonly globs: readonly Glob[] }
  | { readonly key: 'scopes'; readonly allOf: readonly string[] }
  | { readonly key: 'issuers'; readonly anyOf: readonly string[] }
  | { readonly key: 'tenant'; readonly tenant: string }
  /** Who signed the person in: the `idp` claim, else what stands before the first `|` of the subject. */
  | { readonly key: 'idp'; readonly anyOf: readonly string[] }
  /** The subject, where it is a SPIFFE ID. */
  | { readonly key: 'spiffe'; readonly globs: readonly Glob[] }
  | { readonly key: 'claim'; readonly name: string; readonly anyOf: readonly ClaimValue[] }
  /** Anybody who acts in the chain of delegation. For deny rules: only the current actor proves itself. */
  | { readonly key: 'chain'; readonly globs: readonly Glob[] }
  | { readonly key: 'depth'; readonly max: number }
  | { readonly key: 'on_behalf_of'; readonly whom: 'user' | 'none' }

/** One entry of a rule's `subjects`: all conditions must hold. None at all is `any: true`. */
export type Subject = readonly Condition[]

/**
 * How well a list of subjects fits a caller: one of them holds, one would hold if the caller had all
 * these scopes (and it could obtain them), or none does.
 */
export type Fit =
  | { readonly how: 'holds' }
  | { readonly how: 'lacks_scopes'; readonly scopes: readonly string[] }
  | { readonly how: 'fails' }

const HOLDS: Fit = { how: 'holds' }
const FAILS: Fit = { how: 'fails' }

/**
 * The best fit of any of the subjects. Only an interactive caller can lack scopes: for anybody else
 * asking for more would lead nowhere.
 */
export function fitSubjects(subjects: readonly Subject[], caller: Caller): Fit {
  let lacking: Fit = FAILS
  for (const subject of subjects) {
    const failing = firstFailing(subject, caller)
    if (failing === undefined) return HOLDS
    if (lacking === FAILS && caller.interactive && failing === 'scopes') {
      lacking = { how: 'lacks_scopes', scopes: scopesOf(subject) }
    }
  }
  return lacking
}

/** The conditions of one subject that the caller does not meet. */
export function failingConditions(subject: Subject, caller: Caller): readonly Condition[] {
  return subject.filter((condition) => !meets(condition, caller))
}

/** Every scope the subject asks for, each once, in the order written. */
export function scopesOf(subject: Subject): readonly string[] {
  return [...new Set(subject.flatMap((one) => (one.key === 'scopes' ? one.allOf : [])))]
}

/**
 * Whether every caller that fits `inner` also fits `outer`. May say no where the answer is yes: equal
 * conditions are recognised, wider ones are not.
 */
export function includesSubject(outer: Subject, inner: Subject): boolean {
  const known = new Set(inner.map(keyOf))
  return outer.every((condition) => known.has(keyOf(condition)))
}

/** The key of a condition the caller does not meet, scopes only when all others are met. */
function firstFailing(subject: Subject, caller: Caller): Condition['key'] | undefined {
  let failing: Condition['key'] | undefined
  for (const condition of subject) {
    if (meets(condition, caller)) continue
    if (condition.key !== 'scopes') return condition.key
    failing = 'scopes'
  }
  return failing
}

function meets(condition: Condition, caller: Caller): boolean {
  switch (condition.key) {
    case 'kind':
      return caller.kind === condition.kind
    case 'groups':
      return condition.anyOf.some((group) => caller.groups.has(group))
    case 'users':
      return matchesAny(condition.globs, caller.subject)
    case 'clients':
      return matchesAny(condition.globs, caller.client)
    case 'scopes':
      return condition.allOf.every((scope) => caller.scopes.has(scope))
    case 'issuers':
      return condition.anyOf.includes(caller.issuer)
    case 'tenant':
      return caller.tenant === condition.tenant
    case 'idp':
      return condition.anyOf.includes(providerOf(caller))
    case 'spiffe':
      return caller.subject.startsWith('spiffe://') && matchesAny(condition.globs, caller.subject)
    case 'claim':
      return hasClaim(caller.claims, condition.name, condition.anyOf)
    case 'chain':
      return caller.actors.some(({ subject }) => matchesAny(condition.globs, subject))
    case 'depth':
      return caller.actors.length <= condition.max
    case 'on_behalf_of':
      return caller.interactive === (condition.whom === 'user')
  }
}

/** Empty when nothing says it. */
function providerOf({ claims, subject }: Caller): string {
  const claim = claimOf(claims, 'idp')
  if (claim !== undefined) return typeof claim === 'string' ? claim : ''
  const bar = subject.indexOf('|')
  return bar === -1 ? '' : subject.slice(0, bar)
}

function keyOf(condition: Condition): string {
  return JSON.stringify(condition)
}

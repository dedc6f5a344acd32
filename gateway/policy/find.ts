/** The rules that speak of a call, among those that are about its caller and whose conditions hold. */
import type { Target } from '../model/call.ts'
import { type Holding, judgeConditions } from './conditions.ts'
import { areaOf, covers, coversMethod, isExcepted, namesMethod } from './coverage.ts'
import type { Rule } from './rules.ts'
import { type Fit, fitSubjects } from './subject.ts'
import { visitMatching } from './target-index.ts'
import type { View } from './view.ts'

/**
 * The first rule of each sort that speaks of something. A deny decides whatever the rest, so what
 * stands beside one may be incomplete.
 */
export type Found = {
  deny: Rule | undefined
  /**
   * The one that asks least: no use of a grant is spent in vain, and no limit is met that need not be.
   * Where several ask alike, `isPreferred` chooses.
   */
  allow: Rule | undefined
  /** An allow rule that fits but for scopes which the caller could obtain, and all it asks for. */
  lacking: { readonly rule: Rule; readonly scopes: readonly string[] } | undefined
  /** An allow rule that fits but for its time or its grant; one with `show` where there is one. */
  closed: { readonly rule: Rule; readonly why: 'outside_window' | 'no_grant' } | undefined
  /** Every rule that requires something; undefined for none. */
  requires: Rule[] | undefined
  /** What rules in shadow mode would add; undefined when none of them speaks of it. */
  shadow: Found | undefined
}

/** Rules that speak of a target of a call by `method`. */
export function findForTarget(view: View, method: string, target: Target): Found {
  const found = nothingFound()
  noteMethodRules(found, view, method, target)
  const area = areaOf(target.kind)
  if (area === undefined || found.deny !== undefined) return found
  if (target.kind === 'template') {
    // What a template may become cannot be looked up: every rule is asked.
    for (const reach of view.here.reaches) {
      const { rule, coverage } = reach
      if (covers(coverage, target, rule.effect) && note(found, rule, view, target)) break
    }
    return found
  }
  visitMatching(view.here.targets[area], target.name, ({ rule, coverage }) =>
    isExcepted(coverage, target, rule.effect) ? false : note(found, rule, view, target),
  )
  return found
}

/** Rules that cover the method, by name or with the whole server. */
export function findForMethod(view: View, method: string): Found {
  const found = nothingFound()
  for (const { rule, coverage } of view.here.reaches) {
    if (coversMethod(coverage, method) && note(found, rule, view, undefined)) break
  }
  return found
}

/**
 * Rules about being connected: allows that give anything here, denies that name the method or leave
 * nothing. Without a method only the latter count.
 */
export function findForConnection(view: View, method: string | undefined): Found {
  const found = nothingFound()
  const { here } = view
  for (const { rule } of here.wholeDenies) if (note(found, rule, view, undefined)) return found
  if (method !== undefined) noteMethodRules(found, view, method, undefined)
  if (found.deny !== undefined) return found
  for (const { rule } of here.reaches) {
    if (rule.effect === 'allow') note(found, rule, view, undefined)
    if (found.allow !== undefined) break
  }
  return found
}

/** Rules that name the method in `methods:` to deny it or to require something; they apply to every call by it. */
function noteMethodRules(
  found: Found,
  view: View,
  method: string,
  target: Target | undefined,
): void {
  for (const { rule, coverage } of view.here.methodLimits) {
    if (namesMethod(coverage, method) && note(found, rule, view, target)) return
  }
}

/** Notes a rule that speaks of the call, if it is about the caller and holds. True for a deny: it decides. */
function note(found: Found, rule: Rule, view: View, target: Target | undefined): boolean {
  const fit = (view.fits[rule.whom] ??= fitSubjects(rule.subjects, view.caller))
  if (fit.how === 'fails') return false
  const holding = rule.conditional ? judgeConditions(rule, view, target) : 'holds'
  if (holding === 'fails') return false
  if (rule.shadow) {
    found.shadow ??= nothingFound()
    add(found.shadow, rule, fit, holding)
    return false
  }
  add(found, rule, fit, holding)
  return found.deny !== undefined
}

function add(
  found: Found,
  rule: Rule,
  fit: Exclude<Fit, { how: 'fails' }>,
  holding: Holding,
): void {
  if (rule.effect === 'allow') return addAllow(found, rule, fit, holding)
  // What would hold with more scopes, or with arguments that are not known, does not hold.
  if (fit.how !== 'holds' || holding !== 'holds') return
  if (rule.effect === 'deny') found.deny ??= rule
  else if (found.requires?.includes(rule) !== true) (found.requires ??= []).push(rule)
}

function addAllow(
  found: Found,
  rule: Rule,
  fit: Exclude<Fit, { how: 'fails' }>,
  holding: Holding,
): void {
  if (holding === 'outside_window' || holding === 'no_grant') {
    if (found.closed === undefined || (rule.show && !found.closed.rule.show)) {
      found.closed = { rule, why: holding }
    }
  } else if (fit.how === 'lacks_scopes') {
    found.lacking ??= { rule, scopes: fit.scopes }
  } else if (found.allow === undefined || isPreferred(rule, found.allow)) {
    found.allow = rule
  }
}

/**
 * Without a grant before with one, then without limits before with them, then the wider limits. Of those
 * that ask alike one that names a credential goes before one that names none, so that a rule for many does
 * not undo the choice of a rule for few; of two that name one, that with the first id, whichever was met
 * first. Where neither names one it makes no difference.
 */
function isPreferred(one: Rule, other: Rule): boolean {
  const [oneGrant, otherGrant] = [one.grant !== undefined, other.grant !== undefined]
  if (oneGrant !== otherGrant) return otherGrant
  const wider = compareLimits(one.limits, other.limits)
  if (wider !== 0) return wider > 0
  if (one.credential === undefined) return false
  return other.credential === undefined || one.id < other.id
}

/** Above zero where the first asks less, below where the second does. */
function compareLimits(one: Rule['limits'], other: Rule['limits']): number {
  if (one === undefined || other === undefined) {
    return Number(one === undefined) - Number(other === undefined)
  }
  return one.perSecond - other.perSecond || one.burst - other.burst
}

function nothingFound(): Found {
  return {
    deny: undefined,
    allow: undefined,
    lacking: undefined,
    closed: undefined,
    requires: undefined,
    shadow: undefined,
  }
}

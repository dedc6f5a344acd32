/** The rules that speak of a call, among those that are about its caller. */
import type { Target } from '../model/call.ts'
import type { Caller } from '../model/caller.ts'
import { areaOf, covers, coversMethod, isExcepted, namesMethod } from './coverage.ts'
import type { Rule, Rules, ServerRules } from './rules.ts'
import { type Fit, fitSubjects } from './subject.ts'
import { visitMatching } from './target-index.ts'

/** A server's rules as one caller meets them. */
export type View = { readonly here: ServerRules; readonly fits: readonly Fit[] }

/**
 * The first rule of each sort that speaks of something. A deny decides whatever the rest, so what
 * stands beside one may be incomplete.
 */
export type Found = {
  deny: Rule | undefined
  allow: Rule | undefined
  /** An allow rule that fits but for scopes which the caller could obtain, and all it asks for. */
  lacking: { readonly rule: Rule; readonly scopes: readonly string[] } | undefined
}

/** The caller's view of a server; undefined when the rules know no such server. */
export function viewFor(rules: Rules, caller: Caller, server: string): View | undefined {
  const here = rules.servers.get(server)
  if (here === undefined) return undefined
  let fits = rules.fits.get(caller)
  if (fits === undefined) {
    fits = rules.subjects.map((subjects) => fitSubjects(subjects, caller))
    rules.fits.set(caller, fits)
  }
  return { here, fits }
}

/** Rules that speak of a target of a call by `method`. */
export function findForTarget(view: View, method: string, target: Target): Found {
  const found = nothingFound()
  found.deny = findMethodDeny(view, method)
  const area = areaOf(target.kind)
  if (area === undefined || found.deny !== undefined) return found
  if (target.kind === 'template') {
    // What a template may become cannot be looked up: every rule is asked.
    for (const reach of view.here.reaches) {
      const { rule, coverage } = reach
      if (covers(coverage, target, rule.effect) && note(found, rule, view.fits)) break
    }
    return found
  }
  visitMatching(view.here.targets[area], target.name, ({ rule, coverage }) =>
    isExcepted(coverage, target, rule.effect) ? false : note(found, rule, view.fits),
  )
  return found
}

/** Rules that cover the method, by name or with the whole server. */
export function findForMethod({ here, fits }: View, method: string): Found {
  const found = nothingFound()
  for (const { rule, coverage } of here.reaches) {
    if (coversMethod(coverage, method) && note(found, rule, fits)) break
  }
  return found
}

/**
 * Rules about being connected: allows that give anything here, denies that name the method or leave
 * nothing. Without a method only the latter count.
 */
export function findForConnection(view: View, method: string | undefined): Found {
  const found = nothingFound()
  const { here, fits } = view
  for (const { rule } of here.wholeDenies) if (note(found, rule, fits)) return found
  found.deny = method === undefined ? undefined : findMethodDeny(view, method)
  if (found.deny !== undefined) return found
  for (const { rule } of here.reaches) {
    if (rule.effect === 'allow') note(found, rule, fits)
    if (found.allow !== undefined) break
  }
  return found
}

/** The first deny rule that names the method in `methods:`; it applies to every call by that method. */
function findMethodDeny({ here, fits }: View, method: string): Rule | undefined {
  for (const { rule, coverage } of here.methodDenies) {
    if (fits[rule.whom]?.how === 'holds' && namesMethod(coverage, method)) return rule
  }
  return undefined
}

/** Notes a rule that speaks of the call, if it is about the caller. Conditions on the call belong here. */
function note(found: Found, rule: Rule, fits: readonly Fit[]): boolean {
  const fit = fits[rule.whom]
  if (fit === undefined || fit.how === 'fails') return false
  if (rule.effect === 'allow') {
    if (fit.how === 'holds') found.allow ??= rule
    else found.lacking ??= { rule, scopes: fit.scopes }
    return false
  }
  // A deny that would hold with more scopes does not hold.
  if (fit.how === 'holds') found.deny ??= rule
  return found.deny !== undefined
}

function nothingFound(): Found {
  return { deny: undefined, allow: undefined, lacking: undefined }
}

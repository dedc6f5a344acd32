/** What one rule covers on one server, and how targets and methods are held against it. */
import type { Target, TargetKind } from '../model/call.ts'
import { canBeginWith, type Glob, matchesAny, matchesGlob } from './glob.ts'

/** What rules can name on a server, by the keys they name it with. */
export const AREAS = ['tools', 'prompts', 'resources', 'methods'] as const

export type Area = (typeof AREAS)[number]

/** The areas of things called by name. */
export type TargetArea = Exclude<Area, 'methods'>

export type Effect = 'allow' | 'deny' | 'require'

/** What one rule covers on one server. */
export type Coverage = {
  /** `servers:` without `methods:`: every tool, prompt, resource and method there is. */
  readonly whole: boolean
  readonly included: Readonly<Record<Area, readonly Glob[]>>
  /** Taken out by `except:`. */
  readonly excepted: Readonly<Record<Area, readonly Glob[]>>
}

/** The area whose globs speak of this kind of target. None speaks of tasks: their tools decide. */
export function areaOf(kind: TargetKind): TargetArea | undefined {
  switch (kind) {
    case 'tool':
      return 'tools'
    case 'prompt':
      return 'prompts'
    case 'resource':
    case 'template':
      return 'resources'
    case 'task':
      return undefined
  }
}

/** Whether a rule with this effect and coverage speaks of the target. */
export function covers(coverage: Coverage, target: Target, effect: Effect): boolean {
  const area = areaOf(target.kind)
  if (area === undefined) return false
  if (!coverage.whole && !coverage.included[area].some((glob) => speaksOf(glob, target, effect))) {
    return false
  }
  return !isExcepted(coverage, target, effect)
}

/**
 * Whether one glob speaks of a target. A template stands for many resources: for an allow it is enough
 * that one of them may match, for others the text of the template must.
 */
export function speaksOf(glob: Glob, target: Target, effect: Effect): boolean {
  if (target.kind !== 'template' || effect !== 'allow') return matchesGlob(glob, target.name)
  return canBeginWith(glob, beginningOf(target.name))
}

/** Whether `except` takes the target out of a rule. An exception works against the rule's effect. */
export function isExcepted(coverage: Coverage, target: Target, effect: Effect): boolean {
  const area = areaOf(target.kind)
  if (area === undefined) return false
  const against = effect === 'allow' ? 'deny' : 'allow'
  return coverage.excepted[area].some((glob) => speaksOf(glob, target, against))
}

/** Whether the rule names the method, by `methods:` or as part of the whole server. */
export function coversMethod(coverage: Coverage, method: string): boolean {
  return coverage.whole
    ? !matchesAny(coverage.excepted.methods, method)
    : namesMethod(coverage, method)
}

/** Whether the rule names the method by `methods:`. */
export function namesMethod({ included, excepted }: Coverage, method: string): boolean {
  return matchesAny(included.methods, method) && !matchesAny(excepted.methods, method)
}

/** Whether the rule covers the whole server without exception: a deny then leaves nothing to connect for. */
export function coversEverything({ whole, excepted }: Coverage): boolean {
  return whole && AREAS.every((area) => excepted[area].length === 0)
}

/** What all expansions of a URI template begin with (RFC 6570 §2: an expression starts at `{`). */
function beginningOf(template: string): string {
  const brace = template.indexOf('{')
  return brace === -1 ? template : template.slice(0, brace)
}

/** Which of several allow rules decides, a second time: by going through what they ask for, one thing after the other. */
import type { Budget } from '../model/limits.ts'
import type { NaiveRule } from './naive-policy.ts'

/** Limits, and what they come to. */
export const LIMITS: readonly (Budget & { readonly limits: NonNullable<NaiveRule['limits']> })[] = [
  { limits: { rate: '60/m' }, perSecond: 1, burst: 10 },
  { limits: { rate: '1/s', burst: 20 }, perSecond: 1, burst: 20 },
  { limits: { rate: '5/s', burst: 3 }, perSecond: 5, burst: 3 },
]

/** The rules that may be the one that decides, of all that allow: one, where they name credentials. */
export function naiveChosen(rules: readonly NaiveRule[]): readonly NaiveRule[] {
  const free = preferring(rules, ({ grant }) => grant === undefined)
  const unlimited = preferring(free, ({ limits }) => limits === undefined)
  const fastest = most(unlimited, (rule) => naiveLimits(rule)?.perSecond)
  const widest = most(fastest, (rule) => naiveLimits(rule)?.burst)
  const naming = widest.filter(({ credential }) => credential !== undefined)
  const [first] = naming.toSorted((a, b) => (a.id < b.id ? -1 : 1))
  return first === undefined ? widest : [first]
}

/** What a rule lets each caller spend. */
export function naiveLimits({ limits }: NaiveRule): Budget | undefined {
  const found = LIMITS.find((one) => one.limits === limits)
  return found && { perSecond: found.perSecond, burst: found.burst }
}

function preferring(
  rules: readonly NaiveRule[],
  isBetter: (rule: NaiveRule) => boolean,
): readonly NaiveRule[] {
  return rules.some(isBetter) ? rules.filter(isBetter) : rules
}

function most(
  rules: readonly NaiveRule[],
  measure: (rule: NaiveRule) => number | undefined,
): readonly NaiveRule[] {
  const top = Math.max(...rules.map((rule) => measure(rule) ?? 0))
  return rules.filter((rule) => (measure(rule) ?? 0) === top)
}

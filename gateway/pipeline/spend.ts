import type { Budgets, OverBudget } from '../limits/budgets.ts'
import type { Allow } from '../model/decision.ts'
import { Refusal } from '../model/refusal.ts'
import type { Case } from './authorize.ts'

const PAID: ReadonlySet<string> = new Set(['request', 'route'])

/**
 * Once it is allowed, a call is paid for, before a use of a grant is taken and before anything goes up. What a
 * server sends, notifications and streams cost nothing: the places of `occupy` bound those.
 *
 * At once, unless processes that share a budget have to be asked.
 *
 * @throws {Refusal} (or rejects with) `over_budget`.
 */
export function spend(
  { call, caller, seat, entry, frame }: Case,
  { rule: id, limits }: Allow,
  desk: { readonly budgets: Budgets | undefined; readonly tick: () => number },
): undefined | Promise<void> {
  if (desk.budgets === undefined || call.direction === 'down' || !PAID.has(call.kind))
    return undefined
  const rule = limits && { id, budget: limits }
  const asked = { call, caller, server: seat.server, frame, rule, tick: desk.tick() }
  const over = desk.budgets.spend(asked)
  if (over === undefined) return undefined
  if (over instanceof Promise) return over.then((found) => refuseOver(found, entry))
  return refuseOver(over, entry)
}

function refuseOver(over: OverBudget | undefined, entry: Case['entry']): undefined {
  if (over === undefined) return undefined
  entry.effect = 'deny'
  entry.reason = 'over_budget'
  const { limit, retryAfterSeconds } = over
  throw new Refusal('over_budget', { detail: `limit ${limit}`, retryAfterSeconds })
}

/** Takes what is asked of the authorization server out of the buckets that calls are paid from. */
import type { Take } from '../issuer/quotas.ts'
import type { Plant } from './plant.ts'

/** Workers of one gateway share them, and gateways on one store where `limits.shared` says so. */
export function createTake({ buckets, tick }: Pick<Plant, 'buckets' | 'tick'>): Take {
  return async (key, budget) => {
    const expenses = [{ key, budget, cost: 1 }]
    const spentMs = tick()
    const shortage = await buckets.spend(expenses, spentMs)
    if (shortage !== undefined) return { ok: false, retryAfterSeconds: shortage.retryAfterSeconds }
    return { ok: true, giveBack: () => buckets.giveBack(expenses, spentMs, tick()) }
  }
}

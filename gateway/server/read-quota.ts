/**
 * Counts those who read what anyone may read, metadata and keys, with whatever else their network asks of the
 * authorization server. Where there is none, nothing is counted.
 */
import { createQuotas } from '../issuer/quotas.ts'
import { Refusal } from '../model/refusal.ts'
import type { Settings } from '../settings/settings.ts'
import type { Plant } from './plant.ts'
import { createTake } from './take.ts'

/** Rejects with a `Refusal` (`rate_limited`) what is one too many from this address. */
export type ReadQuota = (address: string) => Promise<void>

/** Counts by the limits of one configuration, in the buckets that calls are paid from. */
export function createReadQuota(
  { authorizationServer }: Pick<Settings, 'authorizationServer'>,
  plant: Pick<Plant, 'buckets' | 'tick' | 'now'>,
): ReadQuota {
  if (authorizationServer === undefined) return async () => undefined
  const { limits } = authorizationServer
  const quotas = createQuotas({ limits: () => limits, take: createTake(plant), now: plant.now })
  return async (address) => {
    const taken = await quotas.fromNetwork(address)
    if (taken.ok) return
    const { retryAfterSeconds } = taken
    throw new Refusal('rate_limited', { retryAfterSeconds, detail: 'limits.network' })
  }
}

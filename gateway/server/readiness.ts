/** What `/readyz` says: whether to send traffic here, and everything an operator should look at. */
import type { SharedHealth } from '../limits/shared-buckets.ts'
import { REVOCATIONS_STALE_AFTER_SECONDS } from '../registry/revocations.ts'
import { describePressure } from './load-watch.ts'
import type { Plant } from './plant.ts'
import type { LastReload } from './reload.ts'

/**
 * Seconds without an answer after which the state store counts as away: something is read of it each
 * second, and a slow answer is no outage.
 */
export const STORE_AWAY_AFTER_SECONDS = 5

export type Readiness = {
  readonly ready: boolean
  readonly draining: boolean
  readonly checks: Readonly<Record<string, Check>>
}

/** `warn` is shown but does not take the process out of service. */
export type Check = { readonly state: 'ok' | 'warn' | 'fail'; readonly detail?: string }

export function readinessOf(options: {
  readonly plant: {
    readonly audit: Pick<Plant['audit'], 'health'>
    readonly revocations: Pick<Plant['revocations'], 'staleForSeconds'>
    readonly load: Pick<Plant['load'], 'pressure' | 'usage'>
    readonly sharedBuckets: { readonly health: SharedHealth } | undefined
  }
  readonly lastReload: LastReload
  readonly draining: boolean
}): Readiness {
  const { plant, lastReload, draining } = options
  const checks = {
    config: checkConfig(lastReload),
    audit: checkAudit(plant.audit.health()),
    store: checkStore(plant.revocations.staleForSeconds),
    revocations: checkRevocations(plant.revocations.staleForSeconds),
    load: checkLoad(plant.load),
    ...(plant.sharedBuckets && { limits: checkLimits(plant.sharedBuckets.health) }),
  }
  const failed = Object.values(checks).some(({ state }) => state === 'fail')
  return { ready: !draining && !failed, draining, checks }
}

/** A bad reload leaves a good configuration at work. */
function checkConfig({ ok, problems }: LastReload): Check {
  return ok ? { state: 'ok' } : { state: 'warn', detail: `not reloaded: ${problems.join('; ')}` }
}

function checkAudit(health: ReturnType<Plant['audit']['health']>): Check {
  if (!health.ok) return { state: 'fail', detail: health.error ?? 'records cannot be written' }
  if (health.lost > 0)
    return { state: 'warn', detail: `${health.lost} records of refused visits lost` }
  return { state: 'ok' }
}

/** Calls go on with what is in memory; how long is what the check of the revocations says. */
function checkStore(silentForSeconds: number): Check {
  if (silentForSeconds <= STORE_AWAY_AFTER_SECONDS) return { state: 'ok' }
  const detail = `no answer for ${Math.round(silentForSeconds)} s; nothing can be written`
  return { state: 'warn', detail }
}

/** Streams elsewhere are better than streams refused; calls are still served. */
function checkLoad({ pressure, usage }: Pick<Plant['load'], 'pressure' | 'usage'>): Check {
  if (pressure.sheds === 'nothing') return { state: 'ok' }
  const state = pressure.sheds === 'everything' ? 'fail' : 'warn'
  return { state, detail: describePressure(pressure, usage) }
}

function checkLimits({ away, processes }: SharedHealth): Check {
  if (!away) return { state: 'ok' }
  return { state: 'warn', detail: `not shared: each of ${processes} counts its part for itself` }
}

function checkRevocations(staleForSeconds: number): Check {
  if (staleForSeconds <= REVOCATIONS_STALE_AFTER_SECONDS) return { state: 'ok' }
  return { state: 'fail', detail: `not read for ${Math.round(staleForSeconds)} s` }
}

/** What `/readyz` says: whether to send traffic here, and everything an operator should look at. */
import { REVOCATIONS_STALE_AFTER_SECONDS } from '../registry/revocations.ts'
import type { Plant } from './plant.ts'
import type { LastReload } from './reload.ts'

export type Readiness = {
  readonly ready: boolean
  readonly draining: boolean
  readonly checks: Readonly<Record<string, Check>>
}

/** `warn` is shown but does not take the process out of service. */
export type Check = { readonly state: 'ok' | 'warn' | 'fail'; readonly detail?: string }

export function readinessOf(options: {
  readonly plant: Pick<Plant, 'audit' | 'revocations'>
  readonly lastReload: LastReload
  readonly draining: boolean
}): Readiness {
  const { plant, lastReload, draining } = options
  const checks = {
    config: checkConfig(lastReload),
    audit: checkAudit(plant.audit.health()),
    revocations: checkRevocations(plant.revocations.staleForSeconds),
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

function checkRevocations(staleForSeconds: number): Check {
  if (staleForSeconds <= REVOCATIONS_STALE_AFTER_SECONDS) return { state: 'ok' }
  return { state: 'fail', detail: `not read for ${Math.round(staleForSeconds)} s` }
}

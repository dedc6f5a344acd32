import type { GatehouseEvent } from '../model/event.ts'
import { METRICS } from './definitions.ts'
import type { MakeCounter } from './journey-metrics.ts'
import { createBoundedLabel, type BoundedLabel } from './labels.ts'

/** Counts events; `max` bounds the values of every label that names something configured. */
export function createEventMetrics(
  counter: MakeCounter,
  max: number,
): (event: GatehouseEvent) => void {
  const verified = counter(METRICS.tokensVerified)
  const refused = counter(METRICS.tokensRefused)
  const fetches = counter(METRICS.keyFetches)
  const opened = counter(METRICS.sessionsOpened)
  const ended = counter(METRICS.sessionsEnded)
  const revocations = counter(METRICS.revocations)
  const actions = counter(METRICS.adminActions)
  const warnings = counter(METRICS.warnings)
  const reloads = counter(METRICS.reloads)
  const bounded = (): BoundedLabel => createBoundedLabel(max)
  const [issuer, server, action, what] = [bounded(), bounded(), bounded(), bounded()]
  return (event) => {
    switch (event.type) {
      case 'token_verified': {
        const cached = event.cached ? 'yes' : 'no'
        return verified.inc({ issuer: issuer(event.issuer), kind: event.kind, cached })
      }
      case 'token_refused':
        return refused.inc({ reason: event.reason })
      case 'jwks_fetched':
        return fetches.inc({ issuer: issuer(event.issuer), result: result(event.ok) })
      case 'session_opened':
        return opened.inc({ server: server(event.server), kind: event.callerKind })
      case 'session_ended':
        return ended.inc({ server: server(event.server), kind: event.callerKind })
      case 'revoked':
        return revocations.inc({ kind: event.kind, action: 'made' })
      case 'revocation_lifted':
        return revocations.inc({ kind: event.kind, action: 'lifted' })
      case 'admin':
        return actions.inc({ action: action(event.action), result: result(event.ok) })
      case 'warning':
        return warnings.inc({ what: what(event.what) })
      case 'reload':
        return reloads.inc({ result: result(event.ok) })
      case 'started':
      case 'stopping':
        return undefined
    }
  }
}

function result(ok: boolean): 'ok' | 'failed' {
  return ok ? 'ok' : 'failed'
}

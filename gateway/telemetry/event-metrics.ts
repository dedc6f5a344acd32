import type { GatehouseEvent } from '../model/event.ts'
import { METRICS } from './definitions.ts'
import type { MakeCounter } from './journey-metrics.ts'
import { createBoundedLabel, type BoundedLabel } from './labels.ts'

export type EventMetrics = {
  readonly count: (event: GatehouseEvent) => void
  /** Brings the counters up to date; call it before they are read. */
  readonly settle: () => void
}

/** What happened to the definition of a tool, as a label. */
const CHANGES = {
  tool_changed: 'changed',
  tool_variant: 'variant',
  tool_accepted: 'accepted',
} as const

/** Counts events; `max` bounds the values of every label that names something configured. */
export function createEventMetrics(counter: MakeCounter, max: number): EventMetrics {
  const verified = createVerified(counter, max)
  const refused = counter(METRICS.tokensRefused)
  const fetches = counter(METRICS.keyFetches)
  const opened = counter(METRICS.sessionsOpened)
  const ended = counter(METRICS.sessionsEnded)
  const revocations = counter(METRICS.revocations)
  const grants = counter(METRICS.grants)
  const clients = counter(METRICS.oauthClients)
  const issued = counter(METRICS.tokensIssued)
  const oauthRefusals = counter(METRICS.oauthRefusals)
  const signIns = counter(METRICS.signIns)
  const signOuts = counter(METRICS.signOuts)
  const consents = counter(METRICS.consents)
  const approvals = counter(METRICS.approvals)
  const actions = counter(METRICS.adminActions)
  const changes = counter(METRICS.connectionChanges)
  const discoveries = counter(METRICS.providerDiscoveries)
  const registrations = counter(METRICS.providerRegistrations)
  const provider = createBoundedLabel(max)
  const swaps = counter(METRICS.swaps)
  const keyService = counter(METRICS.keyService)
  const definitions = counter(METRICS.toolDefinitions)
  const notifications = counter(METRICS.notifications)
  const warnings = counter(METRICS.warnings)
  const reloads = counter(METRICS.reloads)
  const bounded = (): BoundedLabel => createBoundedLabel(max)
  const [issuer, server, action, what] = [bounded(), bounded(), bounded(), bounded()]
  const [grantType, endpoint, error, way] = [bounded(), bounded(), bounded(), bounded()]
  const name = bounded()
  const count = (event: GatehouseEvent): void => {
    switch (event.type) {
      case 'token_verified':
        return verified.count(event)
      case 'token_refused':
        return refused.inc({ reason: event.reason })
      case 'jwks_fetched':
        if (event.shared) return
        return fetches.inc({ issuer: issuer(event.issuer), result: result(event.ok) })
      case 'session_opened':
        return opened.inc({ server: server(event.server), kind: event.callerKind })
      case 'session_ended':
        return ended.inc({ server: server(event.server), kind: event.callerKind })
      case 'revoked':
        return revocations.inc({ kind: event.kind, action: 'made' })
      case 'revocation_lifted':
        return revocations.inc({ kind: event.kind, action: 'lifted' })
      case 'grant_created':
        return grants.inc({ action: 'created' })
      case 'grant_ended':
        return grants.inc({ action: 'ended' })
      case 'client_registered':
        return clients.inc({ action: 'registered' })
      case 'client_removed':
        return clients.inc({ action: event.why })
      case 'token_issued':
        return issued.inc({ kind: event.kind, grant_type: grantType(event.grantType) })
      case 'oauth_refused':
        return oauthRefusals.inc({ endpoint: endpoint(event.endpoint), error: error(event.error) })
      case 'signed_in':
        return signIns.inc({ way: way(event.way), result: result(event.ok) })
      case 'consented':
        return consents.inc({ result: event.ok ? 'allowed' : 'refused' })
      case 'signed_out':
        return signOuts.inc({ way: way(event.way ?? 'person') })
      case 'approval_asked':
        return approvals.inc({ action: 'asked' })
      case 'approval_approved':
        return approvals.inc({ action: 'approved' })
      case 'approval_denied':
        return approvals.inc({ action: 'denied' })
      case 'admin':
        return actions.inc({ action: action(event.action), result: result(event.ok) })
      case 'tool_changed':
      case 'tool_variant':
      case 'tool_accepted':
        return definitions.inc({
          server: server(event.server),
          change: CHANGES[event.type],
        })
      case 'notified':
        return notifications.inc({ name: name(event.name), result: event.result })
      case 'warning':
        return warnings.inc({ what: what(event.what) })
      case 'reload':
        return reloads.inc({ result: result(event.ok) })
      case 'connection':
        return changes.inc({ provider: provider(event.provider), action: event.action })
      case 'provider_discovery':
        return discoveries.inc({ provider: provider(event.provider), result: result(event.ok) })
      case 'provider_registration':
        return registrations.inc({ provider: provider(event.provider), result: result(event.ok) })
      case 'swapped':
        return swaps.inc({
          server: server(event.server),
          mode: event.mode,
          result: result(event.ok),
        })
      case 'key_service':
        return keyService.inc({ operation: event.operation, result: result(event.ok) })
      case 'eras_learned':
      case 'started':
      case 'stopping':
        return undefined
    }
  }
  return { count, settle: verified.settle }
}

type Verified = Extract<GatehouseEvent, { readonly type: 'token_verified' }>

/** A known token is seen with every call: a count in a map, which the counter is told when it is read. */
function createVerified(counter: MakeCounter, max: number) {
  const verified = counter(METRICS.tokensVerified)
  const issuerLabel = createBoundedLabel(max)
  const seenAgain = new Map<string, Map<Verified['kind'], number>>()
  return {
    count({ issuer, kind, cached }: Verified): void {
      if (!cached) {
        verified.inc({ issuer: issuerLabel(issuer), kind, cached: 'no' })
        return
      }
      let kinds = seenAgain.get(issuer)
      if (kinds === undefined) {
        kinds = new Map()
        seenAgain.set(issuer, kinds)
      }
      kinds.set(kind, (kinds.get(kind) ?? 0) + 1)
    },
    settle(): void {
      for (const [issuer, kinds] of seenAgain) {
        for (const [kind, count] of kinds) {
          verified.inc({ issuer: issuerLabel(issuer), kind, cached: 'yes' }, count)
        }
      }
      seenAgain.clear()
    },
  }
}

function result(ok: boolean): 'ok' | 'failed' {
  return ok ? 'ok' : 'failed'
}

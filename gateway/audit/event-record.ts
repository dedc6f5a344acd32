import type { GatehouseEvent } from '../model/event.ts'

export type EventRecord = {
  readonly type:
    | 'token'
    | 'credential'
    | 'session'
    | 'admin'
    | 'revocation'
    | 'grant'
    | 'approval'
    | 'reload'
    | 'tool'
    | 'lifecycle'
    | 'client'
    | 'person'
  readonly fields: Readonly<Record<string, unknown>>
}

/**
 * The record of what happened outside a call; undefined for a token answered from the cache, which
 * every call would repeat, and for an answer of the key service.
 */
export function eventFields(event: GatehouseEvent): EventRecord | undefined {
  switch (event.type) {
    case 'token_verified':
      if (event.cached) return undefined
      return record('token', event, { issuer: event.issuer, kind: event.kind })
    case 'token_refused':
      return record('token', event, { reason: event.reason })
    case 'jwks_fetched':
      return record('token', event, { issuer: event.issuer, ok: event.ok, detail: event.detail })
    case 'reload':
      return record('reload', event, {
        ok: event.ok,
        loaded: event.version,
        detail: event.detail,
        needs_restart: event.needsRestart,
      })
    case 'revoked':
    case 'revocation_lifted':
      return record('revocation', event, {
        by: event.by,
        kind: event.kind,
        value: event.value,
        issuer: event.issuer,
      })
    case 'grant_created':
    case 'grant_ended':
      return record('grant', event, {
        by: event.by,
        grant: event.id,
        rule: event.rule,
        issuer: event.issuer,
        subject: event.subject,
        task: event.task,
      })
    case 'approval_asked':
    case 'approval_approved':
    case 'approval_denied':
      return record('approval', event, {
        by: event.by,
        request: event.id,
        rule: event.rule,
        server: event.server,
        issuer: event.issuer,
        subject: event.subject,
      })
    case 'admin':
      return record('admin', event, {
        by: event.by,
        action: event.action,
        ok: event.ok,
        detail: event.detail,
      })
    case 'session_opened':
    case 'session_ended':
      return record('session', event, { server: event.server, kind: event.callerKind })
    case 'connection':
      return record('credential', event, {
        action: event.action,
        provider: event.provider,
        account: event.account,
        tenant: event.tenant,
        issuer: event.issuer,
        subject: event.subject,
        detail: event.detail,
      })
    case 'provider_discovery':
    case 'provider_registration':
      return record('credential', event, {
        provider: event.provider,
        ok: event.ok,
        issuer: event.issuer,
        client: 'client' in event ? event.client : undefined,
        detail: event.detail,
      })
    case 'swapped':
      return record('credential', event, {
        server: event.server,
        mode: event.mode,
        ok: event.ok,
        detail: event.detail,
      })
    case 'key_service':
      // Asked for every row that is opened: what it did is in the metrics.
      if (event.ok) return undefined
      return record('credential', event, {
        operation: event.operation,
        ok: event.ok,
        detail: event.detail,
      })
    case 'tool_changed':
    case 'tool_variant':
    case 'tool_accepted':
      return record('tool', event, {
        by: 'by' in event ? event.by : undefined,
        server: event.server,
        tool: event.tool,
        definition: event.definition,
        was: 'was' in event ? event.was : undefined,
        held: 'held' in event ? event.held : undefined,
      })
    case 'client_registered':
      return record('client', event, {
        client: event.client,
        kind: event.kind,
        registration_token: event.token,
        statement: event.statement,
        address: event.address,
      })
    case 'client_removed':
      return record('client', event, { client: event.client, why: event.why, by: event.by })
    case 'token_issued':
      return record('token', event, {
        client: event.client,
        kind: event.kind,
        grant_type: event.grantType,
        audience: event.audience,
        subject: event.subject,
        actors: event.actors?.map(({ issuer, subject }) => ({ issuer, subject })),
      })
    case 'oauth_refused':
      return record('client', event, {
        endpoint: event.endpoint,
        reason: event.error,
        client: event.client,
        address: event.address,
        detail: event.detail,
      })
    case 'signed_in':
      return record('person', event, { ok: event.ok, way: event.way, subject: event.subject })
    case 'signed_out':
      return record('person', event, { subject: event.subject, way: event.way })
    case 'consented':
      return record('person', event, {
        ok: event.ok,
        subject: event.subject,
        client: event.client,
        servers: event.servers,
        scopes: event.scopes,
      })
    case 'eras_learned':
      return record('lifecycle', event, {
        server: event.server,
        eras: event.eras,
        versions: event.versions,
      })
    case 'started':
    case 'stopping':
      return record('lifecycle', event, { gatehouse: event.version, detail: event.detail })
    case 'notified':
      return undefined
    case 'warning':
      return record('lifecycle', event, { what: event.what, detail: event.detail })
  }
}

function record(
  type: EventRecord['type'],
  event: GatehouseEvent,
  fields: Readonly<Record<string, unknown>>,
): EventRecord {
  return { type, fields: { event: event.type, ...fields } }
}

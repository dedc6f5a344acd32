/** What `oidc-provider` says of itself, as events of the gateway. */
import type { EventEmitter } from 'node:events'

import type { AccessToken, ClientCredentials, KoaContextWithOIDC, Provider } from 'oidc-provider'

import type { CallerKind } from '../model/caller.ts'
import type { Emit } from '../model/event.ts'
import { readActors } from '../oauth/claims.ts'
import { KIND_CLAIM } from './token-claims.ts'

/** Refusals that are no more than "not yet" (RFC 8628 §3.5). */
const PATIENCE = ['authorization_pending', 'slow_down']

const ERROR_EVENTS = [
  'authorization.error',
  'grant.error',
  'registration_create.error',
  'registration_read.error',
  'registration_update.error',
  'registration_delete.error',
  'revocation.error',
  'introspection.error',
  'pushed_authorization_request.error',
  'device_authorization.error',
  'code_verification.error',
] as const

/** Listens for the life of the provider. */
export function reportEvents(provider: Provider, emit: Emit): void {
  const refused = (
    context: KoaContextWithOIDC,
    error: Error & { readonly error?: string; readonly error_detail?: string },
  ): void => {
    const code = error.error ?? 'server_error'
    if (PATIENCE.includes(code)) return
    const { oidc, ip: address } = context
    const client = oidc?.client?.clientId
    emit({
      type: 'oauth_refused',
      endpoint: oidc?.route ?? 'unknown',
      error: code,
      client,
      address,
      // Of other errors it may repeat what was sent.
      detail: code === 'invalid_grant' ? error.error_detail : undefined,
    })
  }
  // Its declared events leave out those of Koa, and cannot be named in a loop.
  const events: EventEmitter = provider
  for (const name of ERROR_EVENTS) events.on(name, refused)
  provider.on('server_error', (_context: KoaContextWithOIDC, error: Error) =>
    emit({ type: 'warning', what: 'authorization_server', detail: error.message }),
  )
  // Without a listener Koa writes to the console.
  events.on('error', (error: Error) =>
    emit({ type: 'warning', what: 'authorization_server', detail: error.message }),
  )
  const issued = (token: AccessToken | ClientCredentials): void => {
    const { extra } = token
    const grantType: unknown = extra?.['gty']
    const subject = token.kind === 'AccessToken' ? token.accountId : undefined
    const actors = readActors(extra ?? {}, { issuer: provider.issuer, subject: subject ?? '' })
    emit({
      type: 'token_issued',
      client: token.clientId ?? '',
      kind: kindOf(extra?.[KIND_CLAIM]),
      grantType: typeof grantType === 'string' ? grantType : '',
      audience: String(token.aud),
      subject,
      ...(actors.ok && actors.value.length > 0 && { actors: actors.value }),
    })
  }
  provider.on('access_token.issued', issued)
  provider.on('client_credentials.issued', issued)
  provider.on('grant.revoked', (context: KoaContextWithOIDC, grant: string) => {
    if (context.oidc.route !== 'token') return
    const client = context.oidc.client?.clientId ?? ''
    const detail = `client ${client} used a code or refresh token twice; grant ${grant} has ended`
    emit({ type: 'warning', what: 'token_replayed', detail })
  })
  provider.on('registration_delete.success', (_context, { clientId: client }) =>
    emit({ type: 'client_removed', client, why: 'itself' }),
  )
}

function kindOf(claim: unknown): CallerKind {
  return claim === 'human' || claim === 'service' ? claim : 'agent'
}

/** What a refusal asks for in `WWW-Authenticate`. */
import type { Refusal } from '../model/refusal.ts'
import { challenge } from '../oauth/challenge.ts'
import type { Desk } from './desk.ts'
import type { Visit } from './visit.ts'

/** The value of the header (RFC 6750 §3, RFC 9728 §5.1); undefined for a refusal that no other token would mend. */
export function challengeFor(
  { code, message, extra }: Refusal,
  visit: Pick<Visit, 'journey' | 'server'>,
  desk: Pick<Desk, 'metadataUrl' | 'scopesOf'>,
): string | undefined {
  const { server } = visit
  if (server === undefined) return undefined
  const metadataUrl = desk.metadataUrl(server)
  switch (code) {
    case 'unauthenticated':
      return challenge({ reason: 'no_credential', metadataUrl, scopes: desk.scopesOf(server) })
    case 'invalid_token':
      return challenge({
        reason: 'invalid_token',
        metadataUrl,
        scopes: desk.scopesOf(server),
        description: message,
      })
    case 'bad_proof':
      return challenge({ reason: 'invalid_dpop_proof', metadataUrl, description: message })
    case 'bad_credential':
      return challenge({ reason: 'invalid_request', metadataUrl, description: message })
    case 'insufficient_scope':
      return challenge({
        reason: 'insufficient_scope',
        metadataUrl,
        scopes: extra.scopes ?? [],
        description: message,
      })
    case 'insufficient_user_authentication':
      return challenge({
        reason: 'insufficient_user_authentication',
        metadataUrl,
        // The new token takes the place of this one, and must not fall short of it.
        scopes: [...new Set([...(visit.journey.caller?.scopes ?? []), ...(extra.scopes ?? [])])],
        stepUp: extra.stepUp,
        description: message,
      })
    default:
      return undefined
  }
}

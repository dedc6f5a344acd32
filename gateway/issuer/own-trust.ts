import type { TrustedIssuer } from '../identity/trust.ts'
import type { SigningKeys } from '../oauth/signing-keys.ts'
import { SIGNING_ALGORITHM } from '../oauth/signing-keys.ts'
import { KIND_CLAIM } from './token-claims.ts'

/** How the gateway reads the tokens it issued itself: with the keys in this process, over no network. */
export function ownTrust(
  { issuer, tenant }: { readonly issuer: string; readonly tenant: string },
  keys: Pick<SigningKeys, 'jwks'>,
): TrustedIssuer {
  return {
    issuer,
    tenant,
    jwks: { kind: 'own', read: () => keys.jwks() },
    algorithms: [SIGNING_ALGORITHM],
    introspection: undefined,
    types: ['at+jwt'],
    audiences: [],
    allowManyAudiences: false,
    claims: {
      subject: 'sub',
      client: ['client_id'],
      groups: 'groups',
      scopes: 'scope',
      kind: KIND_CLAIM,
      grant: 'gid',
      session: 'sid',
    },
    kind: 'agent',
    clients: new Map(),
    interactive: true,
    // Said by whoever asks about calls; a token is exchanged for no more than what it says itself.
    scopeIncludes: new Map(),
  }
}

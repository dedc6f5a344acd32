/** Verified claims -> Caller, as the issuer's settings map them. */
import type { Caller, CallerKind } from '../model/caller.ts'
import type { TokenRefusal } from '../model/event.ts'
import { withIncluded } from '../model/scope-includes.ts'
import type { TokenClaims } from '../oauth/check-claims.ts'
import {
  isText,
  readActors,
  readClaim,
  readGroups,
  readIdentifier,
  readScopes,
} from '../oauth/claims.ts'
import type { Members } from '../oauth/strict-json.ts'
import type { TrustedIssuer } from './trust.ts'

export type ReadCaller =
  | { readonly ok: true; readonly caller: Caller }
  | { readonly ok: false; readonly reason: TokenRefusal }

/** How issuers mark a token that a program got for itself (`gty`: Gatehouse, Auth0, FusionAuth). */
const FOR_ITSELF = new Set(['client_credentials', 'client-credentials', 'workload'])

const KINDS: readonly CallerKind[] = ['human', 'agent', 'service']

/**
 * Returns the caller a verified token stands for. A claim that is there but of the wrong type is
 * `bad_claim` and never read as absent; so is a token that names no client although the settings say
 * where one would (RFC 9068 §2.2 requires it).
 */
export function readCaller(token: TokenClaims, trusted: TrustedIssuer): ReadCaller {
  const { all: claims } = token
  const { claims: paths } = trusted
  const subject = readClaim(claims, paths.subject)
  if (!isText(subject)) return BAD_CLAIM
  const client = readClient(claims, paths.client)
  const kindClaim = paths.kind === undefined ? undefined : readClaim(claims, paths.kind)
  const groups = readGroups(claims, paths.groups)
  const scopes = readScopes(claims, paths.scopes)
  const actors = readActors(claims, { issuer: token.issuer, subject })
  const tokenId = readIdentifier(claims, 'jti')
  const grant = readIdentifier(claims, paths.grant)
  const session = readIdentifier(claims, paths.session)
  if (client === undefined || (kindClaim !== undefined && !isKind(kindClaim))) return BAD_CLAIM
  if (!groups.ok || !scopes.ok || !actors.ok) return BAD_CLAIM
  if (!tokenId.ok || !grant.ok || !session.ok) return BAD_CLAIM
  // Who the operator listed by name comes before what the token says, and that before the rest.
  const kind = trusted.clients.get(client) ?? kindClaim ?? trusted.kind
  const caller: Caller = {
    tenant: trusted.tenant,
    issuer: token.issuer,
    subject,
    client,
    kind,
    via: 'jwt',
    groups: groups.value,
    scopes: withIncluded(scopes.value, trusted.scopeIncludes),
    actors: actors.value,
    interactive:
      trusted.interactive && kind !== 'service' && hasPerson(claims, client, grant.value),
    tokenId: tokenId.value,
    grant: grant.value,
    session: session.value,
    claims: lastingClaims(claims),
    issuedAtSeconds: token.issuedAtSeconds,
    expiresAtSeconds: token.expiresAtSeconds,
  }
  return { ok: true, caller }
}

/** Without the times of this one token: another one for the same caller says the same of it. */
function lastingClaims(claims: Members): Members {
  const { iat: _iat, exp: _exp, nbf: _nbf, active: _active, ...lasting } = claims
  return lasting
}

const BAD_CLAIM = { ok: false, reason: 'bad_claim' } as const

/**
 * Returns the first client claim that is present, empty where the settings name none; undefined when
 * it is missing or no text.
 */
function readClient(claims: Members, paths: readonly string[]): string | undefined {
  if (paths.length === 0) return ''
  const present = paths.map((path) => readClaim(claims, path)).find((value) => value !== undefined)
  return isText(present) ? present : undefined
}

function isKind(value: unknown): value is CallerKind {
  return KINDS.some((kind) => kind === value)
}

/** RFC 9068 §2.2: where no person takes part, `sub` is the client itself. */
function hasPerson(claims: Members, client: string, grant: string | undefined): boolean {
  const grantType = claims['gty']
  if (typeof grantType === 'string' && FOR_ITSELF.has(grantType)) return false
  // An exchanged token has the subject of another one; only a grant says that a person gave it.
  if (grantType === 'token_exchange' && grant === undefined) return false
  return claims['sub'] !== client
}

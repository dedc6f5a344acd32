/** An access token of ours that somebody shows us: verified as the gateway would, and not revoked. */
import { readCaller } from '../identity/read-caller.ts'
import type { TrustedIssuer } from '../identity/trust.ts'
import type { Caller } from '../model/caller.ts'
import { readKeySet } from '../oauth/key-set.ts'
import { parseJwt } from '../oauth/parse-jwt.ts'
import type { SigningKeys } from '../oauth/signing-keys.ts'
import { verifyJwt } from '../oauth/verify-jwt.ts'
import type { Revocations } from '../registry/revocations.ts'

export type OwnTokenOptions = {
  readonly trust: () => TrustedIssuer
  readonly keys: Pick<SigningKeys, 'jwks'>
  readonly revocations: Pick<Revocations, 'isRevoked'>
  /** Epoch milliseconds. */
  readonly now: () => number
}

/** What the tokens say that are signed with our keys. */
export type OwnClaims = {
  readonly iss: string
  readonly sub: string
  readonly exp: number
  readonly iat: number
  readonly jti: string
  readonly aud: string
  readonly scope?: string
  readonly client_id: string
  readonly gid?: string
  readonly [name: string]: unknown
}

export type OwnToken = { readonly caller: Caller; readonly claims: OwnClaims }

/** Undefined for a token that is not ours, has ended or was revoked. Its audience is not looked at. */
export async function readOwnToken(
  token: string,
  { trust, keys, revocations, now }: OwnTokenOptions,
): Promise<OwnToken | undefined> {
  const parsed = parseJwt(token)
  if (!parsed.ok) return undefined
  const trusted = trust()
  const verified = await verifyJwt({
    jwt: parsed.jwt,
    rules: { ...trusted, clientPaths: trusted.claims.client },
    keysFor: () => readKeySet(keys.jwks()),
    nowSeconds: now() / 1_000,
  })
  const read = verified.ok ? readCaller(verified.claims, trusted) : undefined
  if (!verified.ok || read?.ok !== true || revocations.isRevoked(read.caller)) return undefined
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- signed by us with these claims
  return { caller: read.caller, claims: verified.claims.all as OwnClaims }
}

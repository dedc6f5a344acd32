/** The cold path of a bearer token: whose is it, is it valid, and whom does it stand for. */
import type { TokenRefusal } from '../model/event.ts'
import type { Introspect } from '../model/introspection.ts'
import type { UnverifiedJwt } from '../oauth/parse-jwt.ts'
import { parseJwt } from '../oauth/parse-jwt.ts'
import { verifyJwt } from '../oauth/verify-jwt.ts'
import { introspectToken } from './introspect-token.ts'
import type { Issuer } from './issuers.ts'
import { readEntry } from './read-entry.ts'
import type { TokenEntry } from './token-cache.ts'

export type VerifyTokenOptions = {
  /** By issuer identifier. */
  readonly issuers: ReadonlyMap<unknown, Issuer>
  readonly introspect: Introspect
  /** Epoch milliseconds. */
  readonly now: () => number
}

export type VerifiedToken =
  | { readonly ok: true; readonly entry: TokenEntry }
  | { readonly ok: false; readonly reason: TokenRefusal }

/**
 * Returns the cache entry of a token that is valid now, or why it is not. Says nothing about the
 * server asked for and about revocation: both are judged on every use.
 */
export async function verifyToken(
  token: string,
  { issuers, introspect, now }: VerifyTokenOptions,
): Promise<VerifiedToken> {
  const parsed = parseJwt(token)
  const issuer = parsed.ok ? issuers.get(parsed.jwt.claims['iss']) : oneToAsk(issuers)
  if (issuer === undefined) return parsed.ok ? { ok: false, reason: 'unknown_issuer' } : parsed
  const { introspection, jwks } = issuer.trusted
  if (introspection !== undefined && (!parsed.ok || jwks.kind === 'none')) {
    return await introspectToken(token, { issuer, introspection, introspect, now })
  }
  return parsed.ok ? await verifyByKeys(parsed.jwt, issuer, now) : parsed
}

/** A token that is no JWT does not say whose it is: settings see to it that only one issuer can be asked. */
function oneToAsk(issuers: VerifyTokenOptions['issuers']): Issuer | undefined {
  return [...issuers.values()].find(({ trusted }) => trusted.introspection !== undefined)
}

async function verifyByKeys(
  jwt: UnverifiedJwt,
  issuer: Issuer,
  now: () => number,
): Promise<VerifiedToken> {
  const { rules, keys } = issuer
  const keyGeneration = keys.generation
  const nowSeconds = now() / 1000
  const keysFor = (keyId: string | undefined) => keys.keysFor(keyId)
  const verified = await verifyJwt({ jwt, rules, keysFor, nowSeconds })
  if (!verified.ok) return verified
  return readEntry({ token: jwt.token, claims: verified.claims, issuer, keyGeneration })
}

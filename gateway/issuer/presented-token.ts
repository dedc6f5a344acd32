/**
 * An access token that somebody wants revoked or explained (RFC 7009, RFC 7662). `oidc-provider` keeps no
 * JWTs and refuses them there; so the token is verified here and handed to it as if it had been kept,
 * and it does the rest: who asks, and whether the token is theirs.
 */
import { AsyncLocalStorage } from 'node:async_hooks'

import type { AdapterPayload } from 'oidc-provider'

import { readCaller } from '../identity/read-caller.ts'
import type { TrustedIssuer } from '../identity/trust.ts'
import { readKeySet } from '../oauth/key-set.ts'
import { parseJwt } from '../oauth/parse-jwt.ts'
import type { SigningKeys } from '../oauth/signing-keys.ts'
import { verifyJwt } from '../oauth/verify-jwt.ts'
import type { Revocations } from '../registry/revocations.ts'

export type PresentedTokens = {
  /**
   * Runs what follows with this token known by the id that is passed on; an id that is nobody's where
   * the token is not ours, has ended or was revoked.
   */
  present(token: string, run: (id: string) => void): Promise<void>
  /** The token that is being presented, for the adapter. */
  readonly find: (id: string) => AdapterPayload | undefined
}

export type PresentedTokensOptions = {
  readonly trust: () => TrustedIssuer
  readonly keys: Pick<SigningKeys, 'jwks'>
  readonly revocations: Pick<Revocations, 'isRevoked'>
  /** Epoch milliseconds. */
  readonly now: () => number
}

type Presented = { readonly id: string; readonly payload: AdapterPayload }

/** An id that no token has. */
const NOBODY = 'jwt.none'

export function createPresentedTokens(options: PresentedTokensOptions): PresentedTokens {
  const current = new AsyncLocalStorage<Presented>()
  return {
    find: (id) => {
      const presented = current.getStore()
      return presented?.id === id ? presented.payload : undefined
    },
    present: async (token, run) => {
      const payload = await read(token, options)
      if (payload === undefined) return run(NOBODY)
      const id = `jwt.${payload.jti ?? ''}`
      current.run({ id, payload }, run, id)
    },
  }
}

async function read(
  token: string,
  { trust, keys, revocations, now }: PresentedTokensOptions,
): Promise<AdapterPayload | undefined> {
  const parsed = parseJwt(token)
  if (!parsed.ok) return undefined
  const trusted = trust()
  const verified = await verifyJwt({
    jwt: parsed.jwt,
    rules: { ...trusted, clientPaths: trusted.claims.client },
    keysFor: () => readKeySet(keys.jwks()),
    nowSeconds: now() / 1_000,
  })
  const caller = verified.ok ? readCaller(verified.claims, trusted) : undefined
  if (!verified.ok || caller?.ok !== true || revocations.isRevoked(caller.caller)) return undefined
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- signed by us with these claims
  const claims = verified.claims.all as OwnClaims
  const { iss: _iss, exp, iat, jti, aud, scope, client_id: clientId, gid, ...extra } = claims
  return {
    kind: 'AccessToken',
    jti,
    exp,
    iat,
    aud,
    clientId,
    extra: { ...extra, ...(gid !== undefined && { gid }) },
    ...(scope !== undefined && { scope }),
    // Only a grant has a person behind it.
    ...(gid !== undefined && { grantId: gid, accountId: claims.sub }),
  }
}

/** What every token of ours says. */
type OwnClaims = {
  readonly iss: string
  readonly sub: string
  readonly exp: number
  readonly iat: number
  readonly jti: string
  readonly aud: string
  readonly scope?: string
  readonly client_id: string
  readonly gid?: string
}

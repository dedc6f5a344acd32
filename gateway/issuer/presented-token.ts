/**
 * An access token that somebody wants revoked or explained (RFC 7009, RFC 7662). `oidc-provider` keeps no
 * JWTs and refuses them there; so the token is verified here and handed to it as if it had been kept,
 * and it does the rest: who asks, and whether the token is theirs.
 */
import { AsyncLocalStorage } from 'node:async_hooks'

import type { AdapterPayload } from 'oidc-provider'

import { EXCHANGED } from './exchange-names.ts'
import type { OwnTokenOptions } from './own-token.ts'
import { readOwnToken } from './own-token.ts'

export type PresentedTokens = {
  /**
   * Runs what follows with this token known by the id that is passed on; an id that is nobody's where
   * the token is not ours, has ended or was revoked.
   */
  present(token: string, run: (id: string) => void): Promise<void>
  /** The token that is being presented, for the adapter. */
  readonly find: (id: string) => AdapterPayload | undefined
}

type Presented = { readonly id: string; readonly payload: AdapterPayload }

/** An id that no token has. */
const NOBODY = 'jwt.none'

export function createPresentedTokens(options: OwnTokenOptions): PresentedTokens {
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

async function read(token: string, options: OwnTokenOptions): Promise<AdapterPayload | undefined> {
  const own = await readOwnToken(token, options)
  if (own === undefined) return undefined
  const { iss: _iss, exp, iat, jti, aud, scope, client_id: clientId, gid, ...extra } = own.claims
  // The grant that an exchanged token hangs on was given to another client, which alone may end it.
  const isGranted = gid !== undefined && extra['gty'] !== EXCHANGED
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
    ...(isGranted && { grantId: gid, accountId: extra.sub }),
  }
}

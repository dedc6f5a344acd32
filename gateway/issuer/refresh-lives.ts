/**
 * How long refresh tokens live: each by itself, and all that come from one another together. The kind of the
 * client decides, and is asked for anew each time: an operator can have changed it.
 */
import { createHash } from 'node:crypto'

import type { KoaContextWithOIDC } from 'oidc-provider'
import { errors } from 'oidc-provider'

import type { Lives } from '../model/authorization-rules.ts'
import type { Store } from '../model/store.ts'
import type { Clients } from '../registry/clients.ts'
import { REFRESH_GRACE_MS } from './adapter.ts'
import { standingOf } from './entitlement.ts'
import type { Setup } from './setup.ts'

const HOUR_SECONDS = 3_600

/**
 * How often a grant may be refreshed in an hour, and the same for each access token that ends in an hour: enough for
 * several processes with one grant. Each refresh writes to a store that everybody else needs too.
 */
const REFRESHES = { least: 120, perToken: 10 }

/** What a client is told to wait that refreshes too often, in seconds. */
const PAUSE_SECONDS = 60

export type RefreshLives = {
  /**
   * Looks up how long the refresh token may live that this request brings; it has to be called before.
   * Rejects where those before it have lived for as long as they may together, or come too fast.
   */
  prepare(context: KoaContextWithOIDC): Promise<void>
  /** Seconds that the refresh token of this request lives; `firstAtSeconds` is when the first of them was made. */
  secondsOf(context: KoaContextWithOIDC, firstAtSeconds: number | undefined): number
}

export function createRefreshLives(options: {
  readonly setup: () => Setup
  readonly book: Pick<Clients, 'get'>
  readonly store: Pick<Store, 'cas' | 'count'>
  /** Epoch milliseconds. */
  readonly now: () => number
}): RefreshLives {
  const { setup, book, store, now } = options
  const prepared = new WeakMap<object, Lives>()
  const leftOf = ({ sessionSeconds }: Lives, firstAtSeconds = now() / 1_000): number =>
    Math.floor(firstAtSeconds + sessionSeconds - now() / 1_000)
  /** Several requests with one token at the same time are one refresh: they are answered alike. */
  const isTooFast = async (
    { jti, grantId }: { readonly jti: string; readonly grantId?: string | undefined },
    { accessTokenSeconds }: Lives,
  ): Promise<boolean> => {
    if (grantId === undefined) return false
    const { least, perToken } = REFRESHES
    const most = Math.max(least, (perToken * HOUR_SECONDS) / accessTokenSeconds)
    const token = createHash('sha256').update(jti).digest('base64url')
    const isFirst = await store.cas(`refreshed/${token}`, 0, '', { ttlMs: REFRESH_GRACE_MS })
    const by = isFirst ? 1 : 0
    return (await store.count(`refreshes/${grantId}`, by, HOUR_SECONDS * 1_000)) > most
  }
  return {
    prepare: async (context) => {
      const { client, entities } = context.oidc
      const known = await standingOf(client?.clientId ?? '', setup(), book)
      if (known === undefined) throw new errors.InvalidGrant('the client is not known any more')
      const lives = setup().lives[known.entitlement.kind]
      if (leftOf(lives, entities.RefreshToken?.iiat) < 1) {
        throw new errors.InvalidGrant('the session is over')
      }
      const token = entities.RefreshToken
      if (token !== undefined && (await isTooFast(token, lives))) {
        context.set('retry-after', String(PAUSE_SECONDS))
        // By itself it would be 400, which clients take for the end of the grant.
        throw Object.assign(new errors.TemporarilyUnavailable('it is refreshed too often'), {
          status: 429,
          statusCode: 429,
        })
      }
      prepared.set(context.oidc, lives)
    },
    secondsOf: (context, firstAtSeconds) => {
      const lives = prepared.get(context.oidc)
      if (lives === undefined) throw new Error('a refresh token whose client was not looked up')
      return Math.max(1, Math.min(lives.refreshTokenSeconds, leftOf(lives, firstAtSeconds)))
    },
  }
}

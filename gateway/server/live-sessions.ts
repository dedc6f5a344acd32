import { API_KEY_ISSUER } from '../identity/api-keys.ts'
import type { ApiKeyEntry } from '../identity/trust.ts'
import type { Caller } from '../model/caller.ts'
import type { Session, Sessions } from '../sessions/sessions.ts'
import { createSessions } from '../sessions/sessions.ts'
import type { Plant } from './plant.ts'

export type LiveSessionsOptions = {
  /** API keys as they are configured now. */
  readonly apiKeys: readonly ApiKeyEntry[]
  /** Only sessions of this issuer's people count; everybody's where it is left out. */
  readonly issuer?: string
}

/**
 * Sessions of which nothing was revoked: what ends a token ends what its owner may do on our pages. One that
 * was begun with an API key lives as long as the key, and may what the key may now.
 */
export function createLiveSessions(
  { now, revocations, store }: Pick<Plant, 'now' | 'revocations' | 'store'>,
  { apiKeys, issuer }: LiveSessionsOptions,
): Sessions {
  const sessions = createSessions({ store, now })
  return {
    ...sessions,
    find: async (value) => {
      const session = await sessions.find(value)
      if (session === undefined || revocations.isRevoked(callerOf(session))) return undefined
      if (issuer !== undefined && session.issuer !== issuer) return undefined
      return session.issuer === API_KEY_ISSUER
        ? asKeyIsNow(session, apiKeys, now() / 1_000)
        : session
    },
  }
}

/** Undefined where the key is no longer there, has ended, or is somebody else's by now. */
function asKeyIsNow(
  session: Session,
  apiKeys: readonly ApiKeyEntry[],
  nowSeconds: number,
): Session | undefined {
  const key = apiKeys.find(({ prefix }) => prefix === session.credential)
  if (key === undefined || nowSeconds >= (key.expiresAtSeconds ?? Infinity)) return undefined
  const { tenant, subject, client, kind, groups } = key
  if (tenant !== session.tenant || subject !== session.subject) return undefined
  return { ...session, client, kind, groups }
}

/** Whoever is signed in, as revocations know callers. */
function callerOf(session: Session): Caller {
  const { tenant, issuer, subject, client, kind, groups, id } = session
  return {
    tenant,
    issuer,
    subject,
    client,
    kind,
    via: 'jwt',
    groups: new Set(groups),
    scopes: new Set(),
    actors: [],
    interactive: true,
    tokenId: session.credential,
    grant: undefined,
    session: id,
    issuedAtSeconds: session.signedInAtSeconds,
    expiresAtSeconds: session.endsAtSeconds,
  }
}

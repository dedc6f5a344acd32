import type { Caller } from '../model/caller.ts'
import type { Session, Sessions } from '../sessions/sessions.ts'
import { createSessions } from '../sessions/sessions.ts'
import type { Plant } from './plant.ts'

/** Sessions of which nothing was revoked: what ends a token ends what its owner may do on our pages. */
export function createLiveSessions({
  now,
  revocations,
  store,
}: Pick<Plant, 'now' | 'revocations' | 'store'>): Sessions {
  const sessions = createSessions({ store, now })
  return {
    ...sessions,
    find: async (value) => {
      const session = await sessions.find(value)
      if (session === undefined || revocations.isRevoked(callerOf(session))) return undefined
      return session
    },
  }
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

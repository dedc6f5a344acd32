/** The caller without a credential, served only where a server says `anonymous`. */
import type { Caller } from '../model/caller.ts'

/** The issuer of the anonymous caller; no token can name it. */
export const ANONYMOUS_ISSUER = 'urn:gatehouse:anonymous'

/** One caller for all who present nothing: an agent, since nobody vouches for a person. */
export const ANONYMOUS: Caller = Object.freeze({
  tenant: 'default',
  issuer: ANONYMOUS_ISSUER,
  subject: 'anonymous',
  client: '',
  kind: 'agent',
  via: 'anonymous',
  groups: new Set<string>(),
  scopes: new Set<string>(),
  actors: [],
  interactive: false,
  tokenId: undefined,
  grant: undefined,
  session: undefined,
  issuedAtSeconds: 0,
  expiresAtSeconds: Infinity,
})

/**
 * What is judged on every use of a valid credential, known or new: that it is not revoked, and that it
 * is meant for the server asked for.
 */
import type { Caller } from '../model/caller.ts'
import type { TokenRefusal } from '../model/event.ts'
import type { McpServer } from '../model/server.ts'
import type { ApiKey } from './api-keys.ts'
import type { TokenEntry } from './token-cache.ts'

/** The revocation list: `epoch` changes whenever it does. One object for the life of the process. */
export type Revocations = {
  readonly epoch: number
  /** Whether the list may be old by more than a minute (`stale`), or by more than 16 (`lost`). */
  readonly staleness: 'fresh' | 'stale' | 'lost'
  isRevoked(caller: Caller): boolean
}

/**
 * Lives up to this long are accepted while the list is stale: what was revoked meanwhile ends by itself
 * soon. Longer ones are not.
 */
export const SHORT_LIFE_SECONDS = 15 * 60

/** Both return why the credential is refused here, undefined when it is not. */
export type Admission = {
  token(entry: TokenEntry, server: McpServer): TokenRefusal | undefined
  apiKey(key: ApiKey, server: McpServer): TokenRefusal | undefined
}

/** Returns the judgement under one revocation list. */
export function createAdmission(revocations: Revocations): Admission {
  /** Asks the list only when it changed since this credential was last found not revoked. */
  const revoked = (known: Known): 'revoked' | 'revocations_stale' | undefined => {
    const { epoch } = revocations
    if (known.checkedEpoch === epoch) return undefined
    if (revocations.isRevoked(known.caller)) return 'revoked'
    if (revocations.staleness !== 'fresh' && !isShortLived(known.caller)) return 'revocations_stale'
    known.checkedEpoch = epoch
    return undefined
  }
  return {
    token: (entry, server) => {
      const reason = revoked(entry)
      if (reason !== undefined) return reason
      if (server.issuers?.includes(entry.caller.issuer) === false) return 'unknown_issuer'
      const isMeant = entry.everywhere || shareOne(entry.audiences, server.audiences)
      return isMeant ? undefined : 'wrong_audience'
    },
    apiKey: (key, server) => {
      const reason = revoked(key)
      if (reason !== undefined) return reason
      return key.servers?.includes(server.name) === false ? 'wrong_audience' : undefined
    },
  }
}

type Known = { readonly caller: Caller; checkedEpoch: number }

function isShortLived({ issuedAtSeconds, expiresAtSeconds }: Caller): boolean {
  return expiresAtSeconds - issuedAtSeconds <= SHORT_LIFE_SECONDS
}

function shareOne(some: readonly string[], others: readonly string[]): boolean {
  for (const one of some) if (others.includes(one)) return true
  return false
}

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
  isRevoked(caller: Caller): boolean
}

/** Both return why the credential is refused here, undefined when it is not. */
export type Admission = {
  token(entry: TokenEntry, server: McpServer): TokenRefusal | undefined
  apiKey(key: ApiKey, server: McpServer): TokenRefusal | undefined
}

/** Returns the judgement under one revocation list. */
export function createAdmission(revocations: Revocations): Admission {
  /** Asks the list only when it changed since this credential was last found not revoked. */
  const isRevoked = (known: { readonly caller: Caller; checkedEpoch: number }): boolean => {
    const { epoch } = revocations
    if (known.checkedEpoch === epoch) return false
    if (revocations.isRevoked(known.caller)) return true
    known.checkedEpoch = epoch
    return false
  }
  return {
    token: (entry, server) => {
      if (isRevoked(entry)) return 'revoked'
      if (server.issuers?.includes(entry.caller.issuer) === false) return 'unknown_issuer'
      const isMeant = entry.everywhere || shareOne(entry.audiences, server.audiences)
      return isMeant ? undefined : 'wrong_audience'
    },
    apiKey: (key, server) => {
      if (isRevoked(key)) return 'revoked'
      return key.servers?.includes(server.name) === false ? 'wrong_audience' : undefined
    },
  }
}

function shareOne(some: readonly string[], others: readonly string[]): boolean {
  for (const one of some) if (others.includes(one)) return true
  return false
}

/**
 * Bearer tokens by their text: known, verified under way, refused a moment ago, or new. Says whether a
 * token is valid, not for what.
 */
import type { Caller } from '../model/caller.ts'
import type { FloodGate } from './flood-gate.ts'
import type { Issuer } from './issuers.ts'
import { createRefusedTokens } from './refused-tokens.ts'
import type { TokenCache, TokenEntry } from './token-cache.ts'
import type { VerifiedToken } from './verify-token.ts'
import { verifyToken } from './verify-token.ts'

export type BearerTokens = {
  /** Returns a token verified before, if the settings and keys it was verified under are in force. */
  find(token: string): TokenEntry | undefined
  /** The token of this caller, if it was verified under settings and keys that are in force. */
  of(caller: Caller): TokenEntry | undefined
  /**
   * Verifies a token that is not known. Reason `flooded` when there is no place for it or its address
   * failed too often; then nothing was verified.
   */
  verify(token: string, address: string): Promise<VerifiedToken>
}

export type BearerTokensOptions = {
  /** By issuer identifier. */
  readonly issuers: ReadonlyMap<unknown, Issuer>
  readonly tokens: TokenCache
  readonly gate: FloodGate
  /** Epoch milliseconds. */
  readonly now: () => number
}

/** Returns the tokens of one configuration; `tokens` may hold those of the one before. */
export function createBearerTokens(options: BearerTokensOptions): BearerTokens {
  const { issuers, tokens, gate, now } = options
  const issuersByTrust = new Map(Array.from(issuers.values(), (issuer) => [issuer.trust, issuer]))
  const refused = createRefusedTokens()
  /** So that a token new to many requests at once is verified once; as many as the gate lets in. */
  const underWay = new Map<string, Promise<VerifiedToken>>()

  const verifyAndKeep = async (token: string, address: string): Promise<VerifiedToken> => {
    try {
      const verified = await verifyToken(token, options)
      if (verified.ok) tokens.put(verified.entry)
      else if (verified.reason !== 'keys_unavailable') {
        refused.put(token, verified.reason, now())
        gate.countFailure(address)
      }
      return verified
    } finally {
      gate.leave()
      underWay.delete(token)
    }
  }

  const ifInForce = (entry: TokenEntry | undefined): TokenEntry | undefined => {
    if (entry === undefined) return undefined
    const issuer = issuersByTrust.get(entry.trust)
    return issuer?.keys.generation === entry.keyGeneration ? entry : undefined
  }

  return {
    find: (token) => ifInForce(tokens.get(token, now())),
    of: (caller) => ifInForce(tokens.entryOf(caller)),
    verify: async (token, address) => {
      // Neither costs a verification, so neither is charged to the address.
      const reason = refused.get(token, now())
      if (reason !== undefined) return { ok: false, reason }
      const running = underWay.get(token)
      if (running !== undefined) return running
      if (!gate.enter(address)) return { ok: false, reason: 'flooded' }
      const verification = verifyAndKeep(token, address)
      underWay.set(token, verification)
      return verification
    },
  }
}

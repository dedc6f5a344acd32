/**
 * Bearer tokens by their text: known, verified under way, refused a moment ago, or new. Says whether a
 * token is valid, not for what.
 */
import { isDeepStrictEqual } from 'node:util'

import type { Caller } from '../model/caller.ts'
import type { TokenRefusal } from '../model/event.ts'
import type { FloodGate } from './flood-gate.ts'
import type { Introspect } from '../model/introspection.ts'
import type { Issuer } from './issuers.ts'
import { createRefusedTokens } from './refused-tokens.ts'
import type { TokenCache, TokenEntry } from './token-cache.ts'
import type { VerifiedToken } from './verify-token.ts'
import { verifyToken } from './verify-token.ts'

export type BearerTokens = {
  /** Returns a token verified before, if the settings and keys it was verified under are in force. */
  find(token: string): TokenEntry | undefined
  /**
   * The token of this caller, if it was verified under settings and keys that are in force. One that its
   * issuer must be asked about is asked about again in time, as long as somebody wants to know.
   */
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
  readonly introspect: Introspect
  readonly tokens: TokenCache
  readonly gate: FloodGate
  /** Epoch milliseconds. */
  readonly now: () => number
}

/** Reasons that say nothing about the token itself, so that it is tried again at once. */
const IN_DOUBT: ReadonlySet<TokenRefusal> = new Set([
  'keys_unavailable',
  'introspection_unavailable',
])

/** An issuer is asked again so long before its last answer is too old, in milliseconds. */
const ASK_AHEAD_MS = 4_000

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
      else if (!IN_DOUBT.has(verified.reason)) {
        refused.put(token, verified.reason, now())
        gate.countFailure(address)
      }
      return verified
    } finally {
      gate.leave()
      underWay.delete(token)
    }
  }

  /** Under way, by token: as many as there are such tokens with open streams. */
  const asked = new Map<string, Promise<VerifiedToken>>()
  const askAgain = async (entry: TokenEntry): Promise<void> => {
    const { token } = entry
    const answer = asked.get(token) ?? verifyToken(token, options)
    asked.set(token, answer)
    const verified = await answer.finally(() => asked.delete(token))
    // A token that now says something else is another one to whoever holds on to this caller.
    if (verified.ok && isSame(verified.entry.caller, entry.caller)) {
      entry.endsAtMs = verified.entry.endsAtMs
    }
  }

  const ifInForce = (entry: TokenEntry | undefined): TokenEntry | undefined => {
    if (entry === undefined) return undefined
    const issuer = issuersByTrust.get(entry.trust)
    return issuer?.keys.generation === entry.keyGeneration ? entry : undefined
  }

  return {
    find: (token) => ifInForce(tokens.get(token, now())),
    of: (caller) => {
      const entry = ifInForce(tokens.entryOf(caller))
      if (entry === undefined || !entry.introspected) return entry
      if (now() >= entry.endsAtMs - ASK_AHEAD_MS) void askAgain(entry)
      return now() < entry.endsAtMs ? entry : undefined
    },
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

/** Whether two answers about a token name the same caller with the same rights. */
function isSame(one: Caller, other: Caller): boolean {
  const { issuedAtSeconds, expiresAtSeconds } = other
  return isDeepStrictEqual({ ...one, issuedAtSeconds, expiresAtSeconds }, other)
}

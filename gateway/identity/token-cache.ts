/**
 * Verified tokens by their text, so that a token is verified once and not per request. The key is the
 * tail of the signature, which is short to hash and as good as random; the whole text is compared
 * before an entry counts. What revokes a token is never its text but its verified values.
 */
import type { Caller } from '../model/caller.ts'
import type { GatehouseEvent } from '../model/event.ts'
import type { Binding } from '../oauth/check-claims.ts'
import { createBoundedMap } from './bounded-map.ts'

/** What is known about one verified token. */
export type TokenEntry = {
  readonly token: string
  readonly caller: Caller
  readonly audiences: readonly string[]
  /** Whether the issuer's settings accept one of the audiences on every server. */
  readonly everywhere: boolean
  /** Identifies the issuer settings it was verified under; under others it is verified again. */
  readonly trust: string
  /** The generation of the issuer's keys; once a key is withdrawn it is verified again. */
  readonly keyGeneration: number
  /** When it must be verified again, at the latest when it ends; put off where its issuer says so again. */
  endsAtMs: number
  /** What its holder must prove to have; undefined where nothing. */
  readonly binding: Binding | undefined
  /** Whether its issuer was asked what it is, and must be asked again. */
  readonly introspected: boolean
  /** Said on every later use; made once so that a hit allocates nothing. */
  readonly seenAgain: Extract<GatehouseEvent, { readonly type: 'token_verified' }>
  /** The revocation epoch at which the caller was last found not revoked. */
  checkedEpoch: number
}

export type TokenCache = {
  /** Returns the entry of exactly this token text unless it has ended. */
  get(token: string, nowMs: number): TokenEntry | undefined
  put(entry: TokenEntry): void
  /** The entry this very caller came from, also once it is evicted; undefined for any other caller. */
  entryOf(caller: Caller): TokenEntry | undefined
  drop(token: string): void
  /** Tokens held now, ended ones included until they are met or evicted. */
  readonly size: number
}

/**
 * Tokens held; about 2 KiB each with ordinary claims, so 100 MiB when full. 1,000 agents with
 * five-minute tokens hold 1,000 to 2,000.
 */
export const MAX_CACHED_TOKENS = 50_000

/** Characters of the tail: the base64url of 32 bytes, half of an ES256 or EdDSA signature. */
const TAIL_CHARS = 43

/** Returns an empty cache. Two tokens with the same tail displace each other and never mix. */
export function createTokenCache(maxTokens: number = MAX_CACHED_TOKENS): TokenCache {
  const entries = createBoundedMap<TokenEntry>(maxTokens)
  /** Open streams hold their callers, and so keep what they came from. */
  const origins = new WeakMap<Caller, TokenEntry>()
  return {
    get: (token, nowMs) => {
      const tail = tailOf(token)
      const entry = entries.get(tail)
      if (entry === undefined || entry.token !== token) return undefined
      if (nowMs < entry.endsAtMs) return entry
      entries.delete(tail)
      return undefined
    },
    put: (entry) => {
      entries.set(tailOf(entry.token), entry)
      origins.set(entry.caller, entry)
    },
    entryOf: (caller) => origins.get(caller),
    drop: (token) => {
      const tail = tailOf(token)
      if (entries.get(tail)?.token === token) entries.delete(tail)
    },
    get size() {
      return entries.size
    },
  }
}

function tailOf(token: string): string {
  return token.slice(-TAIL_CHARS)
}

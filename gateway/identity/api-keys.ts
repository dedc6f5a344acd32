/**
 * API keys: `ghk_<prefix>_<secret>`, 256 random bits behind a prefix for lookup. Only the SHA-256 of
 * the whole text is ever stored; with that many random bits a slow hash would add nothing.
 */
import { hash, timingSafeEqual } from 'node:crypto'
import type { Caller } from '../model/caller.ts'
import type { GatehouseEvent, TokenRefusal } from '../model/event.ts'
import type { ApiKeyEntry } from './trust.ts'

/** The issuer of callers with an API key: one name for all, since prefixes are unique. */
export const API_KEY_ISSUER = 'urn:gatehouse:api-key'

/** A new key: the text is shown once, the rest goes into the configuration. */
export type NewApiKey = {
  readonly text: string
  readonly prefix: string
  /** SHA-256 of `text`, lower-case hex. */
  readonly sha256: string
}

/** One configured key and the caller it stands for; one object for as long as the configuration. */
export type ApiKey = {
  readonly caller: Caller
  readonly servers: readonly string[] | undefined
  /** Said on every use; made once. */
  readonly seen: GatehouseEvent
  /** The revocation epoch at which the caller was last found not revoked. */
  checkedEpoch: number
}

export type FoundApiKey =
  | { readonly ok: true; readonly key: ApiKey }
  | { readonly ok: false; readonly reason: TokenRefusal }

export type ApiKeys = {
  /** Returns the key that is exactly this text and has not ended. */
  find(text: string, nowSeconds: number): FoundApiKey
  /** The key this caller came with, as it is configured now; undefined when it is no longer. */
  of(caller: Caller): ApiKey | undefined
}

/** The hash each caller came with. A reload hands it on, since callers in it outlive a configuration. */
export type ApiKeyDigests = WeakMap<Caller, Buffer>

/** What every key text begins with: secret scanners and the bearer check know it by this. */
export const API_KEY_MARK = 'ghk_'

const PREFIX_BYTES = 4
const SECRET_BYTES = 32

/** Mark, 8 characters of prefix, and the base64url of 32 bytes. */
const KEY_TEXT = /^ghk_([A-Za-z0-9_-]{8})_[A-Za-z0-9_-]{43}$/

/** Returns a new key from `randomBytes` of node:crypto, or a stand-in in tests. */
export function newApiKey(randomBytes: (size: number) => Buffer): NewApiKey {
  const prefix = randomBytes(PREFIX_BYTES).toString('hex')
  const text = `${API_KEY_MARK}${prefix}_${randomBytes(SECRET_BYTES).toString('base64url')}`
  return { text, prefix, sha256: hash('sha256', text, 'hex') }
}

/**
 * Returns the lookup over the configured keys.
 *
 * @param digests Of this configuration's callers, which are written into it, and of earlier ones.
 * @throws {Error} when two keys have the same prefix, or a hash is no SHA-256.
 */
export function createApiKeys(
  entries: readonly ApiKeyEntry[],
  digests: ApiKeyDigests = new WeakMap(),
): ApiKeys {
  const known = new Map<string, { readonly digest: Buffer; readonly key: ApiKey }>()
  for (const entry of entries) {
    const digest = Buffer.from(entry.sha256, 'hex')
    if (known.has(entry.prefix)) throw new Error(`two API keys have the prefix ${entry.prefix}`)
    if (digest.length !== NOTHING.length) {
      throw new Error(`sha256 of API key ${entry.prefix} must be 64 hex digits`)
    }
    const key = keyOf(entry)
    known.set(entry.prefix, { digest, key })
    digests.set(key.caller, digest)
  }
  return {
    find: (text, nowSeconds) => {
      const prefix = KEY_TEXT.exec(text)?.[1]
      if (prefix === undefined) return { ok: false, reason: 'malformed' }
      const found = known.get(prefix)
      // An unknown prefix is compared with a hash nothing has, so that it takes as long.
      const matches = timingSafeEqual(hash('sha256', text, 'buffer'), found?.digest ?? NOTHING)
      if (found === undefined || !matches) return { ok: false, reason: 'unknown_api_key' }
      if (nowSeconds >= found.key.caller.expiresAtSeconds) return { ok: false, reason: 'expired' }
      return { ok: true, key: found.key }
    },
    of: (caller) => {
      const found = known.get(caller.tokenId ?? '')
      // A prefix whose hash was replaced is the prefix of another key.
      return found !== undefined && digests.get(caller)?.equals(found.digest) === true
        ? found.key
        : undefined
    },
  }
}

const NOTHING = Buffer.alloc(32)

function keyOf(entry: ApiKeyEntry): ApiKey {
  const caller: Caller = {
    tenant: entry.tenant,
    issuer: API_KEY_ISSUER,
    subject: entry.subject,
    client: entry.client,
    kind: entry.kind,
    via: 'api_key',
    groups: new Set(entry.groups),
    scopes: new Set(entry.scopes),
    actors: [],
    interactive: false,
    tokenId: entry.prefix,
    grant: undefined,
    session: undefined,
    // When it was made is not recorded, so a cutoff for its subject ends it whatever its date.
    issuedAtSeconds: 0,
    expiresAtSeconds: entry.expiresAtSeconds ?? Infinity,
  }
  const { kind, servers } = entry
  const seen = { type: 'token_verified', issuer: API_KEY_ISSUER, kind, cached: false } as const
  return { caller, servers, seen, checkedEpoch: -1 }
}

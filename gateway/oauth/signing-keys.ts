/**
 * The keys this gateway signs tokens with, one ring for all who sign: kept sealed in the store, shared by
 * all replicas, published before they sign and for as long as anything they signed may live (RFC 7517).
 * A replica changes keys by the activation time in the store, so all of them change together.
 */
import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type JsonWebKey,
} from 'node:crypto'
import type { KeyObject } from 'node:crypto'

import type { Store } from '../model/store.ts'
import { thumbprint } from './thumbprint.ts'

/** The one algorithm: every JOSE library has it, and its signatures are short (RFC 7518 §3.4). */
export const SIGNING_ALGORITHM = 'ES256'

/** Readers may keep the published set this long, in seconds. */
export const KEYS_MAX_AGE_SECONDS = 300

/** A key is published for this long before it signs: 15 minutes and one life of a cached set. */
const AHEAD_MS = (15 * 60 + KEYS_MAX_AGE_SECONDS) * 1_000

/** A key signs for this long. */
const SIGNING_LIFE_MS = 30 * 24 * 3_600_000

/** The longest that a token signed here may live; its key stays published so long after it last signed. */
export const LONGEST_TOKEN_MS = 3_600_000

/** Two replicas that change the ring at once; the third time something else is wrong. */
const MAX_ATTEMPTS = 3

const STORE_KEY = 'signing/keys'

const LOST =
  'the signing keys in the state store were sealed with a key that is not in the key ring; put it back behind the current one'

export type SigningKey = {
  /** JWK thumbprint (RFC 7638), so that a key has the same id everywhere. */
  readonly kid: string
  readonly privateKey: KeyObject
  readonly publicJwk: JsonWebKey
  /** Epoch milliseconds from which it signs. */
  readonly activeFromMs: number
}

export type SigningKeys = {
  /** The key that signs now. */
  current(): SigningKey
  /** All that are published, the one that signs first. A new array whenever the ring changes. */
  all(): readonly SigningKey[]
  /** The public set (RFC 7517 §5), for the `jwks_uri`. */
  jwks(): { readonly keys: readonly JsonWebKey[] }
  /** Reads the ring again, adds the next key when it is time and drops what has served. Call it every minute. */
  refresh(): Promise<void>
  /** Adds a key that signs as soon as readers can know it, whatever the age of the current one. */
  rotate(): Promise<void>
  /** Seals all keys anew under the current key of the key ring. */
  reseal(): Promise<void>
}

export type SigningKeysOptions = {
  readonly store: Store
  /** Private keys are kept sealed; undefined from `open` for what this process has no key for. */
  readonly seal: (text: string) => string
  readonly open: (sealed: string) => string | undefined
  /**
   * Whether what this process seals outlives it, because operators gave it a key ring. What it cannot open
   * is then a mistake, unless it was sealed by a process without one.
   */
  readonly isLasting: boolean
  /** Epoch milliseconds. */
  readonly now: () => number
}

/** One key as it is stored. */
type Row = {
  readonly kid: string
  readonly activeFromMs: number
  readonly sealed: string
  /** Whether it was sealed with a key that outlives its process. */
  readonly lasting: boolean
}

/** Reads the ring, or makes its first key. @throws {Error} for a ring that no key of ours opens. */
export async function openSigningKeys(options: SigningKeysOptions): Promise<SigningKeys> {
  const { store, now } = options
  let keys: readonly SigningKey[] = []

  const change = async (next: (ring: readonly SigningKey[]) => readonly SigningKey[]) => {
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      const stored = await store.get(STORE_KEY)
      const before = stored === undefined ? [] : openRing(stored.value, options)
      const after = next(before)
      const same = after.length === before.length && after.every((key) => before.includes(key))
      const isWritten =
        same || (await store.cas(STORE_KEY, stored?.version ?? 0, sealRing(after, options)))
      if (!isWritten) continue
      // The array stays the same while the ring does: what is built from it need not be built again.
      if (kidsOf(after) !== kidsOf(keys)) keys = after
      return
    }
    throw new Error('the signing keys are being changed by others all the time')
  }

  const refresh = (): Promise<void> => change((ring) => renew(ring, now()))
  await refresh()
  const all = (): readonly SigningKey[] => {
    const signing = signingAt(keys, now())
    return [signing, ...keys.filter((key) => key !== signing)]
  }
  return {
    current: () => signingAt(keys, now()),
    all,
    jwks: () => ({ keys: all().map(({ publicJwk }) => publicJwk) }),
    refresh,
    rotate: () => change((ring) => [...ring, createKey(now() + AHEAD_MS)]),
    reseal: () => change((ring) => ring.map((key) => ({ ...key }))),
  }
}

/** The ring as it should be now: with a next key in time, without those whose tokens have all ended. */
function renew(ring: readonly SigningKey[], nowMs: number): readonly SigningKey[] {
  const newest = ring.at(-1)
  if (newest === undefined) return [createKey(nowMs)]
  const kept = ring.filter((_, index) => {
    const successor = ring[index + 1]
    return successor === undefined || nowMs < successor.activeFromMs + LONGEST_TOKEN_MS
  })
  const isDue = nowMs >= newest.activeFromMs + SIGNING_LIFE_MS - AHEAD_MS
  return isDue ? [...kept, createKey(nowMs + AHEAD_MS)] : kept
}

/** The youngest that is active already; a clock that went back finds the oldest. */
function signingAt(ring: readonly SigningKey[], nowMs: number): SigningKey {
  const key = ring.findLast(({ activeFromMs }) => activeFromMs <= nowMs) ?? ring[0]
  if (key === undefined) throw new Error('there is no signing key')
  return key
}

function createKey(activeFromMs: number): SigningKey {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  return toKey(privateKey, activeFromMs)
}

function toKey(privateKey: KeyObject, activeFromMs: number): SigningKey {
  const jwk = createPublicKey(privateKey).export({ format: 'jwk' })
  const kid = thumbprint(jwk)
  const publicJwk = { ...jwk, kid, alg: SIGNING_ALGORITHM, use: 'sig' }
  return { kid, privateKey, publicJwk, activeFromMs }
}

function sealRing(ring: readonly SigningKey[], { seal, isLasting }: SigningKeysOptions): string {
  const rows = ring.map(({ kid, activeFromMs, privateKey }): Row => {
    const text = privateKey.export({ format: 'der', type: 'pkcs8' }).toString('base64url')
    return { kid, activeFromMs, sealed: seal(text), lasting: isLasting }
  })
  return JSON.stringify(rows)
}

function openRing(text: string, { open, isLasting }: SigningKeysOptions): readonly SigningKey[] {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- written by this file alone
  const rows = JSON.parse(text) as readonly Row[]
  return rows.flatMap(({ sealed, activeFromMs, lasting }) => {
    const der = open(sealed)
    if (der === undefined) {
      if (isLasting && lasting) throw new Error(LOST)
      return []
    }
    const key = Buffer.from(der, 'base64url')
    return [toKey(createPrivateKey({ key, format: 'der', type: 'pkcs8' }), activeFromMs)]
  })
}

function kidsOf(ring: readonly SigningKey[]): string {
  return ring.map(({ kid }) => kid).join(' ')
}

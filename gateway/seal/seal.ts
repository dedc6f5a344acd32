/**
 * Handles that clients keep for us: sealed instead of stored, so that any replica with the same key ring
 * serves them. AES-256-GCM (NIST SP 800-38D) under a key of its own for each purpose (HKDF-SHA256,
 * RFC 5869). What a handle is bound to is authenticated and not in it: opened for anybody else, or for
 * another purpose, it looks like one that was never made.
 */
import {
  createCipheriv,
  createDecipheriv,
  createHash,
  createHmac,
  createSecretKey,
  hkdfSync,
  type KeyObject,
  randomBytes,
} from 'node:crypto'
import type { RingKey } from '../model/ring-key.ts'
import { Secret } from '../model/secret.ts'

/** What a handle is for; one made for one purpose opens for no other. */
export type Purpose =
  | 'session'
  | 'event'
  | 'request'
  | 'endpoint'
  | 'refusal'
  | 'task'
  | 'state'
  | 'oauth'
  | 'cookie'
  | 'refresh-token'
  | 'ticket'
  | 'signing-key'
  | 'connect'
  | 'approval'

export type Seals = {
  /**
   * A handle in base64url that holds `text`.
   *
   * @param bound Whom and what it is bound to, in a fixed order: issuer, subject, client, server and so on.
   */
  seal(purpose: Purpose, bound: readonly string[], text: string): string
  /** The text of a handle made with the same purpose and bound; undefined for anything else. */
  open(purpose: Purpose, bound: readonly string[], handle: string): string | undefined
  /** Keys for what is signed and not sealed, one for each key of the ring, in hexadecimal; the first is current. */
  keysFor(purpose: 'cookie' | 'refresh-token'): readonly string[]
}

/** Longest handle that is looked at, in characters; ours are far shorter. */
export const MAX_HANDLE_CHARS = 8_192

/** The same for the purpose `state`, which holds whatever a server wants to find again, and for rows of the store. */
const MAX_STATE_CHARS = 393_216

/** Says which key of the ring to try; the first bytes of the hash of its id. */
const KEY_MARK_BYTES = 4

/** Random per handle: one key may seal 2^32 handles before two share one (SP 800-38D §8.3). */
const IV_BYTES = 12
const TAG_BYTES = 16
const SUBKEY_BYTES = 32
/**
 * Purposes whose handle must be the same whenever the same is sealed: a server's cancellation names the
 * request as it was named when it was sent, and its notifications a task. Their nonce is made of what is sealed, so it repeats for
 * nothing else.
 */
const REPEATABLE: ReadonlySet<Purpose> = new Set(['request', 'task'])

const BASE64URL = /^[A-Za-z0-9_-]+$/

/**
 * Key objects: given bytes, `node:crypto` tries them as a key object first and catches what that throws, which
 * takes longer than the cipher does.
 */
type Subkey = { readonly sealing: KeyObject; readonly naming: KeyObject }

type Key = { readonly mark: Buffer; readonly of: (purpose: Purpose) => Subkey }

/** @param ring The first seals; all open. At least one. @throws {Error} for an empty ring. */
export function createSeals(ring: readonly RingKey[]): Seals {
  const keys = ring.map(prepare)
  const [current] = keys
  if (current === undefined) throw new Error('a key ring needs a key')
  return {
    seal(purpose, bound, text) {
      const key = current.of(purpose)
      const context = contextOf(purpose, bound)
      const iv = REPEATABLE.has(purpose)
        ? nonceOf(key.naming, context, text)
        : randomBytes(IV_BYTES)
      const cipher = createCipheriv('aes-256-gcm', key.sealing, iv)
      cipher.setAAD(context)
      const sealed = [cipher.update(text, 'utf8'), cipher.final(), cipher.getAuthTag()]
      return Buffer.concat([current.mark, iv, ...sealed]).toString('base64url')
    },
    open(purpose, bound, handle) {
      if (handle.length > maxCharsOf(purpose) || !BASE64URL.test(handle)) return undefined
      const bytes = Buffer.from(handle, 'base64url')
      if (bytes.length < KEY_MARK_BYTES + IV_BYTES + TAG_BYTES) return undefined
      // Base64url has spare bits at its end; a handle has one spelling only.
      if (bytes.toString('base64url') !== handle) return undefined
      const mark = bytes.subarray(0, KEY_MARK_BYTES)
      const key = keys.find((known) => known.mark.equals(mark))
      if (key === undefined) return undefined
      return decrypt(key.of(purpose).sealing, contextOf(purpose, bound), bytes)
    },
    keysFor: (purpose) => keys.map((key) => key.of(purpose).sealing.export().toString('hex')),
  }
}

/** Purposes whose handles may be as long as a state. */
const LONG: ReadonlySet<Purpose> = new Set(['state', 'oauth', 'approval'])

function maxCharsOf(purpose: Purpose): number {
  return LONG.has(purpose) ? MAX_STATE_CHARS : MAX_HANDLE_CHARS
}

/** A new key, for a gateway whose ring is empty: what it seals ends with the process. */
export function temporaryKey(): RingKey {
  return { id: 'temporary', key: new Secret(randomBytes(SUBKEY_BYTES).toString('base64url')) }
}

function prepare({ id, key }: RingKey): Key {
  const secret = Buffer.from(key.reveal(), 'base64url')
  const derived = new Map<Purpose, Subkey>()
  return {
    mark: createHash('sha256').update(id).digest().subarray(0, KEY_MARK_BYTES),
    of(purpose) {
      let subkey = derived.get(purpose)
      if (subkey === undefined) {
        const info = `gatehouse handle ${purpose}`
        const bytes = new Uint8Array(hkdfSync('sha256', secret, '', info, SUBKEY_BYTES))
        const own = createHash('sha256').update('nonce').update(bytes).digest()
        subkey = { sealing: createSecretKey(bytes), naming: createSecretKey(own) }
        derived.set(purpose, subkey)
      }
      return subkey
    },
  }
}

function decrypt(key: KeyObject, context: Buffer, bytes: Buffer): string | undefined {
  const iv = bytes.subarray(KEY_MARK_BYTES, KEY_MARK_BYTES + IV_BYTES)
  const sealed = bytes.subarray(KEY_MARK_BYTES + IV_BYTES, -TAG_BYTES)
  const decipher = createDecipheriv('aes-256-gcm', key, iv, { authTagLength: TAG_BYTES })
  decipher.setAAD(context)
  decipher.setAuthTag(bytes.subarray(-TAG_BYTES))
  try {
    return decipher.update(sealed, undefined, 'utf8') + decipher.final('utf8')
  } catch {
    return undefined
  }
}

/** @param key A hash of the key that seals, used for nothing else. */
function nonceOf(key: KeyObject, context: Buffer, text: string): Buffer {
  return createHmac('sha256', key)
    .update(context)
    .update('\n')
    .update(text)
    .digest()
    .subarray(0, IV_BYTES)
}

/** Lengths are in it through JSON, so that no two lists read alike. */
function contextOf(purpose: Purpose, bound: readonly string[]): Buffer {
  return Buffer.from(JSON.stringify([purpose, ...bound]))
}

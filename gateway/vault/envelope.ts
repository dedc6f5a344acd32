/**
 * How secrets of a connection are kept: under a random key of their own (AES-256-GCM, NIST SP 800-38D),
 * which is itself sealed with a key of the key ring. Rotation seals that small key anew and leaves the
 * rest. What the secrets belong to is authenticated: a row moved to another place does not open there.
 */
import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto'

import type { RingKey } from '../model/ring-key.ts'

/** What is stored. Version and key id stand outside of what is sealed, so that they can be read first. */
export type Envelope = {
  readonly v: 1
  /** Id of the ring key. */
  readonly kid: string
  /** The row's own key, sealed; base64url. */
  readonly dek: string
  /** The secrets, sealed with it; base64url. */
  readonly blob: string
}

/** Whom and what a row belongs to. */
export type Place = {
  readonly tenant: string
  readonly issuer: string
  readonly subject: string
  readonly provider: string
  readonly connection: string
}

export type Envelopes = {
  seal(place: Place, text: string): Envelope
  /** Undefined for a row of another place, one changed by somebody, or one whose key is gone. */
  open(place: Place, envelope: Envelope): string | undefined
  /** The same row under the current key of the ring; itself where it is, undefined where it does not open. */
  rewrap(place: Place, envelope: Envelope): Envelope | undefined
}

const KEY_BYTES = 32
/** Random for each row key and each blob: one ring key may wrap 2^32 of them (SP 800-38D §8.3). */
const IV_BYTES = 12
const TAG_BYTES = 16

/** @param ring The first seals, all open. @throws {Error} for an empty ring. */
export function createEnvelopes(ring: readonly RingKey[]): Envelopes {
  const keys = new Map(ring.map(({ id, key }) => [id, derive(key.reveal())]))
  const [current] = keys
  if (current === undefined) throw new Error('a key ring needs a key')
  const [currentId, currentKey] = current
  const unwrap = (place: Place, { kid, dek, v }: Envelope): Buffer | undefined => {
    const key = v === 1 ? keys.get(kid) : undefined
    return key && decrypt(key, aadOf(place, kid), dek)
  }
  const wrap = (place: Place, dek: Buffer): Pick<Envelope, 'v' | 'kid' | 'dek'> => {
    return { v: 1, kid: currentId, dek: encrypt(currentKey, aadOf(place, currentId), dek) }
  }
  return {
    seal(place, text) {
      const dek = randomBytes(KEY_BYTES)
      const blob = encrypt(dek, aadOf(place), Buffer.from(text))
      return { ...wrap(place, dek), blob }
    },
    open(place, envelope) {
      const dek = unwrap(place, envelope)
      return dek && decrypt(dek, aadOf(place), envelope.blob)?.toString('utf8')
    },
    rewrap(place, envelope) {
      const dek = unwrap(place, envelope)
      if (dek === undefined) return undefined
      return envelope.kid === currentId ? envelope : { ...envelope, ...wrap(place, dek) }
    },
  }
}

/** `v1|tenant|issuer|subject|provider|connection`, each with its length before it: no two places read alike. */
function aadOf({ tenant, issuer, subject, provider, connection }: Place, kid?: string): Buffer {
  const parts = ['v1', tenant, issuer, subject, provider, connection]
  if (kid !== undefined) parts.push(kid)
  return Buffer.from(parts.map((part) => `${Buffer.byteLength(part)}:${part}`).join('|'))
}

function derive(key: string): Buffer {
  const secret = Buffer.from(key, 'base64url')
  return Buffer.from(hkdfSync('sha256', secret, '', 'gatehouse vault', KEY_BYTES))
}

function encrypt(key: Uint8Array, aad: Buffer, text: Buffer): string {
  const iv = randomBytes(IV_BYTES)
  const cipher = createCipheriv('aes-256-gcm', key, iv)
  cipher.setAAD(aad)
  const sealed = [cipher.update(text), cipher.final(), cipher.getAuthTag()]
  return Buffer.concat([iv, ...sealed]).toString('base64url')
}

function decrypt(key: Uint8Array, aad: Buffer, sealed: string): Buffer | undefined {
  const bytes = Buffer.from(sealed, 'base64url')
  if (bytes.length < IV_BYTES + TAG_BYTES) return undefined
  const options = { authTagLength: TAG_BYTES }
  const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, IV_BYTES), options)
  decipher.setAAD(aad)
  decipher.setAuthTag(bytes.subarray(-TAG_BYTES))
  try {
    const text = decipher.update(bytes.subarray(IV_BYTES, -TAG_BYTES))
    return Buffer.concat([text, decipher.final()])
  } catch {
    return undefined
  }
}

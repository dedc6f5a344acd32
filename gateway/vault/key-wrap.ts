/** Where the keys of rows are sealed: with the key ring, in this process. */
import { hkdfSync } from 'node:crypto'

import type { RingKey } from '../model/ring-key.ts'
import { decrypt, encrypt } from './aead.ts'

/** The key of one row, sealed, and what it was sealed with. */
export type WrappedKey = {
  /** Id of a key of the ring, or the name of one that a key service has. */
  readonly kid: string
  /** As whoever sealed it writes it. */
  readonly dek: string
}

/** Seals keys of rows and opens them. Each names the keys it seals with, so that rows find their way back. */
export type KeyWrap = {
  /** Whether it is this one that opens what names such a key. */
  owns(kid: string): boolean
  /** Whether what it has opened may stay open: a key service wants to be asked again after a time. */
  readonly opensForGood: boolean
  /**
   * @param place Whom and what the row belongs to; a key opens with the same alone.
   * @throws {Refusal} (rejects with) `credential_unavailable` when it cannot be asked now.
   */
  wrap(key: Buffer, place: Buffer): Promise<WrappedKey>
  /** Undefined for what does not open with it, ever. Rejects like `wrap`. */
  unwrap(wrapped: WrappedKey, place: Buffer): Promise<Buffer | undefined>
  /** The key that `wrapped` holds sealed with the newest there is, or `wrapped` itself where it is. Rejects likewise. */
  rewrap(wrapped: WrappedKey, key: Buffer, place: Buffer): Promise<WrappedKey>
}

const KEY_BYTES = 32

/** @param ring The first seals, all open. @throws {Error} for an empty ring. */
export function createRingWrap(ring: readonly RingKey[]): KeyWrap {
  const keys = new Map(ring.map(({ id, key }) => [id, derive(key.reveal())]))
  const [current] = keys
  if (current === undefined) throw new Error('a key ring needs a key')
  const [currentId, currentKey] = current
  const wrapNow = (key: Buffer, place: Buffer): WrappedKey => ({
    kid: currentId,
    dek: encrypt(currentKey, bound(place, currentId), key),
  })
  const unwrapNow = ({ kid, dek }: WrappedKey, place: Buffer): Buffer | undefined => {
    const key = keys.get(kid)
    return key && decrypt(key, bound(place, kid), dek)
  }
  return {
    owns: (kid) => keys.has(kid),
    opensForGood: true,
    wrap: async (key, place) => wrapNow(key, place),
    unwrap: async (wrapped, place) => unwrapNow(wrapped, place),
    rewrap: async (wrapped, key, place) =>
      wrapped.kid === currentId ? wrapped : wrapNow(key, place),
  }
}

/** The id is authenticated too: naming another key of the ring opens nothing. */
function bound(place: Buffer, kid: string): Buffer {
  return Buffer.concat([place, Buffer.from(`|${Buffer.byteLength(kid)}:${kid}`)])
}

function derive(key: string): Buffer {
  const secret = Buffer.from(key, 'base64url')
  return Buffer.from(hkdfSync('sha256', secret, '', 'gatehouse vault', KEY_BYTES))
}

/**
 * How secrets of a connection are kept: under a random key of their own, which is itself sealed with the key
 * ring or by a key service. Rotation seals that small key anew and leaves the rest. What the secrets belong
 * to is authenticated: a row moved to another place does not open there.
 */
import { randomBytes } from 'node:crypto'

import { decrypt, encrypt } from './aead.ts'
import type { KeyWrap, WrappedKey } from './key-wrap.ts'

/** What is stored. Version and key id stand outside of what is sealed, so that they can be read first. */
export type Envelope = WrappedKey & {
  readonly v: 1
  /** The secrets, sealed with the row's own key; base64url. */
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

/** A row that opened. */
export type Opened = {
  readonly text: string
  /** Whether it would open again for as long as these keys are in force, so that nobody need try. */
  readonly isForGood: boolean
  /**
   * Another text under the same row key. It asks nobody where that is sealed as it should be: what a
   * provider has just given must not be lost because a key service is away.
   */
  reseal(text: string): Promise<Envelope>
}

/** All reject with a refusal `credential_unavailable` when a key service cannot be asked now. */
export type Envelopes = {
  seal(place: Place, text: string): Promise<Envelope>
  /** Undefined for a row of another place, one changed by somebody, or one whose key is gone. */
  open(place: Place, envelope: Envelope): Promise<Opened | undefined>
  /** The same row under the current key; itself where it is, undefined where it does not open. */
  rewrap(place: Place, envelope: Envelope): Promise<Envelope | undefined>
}

const KEY_BYTES = 32

/** @param wraps The first seals, all open. */
export function createEnvelopes(wraps: readonly [KeyWrap, ...KeyWrap[]]): Envelopes {
  const [current] = wraps
  const wrapOf = ({ v, kid }: Envelope): KeyWrap | undefined =>
    v === 1 ? wraps.find((one) => one.owns(kid)) : undefined
  const unwrap = async (at: Buffer, envelope: Envelope): Promise<Buffer | undefined> => {
    const { kid, dek } = envelope
    return await wrapOf(envelope)?.unwrap({ kid, dek }, at)
  }
  return {
    async seal(place, text) {
      const [at, key] = [aadOf(place), randomBytes(KEY_BYTES)]
      return { v: 1, ...(await current.wrap(key, at)), blob: encrypt(key, at, Buffer.from(text)) }
    },
    async open(place, envelope) {
      const at = aadOf(place)
      const key = await unwrap(at, envelope)
      const bytes = key && decrypt(key, at, envelope.blob)
      if (key === undefined || bytes === undefined) return undefined
      return {
        text: bytes.toString('utf8'),
        isForGood: wrapOf(envelope)?.opensForGood === true,
        async reseal(text) {
          const { v, kid, dek } = envelope
          const wrapped = current.owns(kid) ? { kid, dek } : await current.wrap(key, at)
          return { v, ...wrapped, blob: encrypt(key, at, Buffer.from(text)) }
        },
      }
    },
    async rewrap(place, envelope) {
      const { v, kid, dek, blob } = envelope
      const at = aadOf(place)
      const key = await unwrap(at, envelope)
      // A row is given up for none that would not open either.
      if (key === undefined || decrypt(key, at, blob) === undefined) return undefined
      const wrapped = { kid, dek }
      const anew = current.owns(kid)
        ? await current.rewrap(wrapped, key, at)
        : await current.wrap(key, at)
      return anew === wrapped ? envelope : { v, ...anew, blob }
    },
  }
}

/** `v1|tenant|issuer|subject|provider|connection`, each with its length before it: no two places read alike. */
function aadOf({ tenant, issuer, subject, provider, connection }: Place): Buffer {
  const parts = ['v1', tenant, issuer, subject, provider, connection]
  return Buffer.from(parts.map((part) => `${Buffer.byteLength(part)}:${part}`).join('|'))
}

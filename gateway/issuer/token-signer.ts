/**
 * A signing key as `oidc-provider` uses it. Signed is here, on the thread that asks: handing so short a text to
 * another thread, as Web Crypto does, costs several times the signature.
 */
import type { KeyObject } from 'node:crypto'
import { createPublicKey, sign } from 'node:crypto'

import { ExternalSigningKey } from 'oidc-provider'

import type { SigningKey } from '../oauth/signing-keys.ts'
import { SIGNING_ALGORITHM } from '../oauth/signing-keys.ts'

export class TokenSigner extends ExternalSigningKey {
  readonly #privateKey: KeyObject
  readonly #publicKey: KeyObject
  readonly #kid: string

  constructor({ privateKey, kid }: SigningKey) {
    super()
    this.#privateKey = privateKey
    this.#publicKey = createPublicKey(privateKey)
    this.#kid = kid
  }

  override get kid(): string {
    return this.#kid
  }

  override get alg(): string {
    return SIGNING_ALGORITHM
  }

  override keyObject(): KeyObject {
    return this.#publicKey
  }

  /** The signature of ES256: both numbers, one after the other (RFC 7518 §3.4). */
  override async sign(data: Uint8Array): Promise<Uint8Array> {
    return sign('sha256', data, { key: this.#privateKey, dsaEncoding: 'ieee-p1363' })
  }
}

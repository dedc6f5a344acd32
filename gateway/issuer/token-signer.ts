/**
 * A signing key as `oidc-provider` uses it. Signed is here, on the thread that asks: handing so short a text to
 * another thread, as Web Crypto does, costs several times the signature.
 */
import type { KeyObject } from 'node:crypto'
import { createPublicKey } from 'node:crypto'

import { ExternalSigningKey } from 'oidc-provider'

import { signEs256 } from '../oauth/sign-es256.ts'
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

  override async sign(data: Uint8Array): Promise<Uint8Array> {
    return signEs256(data, this.#privateKey)
  }
}

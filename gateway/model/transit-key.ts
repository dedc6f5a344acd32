import type { Secret } from './secret.ts'

/** A key of a key service that speaks the transit API of HashiCorp Vault and OpenBao; it never leaves there. */
export type TransitKey = {
  /** Origin, and path where there is one, before `/v1`. */
  readonly url: string
  /** Path of the secrets engine, without slashes at its ends. */
  readonly mount: string
  readonly name: string
  readonly token: Secret
  /** Undefined: none. */
  readonly namespace: string | undefined
  /** Whether the key was made with `derived=true`: what a row belongs to is then `context` and not `associated_data`. */
  readonly derived: boolean
  /** PEM file with the authority of its certificate; undefined: those of the system. */
  readonly ca: string | undefined
  /** How long the key of a row is kept after it was opened, in milliseconds. */
  readonly cacheMs: number
  /** Whether it only opens what it has sealed, and the ring seals: on the way back to the ring. */
  readonly retiring: boolean
}

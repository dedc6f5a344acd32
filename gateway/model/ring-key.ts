import type { Secret } from './secret.ts'

/** A key of the key ring: 32 random bytes in base64url, and the id that names it in configuration. */
export type RingKey = { readonly id: string; readonly key: Secret }

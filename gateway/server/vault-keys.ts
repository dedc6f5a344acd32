/** What seals the keys of connections: the key ring of the configuration in force, or a key service. */
import { createOAuthFetch, type OAuthFetch } from '../egress/oauth-fetch.ts'
import { readTls } from '../egress/tls-files.ts'
import type { Emit } from '../model/event.ts'
import type { RingKey } from '../model/ring-key.ts'
import type { Settings } from '../settings/settings.ts'
import { createEnvelopes, type Envelopes } from '../vault/envelope.ts'
import { createRingWrap } from '../vault/key-wrap.ts'
import { createTransitWrap } from '../vault/transit.ts'

/** A call may wait for the key of a row, so it gets three seconds, in milliseconds. */
const TIMEOUT_MS = 3_000

/** What the vault seals with, whichever configuration is in force. */
export type VaultKeys = {
  /** Those in force. */
  readonly envelopes: () => Envelopes
  /**
   * Those of this configuration, in force once what is returned is called; that cannot fail. Row keys that a key
   * service has opened are asked for again.
   *
   * @throws {Error} when the file of an authority cannot be read.
   */
  prepare(settings: KeySettings): () => void
  close(): Promise<void>
}

type KeySettings = Pick<Settings, 'keys' | 'transit'>

type Options = {
  /** Seals where there is no ring. */
  readonly ephemeral: RingKey
  /** Epoch milliseconds. */
  readonly now: () => number
  readonly emit: Emit
}

/** @throws {Error} as `prepare` does. */
export function createVaultKeys(options: Options & { readonly settings: KeySettings }): VaultKeys {
  let inForce = make(options.settings, options)
  return {
    envelopes: () => inForce.envelopes,
    prepare(settings) {
      if (settings === inForce.settings) return () => {}
      const next = make(settings, options)
      return () => {
        const before = inForce
        inForce = next
        // Requests that run end by themselves.
        void before.fetch?.close()
      }
    },
    close: async () => await inForce.fetch?.close(),
  }
}

type InForce = {
  readonly settings: KeySettings
  readonly envelopes: Envelopes
  readonly fetch: OAuthFetch | undefined
}

function make(settings: KeySettings, { ephemeral, now, emit }: Options): InForce {
  const { keys, transit: key } = settings
  const ring = createRingWrap(keys.length > 0 ? keys : [ephemeral])
  if (key === undefined) return { settings, envelopes: createEnvelopes([ring]), fetch: undefined }
  const fetch = createOAuthFetch({ timeoutMs: TIMEOUT_MS, tls: readTls({ ca: key.ca }) })
  const transit = createTransitWrap({ key, fetch, now, emit })
  const envelopes = createEnvelopes(key.retiring ? [ring, transit] : [transit, ring])
  return { settings, envelopes, fetch }
}

/** Who is asking, under one configuration: the issuers and API keys that count, and what looks after them. */
import { createIdentify, type Identify } from '../identity/identify.ts'
import type { TrustedIssuer } from '../identity/trust.ts'
import { createProofPace } from '../limits/proof-pace.ts'
import type { Settings } from '../settings/settings.ts'
import type { Plant } from './plant.ts'

/**
 * Identifies callers by one configuration. It asks the issuers for their keys at once and waits for none.
 *
 * @param trusted Every issuer whose tokens count, our own among them.
 * @param previous Of the configuration before: what it knows of keys and tokens that are the same is taken over.
 */
export function identifyFor(
  { settings, trusted }: { settings: Settings; trusted: readonly TrustedIssuer[] },
  plant: Plant,
  previous: Identify | undefined,
): Identify {
  const identify = createIdentify({
    issuers: trusted,
    apiKeys: settings.apiKeys,
    revocations: plant.revocations,
    fetchKeys: plant.keyFetches.fetchKeys,
    readFile: plant.readFile,
    now: plant.now,
    emit: plant.emit,
    introspect: plant.introspect,
    isNew: (text, ttlMs) => plant.store.cas(`proof/${text}`, 0, '', { ttlMs }),
    makeRoom: createProofPace(settings.limits, plant.tick),
    ...(previous === undefined ? {} : { handover: previous.handover }),
  })
  // Not waited for: an issuer that is down must not keep the others from being served.
  void identify.refreshKeys()
  return identify
}

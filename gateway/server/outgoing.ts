/** The connections that this process makes to others than MCP servers; they outlive a reload. */
import { createOAuthFetch, type OAuthFetch } from '../egress/oauth-fetch.ts'
import { createPostJson, type PostJson } from '../egress/post-json.ts'
import { createPostNotice, type PostNotice } from '../egress/post-notice.ts'
import type { Settings } from '../settings/settings.ts'
import type { KeyFetches } from './key-fetches.ts'
import { MAX_RUNNING } from './notifier.ts'
import { createProviderFetches, type ProviderFetches } from './provider-fetches.ts'

/** A call waits for what an issuer says of its token, so it gets one second, in milliseconds (T-15). */
const INTROSPECTION_MS = 1_000

/** Connections to one decision point; `max_concurrent` is what bounds its questions. */
const POINT_CONNECTIONS = 64

export type Outgoing = {
  /** For the keys of issuers; keys that a reload takes over are fetched with it too. */
  readonly keyFetches: KeyFetches
  /** For token endpoints. */
  readonly oauthFetch: OAuthFetch
  /** For those of providers. */
  readonly providerFetches: ProviderFetches
  /** For what issuers say of tokens. */
  readonly introspectionFetch: OAuthFetch
  /** For decision points. */
  readonly postJson: PostJson
  /** For notifications to operators. */
  readonly postNotice: PostNotice
}

/** Connects to nobody yet. `closeOutgoing` ends what was opened, `keyFetches` too. */
export function createOutgoing(settings: Settings, keyFetches: KeyFetches): Outgoing {
  return {
    keyFetches,
    oauthFetch: createOAuthFetch(),
    providerFetches: createProviderFetches({ settings }),
    introspectionFetch: createOAuthFetch({ timeoutMs: INTROSPECTION_MS }),
    postJson: createPostJson(POINT_CONNECTIONS),
    postNotice: createPostNotice(MAX_RUNNING),
  }
}

/** Closes all of them, each once what it asks is answered; notifications are broken off. */
export async function closeOutgoing(outgoing: Outgoing): Promise<void> {
  await outgoing.postNotice.close()
  await outgoing.keyFetches.close()
  await outgoing.postJson.close()
  await outgoing.oauthFetch.close()
  await outgoing.providerFetches.close()
  await outgoing.introspectionFetch.close()
}

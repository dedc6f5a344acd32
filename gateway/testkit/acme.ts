/** Acme, the provider of tests, as settings describe it. Loads next to nothing. */
import type { OAuthFetch } from '../egress/oauth-fetch.ts'
import type { Provider, RemoteProvider } from '../model/provider.ts'
import { temporaryKey } from '../seal/seal.ts'
import { createMemoryStore } from '../state/memory.ts'
import { createEnvelopes } from '../vault/envelope.ts'
import { createRingWrap } from '../vault/key-wrap.ts'
import { createProviders, type Providers, type ProvidersOptions } from '../vault/providers.ts'

/** Of the gateway, as its client. */
export const ACME_SECRET = 'acme-client-secret-canary'

/** Where credentials of tests go. */
export const PLACE = { header: 'Authorization', as: 'bearer', user: '' } as const

/** The only key of their ring. */
export const RING = temporaryKey()

/** A provider of single-use refresh tokens, without a client secret. */
export const ACME: Provider = {
  name: 'acme',
  title: 'Acme',
  rotation: 'single_use',
  place: PLACE,
  issuer: undefined,
  authorizeUrl: 'https://acme.example/auth',
  tokenUrl: 'https://acme.example/token',
  refreshUrl: 'https://acme.example/token',
  revokeUrl: undefined,
  sendsIssuer: false,
  bodyFormat: 'form',
  pkce: true,
  scopes: [],
  scopeSeparator: ' ',
  scopeParameter: 'scope',
  silent: false,
  loginHint: false,
  authorizeParameters: {},
  tokenParameters: {},
  tokenPath: [],
  okField: undefined,
  accountField: [],
  ca: undefined,
  reach: 'any',
  grantor: undefined,
  client: { id: 'gateway', secret: undefined, auth: 'none' },
}

/** Acme alone, or what else there is instead. */
export function testProviders(
  configured: ReadonlyMap<string, Provider | RemoteProvider> = new Map([['acme', ACME]]),
  more: Partial<ProvidersOptions> = {},
): Providers {
  const fetch: OAuthFetch = Object.assign(() => Promise.reject(new Error('not here')), {
    close: async () => undefined,
  })
  const now = more.now ?? (() => 0)
  return createProviders({
    configured,
    fetchesOf: () => ({ any: fetch, public: fetch }),
    store: createMemoryStore({ now }),
    envelopes: () => createEnvelopes([createRingWrap([RING])]),
    redirectUri: (name) => `https://gw.example/connect/${name}/callback`,
    origin: 'https://gw.example',
    now,
    emit: () => undefined,
    ...more,
  })
}

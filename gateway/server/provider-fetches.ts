/** How providers are reached: with the certificates that operators configured, where they did. */
import type { FetchesOf, OAuthFetch, OAuthRequest } from '../egress/oauth-fetch.ts'
import { createOAuthFetch } from '../egress/oauth-fetch.ts'
import { readTls } from '../egress/tls-files.ts'
import { isRemote, type RemoteProvider } from '../model/provider.ts'
import type { McpServer, UpstreamTls } from '../model/server.ts'
import type { Settings } from '../settings/settings.ts'

/** A fetch for each provider, whichever configuration is in force. */
export type ProviderFetches = {
  /** Those in force; of a provider that nothing was said of, they are as for everybody. */
  readonly of: FetchesOf
  /**
   * Those of this configuration, in force once what is returned is called; that cannot fail.
   *
   * @throws {Error} when a file cannot be read.
   */
  prepare(settings: ProviderSettings): () => void
  close(): Promise<void>
}

/** What of a configuration says how providers are reached. */
export type ProviderSettings = Pick<Settings, 'providers' | 'servers'>

type Options = {
  readonly settings: ProviderSettings
  /** Milliseconds; as for every authorization server by default. */
  readonly timeoutMs?: number
}

/** @throws {Error} as `prepare` does. */
export function createProviderFetches({ settings, ...timeout }: Options): ProviderFetches {
  const base = {
    any: createOAuthFetch(timeout),
    public: createOAuthFetch({ ...timeout, reach: 'public' }),
  }
  const make = (of: ProviderSettings): InForce => {
    const opened: OAuthFetch[] = []
    const over = (tls: Partial<UpstreamTls>): OAuthFetch => {
      const fetch = createOAuthFetch({ ...timeout, tls: readTls(tls) })
      opened.push(fetch)
      return fetch
    }
    const named = new Map<string, OAuthFetch>()
    for (const provider of of.providers.values()) {
      const { name, ca } = provider
      const rest = ca === undefined ? base.any : over({ ca })
      const tls = isRemote(provider) ? serverTlsOf(provider, of.servers) : undefined
      const isPrivate = isRemote(provider) && tls !== undefined
      named.set(name, isPrivate ? divide(provider, { server: over(tls), rest }) : rest)
    }
    return { settings: of, named, opened }
  }
  let inForce = make(settings)
  return {
    of: (provider) => ({ ...base, any: inForce.named.get(provider) ?? base.any }),
    prepare(of) {
      if (of === inForce.settings) return () => {}
      const next = make(of)
      return () => {
        const before = inForce
        inForce = next
        // Requests that run end by themselves.
        for (const fetch of before.opened) void fetch.close()
      }
    },
    async close() {
      const all = [base.any, base.public, ...inForce.opened]
      await Promise.all(all.map((fetch) => fetch.close()))
    },
  }
}

type InForce = {
  readonly settings: ProviderSettings
  readonly named: ReadonlyMap<string, OAuthFetch>
  readonly opened: readonly OAuthFetch[]
}

/** Of the server that a provider is discovered by: as calls reach it. */
function serverTlsOf(
  { discover }: RemoteProvider,
  servers: readonly McpServer[],
): UpstreamTls | undefined {
  const { origin } = new URL(discover)
  const like = servers.find(({ upstream: { tls, ...up } }) => up.origin === origin && tls)
  return like?.upstream.tls
}

/** What is at the server's origin is reached as calls are; so is its host, unless the provider has a CA. */
function divide(
  { ca, discover }: RemoteProvider,
  { server, rest }: { readonly server: OAuthFetch; readonly rest: OAuthFetch },
): OAuthFetch {
  const own = new URL(discover)
  const isServer = ({ origin, hostname }: URL): boolean =>
    origin === own.origin || (ca === undefined && hostname === own.hostname)
  const fetch: typeof rest = Object.assign(
    (url: string, request: OAuthRequest) => (isServer(new URL(url)) ? server : rest)(url, request),
    { close: rest.close },
  )
  return fetch
}

/** A web in memory: documents by URL, for code that is given a fetch, which notes how each was reached. */
import type { OAuthFetch, OAuthFetches } from '../egress/oauth-fetch.ts'
import type { Reach, RemoteProvider } from '../model/provider.ts'

export type Page = object | Response | ((body: string) => Response | object)

export type Asked = {
  readonly reach: Reach
  readonly method: string
  readonly url: string
  readonly body: string
}

/** Whatever is not in it answers 404. Pages may be replaced while it is used. */
export function createWeb(pages: Record<string, Page>): {
  readonly pages: Record<string, Page>
  readonly fetches: OAuthFetches
  readonly asked: Asked[]
} {
  const asked: Asked[] = []
  const through = (reach: Reach): OAuthFetch => {
    const fetch = async (url: string, { method, body }: Parameters<OAuthFetch>[1]) => {
      asked.push({ reach, method, url, body: String(body ?? '') })
      const page = pages[`${method} ${url}`]
      const found = typeof page === 'function' ? page(String(body ?? '')) : page
      if (found === undefined) return new Response(null, { status: 404 })
      return found instanceof Response ? found.clone() : Response.json(found)
    }
    return Object.assign(fetch, { close: async () => undefined })
  }
  return { pages, asked, fetches: { any: through('any'), public: through('public') } }
}

export const SERVER = 'https://mcp.acme.example/mcp'
export const ISSUER = 'https://login.example/t1'

/** A protected server that is discovered, and nothing else said of it. */
export const REMOTE: RemoteProvider = {
  name: 'acme',
  title: 'Acme',
  discover: SERVER,
  client: undefined,
  issuer: undefined,
  clientDocument: undefined,
  ca: undefined,
  scopes: [],
  authorizeParameters: {},
  silent: false,
}

/** What it and its authorization server say of themselves, by URL. */
export function remotePages(
  more: { readonly resource?: object; readonly authority?: object } = {},
): Record<string, Page> {
  const resource = { resource: SERVER, authorization_servers: [ISSUER], ...more.resource }
  return {
    'GET https://mcp.acme.example/.well-known/oauth-protected-resource/mcp': resource,
    'GET https://login.example/.well-known/oauth-authorization-server/t1': {
      issuer: ISSUER,
      authorization_endpoint: `${ISSUER}/auth`,
      token_endpoint: `${ISSUER}/token`,
      registration_endpoint: `${ISSUER}/register`,
      code_challenge_methods_supported: ['S256'],
      token_endpoint_auth_methods_supported: ['client_secret_basic', 'none'],
      ...more.authority,
    },
  }
}

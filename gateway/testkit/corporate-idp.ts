/** A corporate identity provider for tests: `oidc-provider` itself, which lets one person in unasked. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer } from 'node:http'

import type { Configuration } from 'oidc-provider'
import { interactionPolicy, Provider } from 'oidc-provider'

import { freePort } from './free-port.ts'

export type CorporateIdp = {
  readonly issuer: string
  /** Who is let in next. */
  person: { readonly sub: string; readonly claims: Readonly<Record<string, unknown>> }
  /** How people sign in where nobody asks for another way (`acr_values`). */
  usualClass: string
  /** Logout tokens sent so far. */
  readonly logoutTokens: readonly string[]
  stop(): Promise<void>
}

export const IDP_SECRET = 'a-secret-between-gateway-and-idp-2026'

/** Where it tells of logouts, and whether it names the session that has ended. */
export type BackChannel = { readonly uri: string; readonly namesSessions: boolean }

/** @param redirectUris Callbacks of the gateway. */
export async function startCorporateIdp(
  redirectUris: readonly string[],
  backChannel?: BackChannel,
): Promise<CorporateIdp> {
  const logoutTokens: string[] = []
  const port = await freePort()
  const issuer = `http://127.0.0.1:${port}`
  const idp: { -readonly [key in keyof CorporateIdp]: CorporateIdp[key] } = {
    issuer,
    logoutTokens,
    person: { sub: '00u1', claims: { name: 'Bea', groups: ['analysts'], hd: 'corp.example' } },
    usualClass: 'urn:corp:gold',
    stop: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
  const configuration: Configuration = {
    clients: [
      {
        client_id: 'gatehouse',
        client_secret: IDP_SECRET,
        redirect_uris: [...redirectUris],
        application_type: 'native',
        ...(backChannel !== undefined && {
          backchannel_logout_uri: backChannel.uri,
          backchannel_logout_session_required: backChannel.namesSessions,
        }),
      },
    ],
    claims: { openid: ['sub', 'name', 'groups', 'hd', 'acr', 'amr'] },
    conformIdTokenClaims: false,
    cookies: { keys: ['a test'] },
    features: { devInteractions: { enabled: false }, backchannelLogout: { enabled: true } },
    // By itself it would send nothing to loopback, where the gateway is.
    fetch: (url, { method, headers, body } = {}) => {
      if (body instanceof URLSearchParams) logoutTokens.push(body.get('logout_token') ?? '')
      return fetch(url, { method, headers, body } as RequestInit)
    },
    interactions: { url: (_context, { uid }) => `/interaction/${uid}`, policy: policy() },
    findAccount: (_context, sub) => ({
      accountId: sub,
      claims: () => Promise.resolve({ ...idp.person.claims, sub }),
    }),
  }
  const provider = new Provider(issuer, configuration)
  const callback = provider.callback()
  const interact = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { prompt, params, session } = await provider.interactionDetails(request, response)
    if (prompt.name === 'login') {
      const { acr_values: wanted } = params
      const acr = typeof wanted === 'string' ? wanted.split(' ')[0] : undefined
      const way = { amr: ['pwd', 'mfa'], acr: acr ?? idp.usualClass }
      const login = { accountId: idp.person.sub, ...way }
      return await provider.interactionFinished(request, response, { login })
    }
    const grant = new provider.Grant({
      accountId: String(session?.accountId),
      clientId: String(params['client_id']),
    })
    grant.addOIDCScope('openid profile')
    await provider.interactionFinished(request, response, {
      consent: { grantId: await grant.save() },
    })
  }
  const server = createServer((request, response) => {
    if (request.url?.startsWith('/interaction/') !== true) {
      void callback(request, response)
      return
    }
    interact(request, response).catch((error: unknown) =>
      response.writeHead(500).end(String(error)),
    )
  })
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  return idp
}

/** Has people sign in again who have not signed in in the way wanted. */
function policy(): ReturnType<typeof interactionPolicy.base> {
  const { base, Check } = interactionPolicy
  const prompts = base()
  const check = new Check('acr_values', 'another way is wanted', 'login_required', ({ oidc }) => {
    const { acr_values: wanted } = oidc.params ?? {}
    return typeof wanted === 'string' && !wanted.split(' ').includes(oidc.session?.acr ?? '')
  })
  prompts.get('login')?.checks.add(check)
  return prompts
}

/**
 * A service that people connect: `oidc-provider` with refresh tokens that rotate and end with their whole
 * family when an old one comes again. Whoever the cookie `user` names is signed in and consents.
 */
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'

import { Provider, type Configuration } from 'oidc-provider'

import { ACME_SECRET } from './acme.ts'

export type RotatingProvider = {
  readonly origin: string
  /** The entry of `providers`, with the client secret in the environment variable `ACME_SECRET`. */
  readonly entry: Readonly<Record<string, unknown>>
  /** Who an access token is of; undefined for one that is not good. */
  userOf(token: string): Promise<string | undefined>
  /** Tokens as this person's consent gives them, without a browser. */
  grant(user: string): Promise<{ readonly accessToken: string; readonly refreshToken: string }>
  /** Refreshes that worked, and refreshes that did not. */
  readonly counts: { refreshed: number; failed: number; revoked: number }
  stop(): Promise<void>
}

/** @param options.lifeSeconds How long its access tokens live. */
export async function startRotatingProvider(options: {
  readonly lifeSeconds: number
  /** Where browsers are sent back to. */
  readonly redirectUris: readonly string[]
  /** Where the keys are that our client signs with; without it the client has a secret. */
  readonly clientKeys?: string
}): Promise<RotatingProvider> {
  const http = createServer()
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve))
  const origin = `http://127.0.0.1:${(http.address() as AddressInfo).port}`
  const provider = new Provider(origin, configuration(options))
  const counts = { refreshed: 0, failed: 0, revoked: 0 }
  provider.on('grant.success', ({ oidc }) => {
    if (oidc.params?.['grant_type'] === 'refresh_token') counts.refreshed += 1
  })
  provider.on('grant.error', () => void (counts.failed += 1))
  provider.on('grant.revoked', () => void (counts.revoked += 1))
  answer(http, provider)
  return {
    origin,
    entry: {
      title: 'Acme',
      authorize_url: `${origin}/auth`,
      token_url: `${origin}/token`,
      revoke_url: `${origin}/token/revocation`,
      issuer: origin,
      sends_issuer: true,
      scopes: ['openid', 'offline_access'],
      authorize_parameters: { prompt: 'consent' },
      rotation: 'single_use',
      client:
        options.clientKeys === undefined
          ? { id: 'gateway', secret: '${env:ACME_SECRET}' }
          : { id: 'gateway', auth: 'private_key_jwt' },
    },
    userOf: async (token) => (await provider.AccessToken.find(token))?.accountId,
    grant: (user) => grantTo(provider, user),
    counts,
    stop: async () => {
      http.closeAllConnections()
      await new Promise((resolve) => http.close(resolve))
    },
  }
}

async function grantTo(provider: Provider, accountId: string) {
  const client = await provider.Client.find('gateway')
  if (client === undefined) throw new Error('no client')
  const scope = 'openid offline_access'
  const grant = new provider.Grant({ accountId, clientId: client.clientId })
  grant.addOIDCScope(scope)
  const grantId = await grant.save()
  const facts = { accountId, client, grantId, scope, gty: 'authorization_code' }
  const [accessToken, refreshToken] = [
    await new provider.AccessToken(facts).save(),
    await new provider.RefreshToken(facts).save(),
  ]
  return { accessToken, refreshToken }
}

function configuration(options: Parameters<typeof startRotatingProvider>[0]): Configuration {
  return {
    clients: [
      {
        client_id: 'gateway',
        ...(options.clientKeys === undefined
          ? { client_secret: ACME_SECRET }
          : { token_endpoint_auth_method: 'private_key_jwt', jwks_uri: options.clientKeys }),
        redirect_uris: [...options.redirectUris],
        grant_types: ['authorization_code', 'refresh_token'],
      },
    ],
    scopes: ['openid', 'offline_access', 'drive.read', 'drive.write'],
    findAccount: (_context, accountId) => ({ accountId, claims: () => ({ sub: accountId }) }),
    features: { devInteractions: { enabled: false }, revocation: { enabled: true } },
    ttl: { AccessToken: options.lifeSeconds, RefreshToken: 86_400, Grant: 86_400 },
    // Keys of clients are at loopback here, which it would not ask by itself.
    fetch: (url, request) => fetch(url, { method: request?.method ?? 'GET' }),
    rotateRefreshToken: true,
    issueRefreshToken: () => true,
    interactions: { url: (_context, { uid }) => `/interaction/${uid}` },
    pkce: { required: () => true },
    cookies: { keys: ['test-only'] },
  }
}

function answer(http: Server, provider: Provider): void {
  const callback = provider.callback()
  http.on('request', (request, response) => {
    if (request.url?.startsWith('/interaction/') !== true) {
      void callback(request, response)
      return
    }
    const user = /(?:^|; )user=([\w-]+)/.exec(request.headers.cookie ?? '')?.[1] ?? 'nobody'
    void (async () => {
      const { params, prompt } = await provider.interactionDetails(request, response)
      if (prompt.name === 'login') {
        await provider.interactionFinished(request, response, { login: { accountId: user } })
        return
      }
      const grant = new provider.Grant({ accountId: user, clientId: String(params['client_id']) })
      grant.addOIDCScope(String(params['scope']))
      const consent = { grantId: await grant.save() }
      await provider.interactionFinished(request, response, { consent })
    })().catch(() => response.writeHead(500).end())
  })
}

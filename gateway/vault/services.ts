/** What we ask of a provider, in its own dialect. */
import * as oauth from 'oauth4webapi'

import type { FetchesOf, OAuthFetch } from '../egress/oauth-fetch.ts'
import type { Provider } from '../model/provider.ts'
import { createAskToken } from './ask-token.ts'
import type { ClientAuth } from './client-auth.ts'
import { fitsHeader } from './found.ts'
import { textAt } from './quirks.ts'

/** Tokens a provider gave, and what it said of them. */
export type Given = {
  readonly kind: 'given'
  readonly accessToken: string
  /** Undefined where it gave none; a refresh then keeps the old one. */
  readonly refreshToken: string | undefined
  readonly expiresInSeconds: number | undefined
  /** Undefined where it does not say. */
  readonly scopes: readonly string[] | undefined
  /** The account as the provider names it; empty where it does not. */
  readonly label: string
}

/** What asking a provider can come to. */
export type Reply =
  | Given
  /** What the person gave is gone: an OAuth error code. */
  | { readonly kind: 'ended'; readonly code: string }
  /** Our own fault, such as a wrong client secret: the connection may be as good as ever. */
  | { readonly kind: 'refused'; readonly code: string }
  | { readonly kind: 'unavailable'; readonly detail: string }

export type Services = {
  /** A code of the provider's consent page for tokens. */
  redeem(
    provider: Provider,
    code: { readonly code: string; readonly redirectUri: string; readonly verifier: string },
  ): Promise<Reply>
  refresh(provider: Provider, refreshToken: string): Promise<Reply>
  /** Tells the provider that a token is not needed any more. Whether it did is in the answer. */
  revoke(provider: Provider, token: string): Promise<boolean>
}

/** The words of different providers for a grant that is over. */
const ENDED: ReadonlySet<string> = new Set([
  'invalid_grant',
  'access_denied',
  'account_inactive',
  'bad_refresh_token',
  'bad_verification_code',
  'invalid_auth',
  'invalid_code',
  'invalid_refresh_token',
  'token_expired',
  'token_revoked',
])

export function createServices(fetchesOf: FetchesOf, clientAuth: ClientAuth): Services {
  const fetchOf = ({ name, reach }: Provider): OAuthFetch => fetchesOf(name)[reach]
  const askFor = async (
    provider: Provider,
    url: string,
    grantType: string,
    parameters: Readonly<Record<string, string>>,
  ): Promise<Reply> => {
    const answer = await createAskToken(
      fetchOf(provider),
      clientAuth,
    )({
      endpoint: { url, client: provider.client },
      grantType,
      parameters: { ...provider.tokenParameters, ...parameters },
      quirks: provider,
    })
    if (answer.kind === 'unavailable') return answer
    if (answer.kind === 'refused') {
      return { kind: ENDED.has(answer.code) ? 'ended' : 'refused', code: answer.code }
    }
    const { accessToken, refreshToken, expiresInSeconds, scopes, body } = answer
    if (!fitsHeader(accessToken)) return { kind: 'unavailable', detail: 'no header can hold it' }
    const label = textAt(body, provider.accountField)
    return { kind: 'given', accessToken, refreshToken, expiresInSeconds, scopes, label }
  }
  return {
    redeem: (provider, { code, redirectUri, verifier }) =>
      askFor(provider, provider.tokenUrl, 'authorization_code', {
        code,
        redirect_uri: redirectUri,
        ...(provider.pkce && { code_verifier: verifier }),
      }),
    refresh: (provider, refreshToken) =>
      askFor(provider, provider.refreshUrl, 'refresh_token', { refresh_token: refreshToken }),
    async revoke(provider, token) {
      const { client, revokeUrl } = provider
      if (revokeUrl === undefined) return false
      const server = {
        issuer: provider.issuer ?? new URL(revokeUrl).origin,
        revocation_endpoint: revokeUrl,
      }
      const options = {
        [oauth.customFetch]: (
          url: string,
          request: { method: string; headers: Record<string, string>; body: unknown },
        ) => {
          const body = request.body instanceof URLSearchParams ? request.body : undefined
          return fetchOf(provider)(url, { ...request, body })
        },
        // Plain HTTP goes to loopback only: settings and the fetch itself see to it.
        [oauth.allowInsecureRequests]: true,
      }
      try {
        const answer = await oauth.revocationRequest(
          server,
          { client_id: client.id },
          clientAuth(client),
          token,
          options,
        )
        return answer.ok
      } catch {
        return false
      }
    },
  }
}

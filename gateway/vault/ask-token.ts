/** One request to a token endpoint, and its answer in words that decide what happens next. */
import * as oauth from 'oauth4webapi'

import type { OAuthFetch } from '../egress/oauth-fetch.ts'
import type { OAuthClient, TokenEndpoint } from '../model/credential.ts'

export type TokenRequest = {
  readonly endpoint: TokenEndpoint
  readonly grantType: string
  readonly parameters: Readonly<Record<string, string>>
}

export type TokenAnswer =
  | {
      readonly kind: 'token'
      readonly accessToken: string
      readonly issuedTokenType: string | undefined
      /** Undefined where the server does not say. */
      readonly expiresInSeconds: number | undefined
    }
  /** It will not be given, however often it is asked for. `code` is an OAuth error code. */
  | { readonly kind: 'refused'; readonly code: string }
  /** It cannot be had now. `detail` is for operators and holds nothing that was sent or came back. */
  | { readonly kind: 'unavailable'; readonly detail: string }

/** Asks a token endpoint for something. Never rejects. */
export type AskToken = (request: TokenRequest) => Promise<TokenAnswer>

/** Errors that say nothing about the request (RFC 6749 §4.1.2.1, RFC 8628 §3.5). */
const TRANSIENT = new Set(['temporarily_unavailable', 'server_error', 'slow_down'])

/** RFC 8693 §2.2.1: what is no access token has no type; an identity assertion is one of those. */
const RECOGNIZED: oauth.RecognizedTokenTypes = { n_a: () => undefined }

export function createAskToken(fetch: OAuthFetch): AskToken {
  return async ({ endpoint, grantType, parameters }) => {
    const server = { issuer: new URL(endpoint.url).origin, token_endpoint: endpoint.url }
    const client = { client_id: endpoint.client.id }
    try {
      const response = await oauth.genericTokenEndpointRequest(
        server,
        client,
        authOf(endpoint.client),
        grantType,
        { ...parameters },
        {
          [oauth.customFetch]: async (url, { method, headers, body }) =>
            await withoutIdToken(await fetch(url, { method, headers, body: textOf(body) })),
          // Plain HTTP goes to loopback only: settings and the fetch itself see to it.
          [oauth.allowInsecureRequests]: true,
        },
      )
      const options = { recognizedTokenTypes: RECOGNIZED }
      const body = await oauth.processGenericTokenEndpointResponse(
        server,
        client,
        response,
        options,
      )
      const { issued_token_type: issuedTokenType } = body
      return {
        kind: 'token',
        accessToken: body.access_token,
        issuedTokenType: typeof issuedTokenType === 'string' ? issuedTokenType : undefined,
        expiresInSeconds: body.expires_in,
      }
    } catch (error) {
      return failureOf(error)
    }
  }
}

/** How this client says who it is. */
export function authOf({ auth, secret }: OAuthClient): oauth.ClientAuth {
  if (secret === undefined) return oauth.None()
  const text = secret.reveal()
  if (auth === 'post') return oauth.ClientSecretPost(text)
  // RFC 6749 §2.3.1, in the words of the form encoding that servers expect: the library's own also escapes
  // `-`, `.` and `_`, which servers that do not decode take for another secret.
  return (_server, { client_id: id }, _body, headers) => {
    const pair = Buffer.from(`${formEncoded(id)}:${formEncoded(text)}`).toString('base64')
    headers.set('authorization', `Basic ${pair}`)
  }
}

function formEncoded(text: string): string {
  return new URLSearchParams([['', text]]).toString().slice(1)
}

/** The form that a request of the library holds. */
export function textOf(body: unknown): URLSearchParams | undefined {
  return body instanceof URLSearchParams ? body : undefined
}

/** An ID token is of no use here, and is not checked: so it must not be believed either. */
async function withoutIdToken(response: Response): Promise<Response> {
  const text = await response.text()
  const { status, headers } = response
  try {
    const body: unknown = JSON.parse(text)
    if (typeof body === 'object' && body !== null && 'id_token' in body) {
      const { id_token: _, ...rest } = body
      return new Response(JSON.stringify(rest), { status, headers })
    }
  } catch {
    // What is no JSON is refused by whoever reads it.
  }
  return new Response(text, { status, headers })
}

function failureOf(error: unknown): TokenAnswer {
  if (error instanceof oauth.ResponseBodyError) {
    const code = /^[\w-]{1,64}$/.test(error.error) ? error.error : 'unknown_error'
    const isTransient = TRANSIENT.has(code) || error.status === 429 || error.status >= 500
    return isTransient ? { kind: 'unavailable', detail: code } : { kind: 'refused', code }
  }
  if (error instanceof oauth.WWWAuthenticateChallengeError) {
    return { kind: 'refused', code: 'invalid_client' }
  }
  const code = error instanceof oauth.OperationProcessingError ? error.code : undefined
  const text = error instanceof Error ? error.message : 'failed'
  // Messages of the library may quote the answer; those of our fetch do not.
  return { kind: 'unavailable', detail: code === undefined ? text : `not a token answer (${code})` }
}

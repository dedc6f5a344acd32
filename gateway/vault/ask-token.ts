/** One request to a token endpoint, and its answer in words that decide what happens next. */
import * as oauth from 'oauth4webapi'

import type { OAuthFetch } from '../egress/oauth-fetch.ts'
import type { TokenEndpoint } from '../model/credential.ts'
import type { ClientAuth } from './client-auth.ts'
import { asSpecified, requestBody, type Quirks } from './quirks.ts'

export type TokenRequest = {
  readonly endpoint: TokenEndpoint
  readonly grantType: string
  readonly parameters: Readonly<Record<string, string>>
  /** Undefined for a server that does as RFC 6749 says. */
  readonly quirks?: Quirks
}

export type TokenAnswer =
  | {
      readonly kind: 'token'
      readonly accessToken: string
      readonly issuedTokenType: string | undefined
      /** Undefined where the server does not say. */
      readonly expiresInSeconds: number | undefined
      readonly refreshToken: string | undefined
      /** Undefined where the server does not say; it then gave what it was asked for. */
      readonly scopes: readonly string[] | undefined
      /** All of the answer. It holds the tokens too. */
      readonly body: Readonly<Record<string, unknown>>
    }
  /** It will not be given, however often it is asked for. `code` is an OAuth error code. */
  | { readonly kind: 'refused'; readonly code: string }
  /** It cannot be had now. `detail` is for operators and holds nothing that was sent or came back. */
  | { readonly kind: 'unavailable'; readonly detail: string }

/** Asks a token endpoint for something. Never rejects. */
export type AskToken = (request: TokenRequest) => Promise<TokenAnswer>

/** Errors that say nothing about the request (RFC 6749 §4.1.2.1, RFC 8628 §3.5). */
const TRANSIENT = new Set(['temporarily_unavailable', 'server_error', 'slow_down'])

const AS_SPECIFIED: Quirks = {
  bodyFormat: 'form',
  tokenPath: [],
  okField: undefined,
  scopeSeparator: ' ',
}

/** RFC 8693 §2.2.1: what is no access token has no type; an identity assertion is one of those. */
const RECOGNIZED: oauth.RecognizedTokenTypes = { n_a: () => undefined }

export function createAskToken(fetch: OAuthFetch, clientAuth: ClientAuth): AskToken {
  return async ({ endpoint, grantType, parameters, quirks = AS_SPECIFIED }) => {
    const server = { issuer: new URL(endpoint.url).origin, token_endpoint: endpoint.url }
    const client = { client_id: endpoint.client.id }
    try {
      const response = await oauth.genericTokenEndpointRequest(
        server,
        client,
        clientAuth(endpoint.client),
        grantType,
        { ...parameters },
        {
          [oauth.customFetch]: async (url, { method, headers, body }) => {
            const form = body instanceof URLSearchParams ? body : new URLSearchParams()
            const other = requestBody(form, quirks)
            const type = other === undefined ? {} : { 'content-type': other.type }
            const sent = { method, headers: { ...headers, ...type }, body: other?.text ?? form }
            return await asSpecified(await fetch(url, sent), quirks)
          },
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
        refreshToken: body.refresh_token,
        scopes: body.scope?.split(' ').filter(Boolean),
        body,
      }
    } catch (error) {
      return failureOf(error)
    }
  }
}

/** The form that a request of the library holds. */
export function textOf(body: unknown): URLSearchParams | undefined {
  return body instanceof URLSearchParams ? body : undefined
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

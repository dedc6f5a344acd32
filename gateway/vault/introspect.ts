/** Asks an authorization server about a token that says nothing itself (RFC 7662). */
import * as oauth from 'oauth4webapi'

import type { OAuthFetch } from '../egress/oauth-fetch.ts'
import type { Introspect } from '../model/introspection.ts'
import { textOf } from './ask-token.ts'
import type { ClientAuth } from './client-auth.ts'

export function createIntrospect(fetch: OAuthFetch, clientAuth: ClientAuth): Introspect {
  return async (endpoint, token) => {
    const server = {
      issuer: new URL(endpoint.url).origin,
      introspection_endpoint: endpoint.url,
    }
    const client = { client_id: endpoint.client.id }
    try {
      const response = await oauth.introspectionRequest(
        server,
        client,
        clientAuth(endpoint.client),
        token,
        {
          [oauth.customFetch]: (url, { method, headers, body }) =>
            fetch(url, { method, headers, body: textOf(body) }),
          // Plain HTTP goes to loopback only: settings and the fetch itself see to it.
          [oauth.allowInsecureRequests]: true,
        },
      )
      const answer = await oauth.processIntrospectionResponse(server, client, response)
      return answer.active ? { kind: 'active', members: answer } : { kind: 'inactive' }
    } catch (error) {
      // Messages of the library may quote the answer; its codes and the messages of our fetch do not.
      const code = error instanceof oauth.OperationProcessingError ? error.code : undefined
      const isOurs = error instanceof Error && error.cause !== undefined && code === undefined
      return { kind: 'unavailable', detail: code ?? (isOurs ? error.message : 'no answer') }
    }
  }
}

/**
 * How well-known identity providers give tokens for an API of somebody else: what they are asked with, and what
 * stands in their tokens. None of them registers clients unasked; each has one that an operator set up.
 */
import type { Configuration } from 'oidc-provider'
import { errors } from 'oidc-provider'

import { REDIRECT } from './oauth-agent.ts'

export type IdpQuirks = {
  /** Of its issuer, behind the origin. */
  readonly path: string
  /** Scopes as clients ask for them. */
  readonly scopes: readonly string[]
  /** What it does with a `resource` (RFC 8707). */
  readonly resource: 'ignored' | 'fits_scopes'
  /** Where its tokens differ from RFC 9068. */
  readonly token: (facts: TokenFacts) => {
    readonly header: { readonly typ?: string }
    readonly claims: Readonly<Record<string, unknown>>
  }
}

export type TokenFacts = {
  readonly issuer: string
  readonly subject: string
  readonly client: string
  /** As they were asked for. */
  readonly scopes: readonly string[]
}

/** The client of an agent, set up by hand: public, with codes. */
export const IDP_AGENT = 'agent-app'

/**
 * Keycloak: `resource` is not looked at, a client scope with an audience mapper names the server; `azp` is the client.
 *
 * @param audiences What the mappers write.
 */
export function keycloak(audiences: readonly string[]): IdpQuirks {
  return {
    path: '/realms/main',
    scopes: ['docs:read'],
    resource: 'ignored',
    token: ({ client, scopes }) => ({
      header: { typ: 'JWT' },
      claims: {
        typ: 'Bearer',
        aud: audiences.length === 1 ? audiences[0] : audiences,
        azp: client,
        sid: 'session-1',
        scope: ['openid', 'profile', ...scopes].join(' '),
        realm_access: { roles: ['analysts', 'offline_access'] },
        resource_access: { gatehouse: { roles: ['reader'] } },
      },
    }),
  }
}

/**
 * Entra: scopes carry the URI of the application, a `resource` must be that URI, and in tokens of its version 2
 * the application is its GUID, the scopes are `scp`, without the URI, and the person is `oid`.
 *
 * @param applicationUri The Application ID URI of the gateway's server.
 */
export function entra(applicationUri: string, applicationId: string): IdpQuirks {
  return {
    path: '/3f6a1c2e-tenant/v2.0',
    scopes: [`${applicationUri}/docs.read`],
    resource: 'fits_scopes',
    token: ({ subject, client, scopes }) => ({
      header: { typ: 'JWT' },
      claims: {
        ver: '2.0',
        aud: applicationId,
        azp: client,
        azpacr: '0',
        sub: `pairwise-${subject}`,
        oid: `oid-${subject}`,
        tid: '3f6a1c2e-tenant',
        scp: scopes.map((scope) => scope.slice(scope.lastIndexOf('/') + 1)).join(' '),
        roles: ['analysts'],
      },
    }),
  }
}

/** Okta: an authorization server has one audience, the client is `cid`, scopes are a list, and there is no `typ`. */
export function okta(audience: string): IdpQuirks {
  return {
    path: '/oauth2/aus1',
    scopes: ['docs:read'],
    resource: 'ignored',
    token: ({ subject, client, scopes }) => ({
      header: {},
      claims: {
        ver: 1,
        aud: audience,
        cid: client,
        uid: subject,
        sub: 'bea@corp.example',
        scp: scopes,
        groups: ['analysts'],
      },
    }),
  }
}

/** The part of the configuration of `oidc-provider` that is about the API. */
export function apiConfiguration(issuer: string, quirks: IdpQuirks): Configuration {
  const resource = 'urn:the-api'
  return {
    clients: [
      {
        client_id: IDP_AGENT,
        redirect_uris: [REDIRECT],
        application_type: 'native',
        token_endpoint_auth_method: 'none',
        grant_types: ['authorization_code', 'refresh_token'],
      },
    ],
    // Entra's metadata says nothing of PKCE, and has it.
    discovery: { code_challenge_methods_supported: undefined },
    features: {
      resourceIndicators: {
        enabled: true,
        defaultResource: () => resource,
        useGrantedResource: () => true,
        getResourceServerInfo: (_context, asked) => {
          const isTheirs = quirks.scopes.every((scope) => scope.startsWith(`${asked}/`))
          if (quirks.resource === 'fits_scopes' && asked !== resource && !isTheirs) {
            throw new errors.InvalidTarget('resource does not match the scopes')
          }
          return {
            scope: quirks.scopes.join(' '),
            audience: asked,
            accessTokenFormat: 'jwt',
            accessTokenTTL: 300,
            jwt: { sign: { alg: 'RS256' } },
          }
        },
      },
    },
    formats: {
      customizers: {
        jwt: (_context, token, parts) => {
          const { iss, iat, exp, jti, sub } = parts.payload
          const scopes = (token.scope ?? '').split(' ').filter((one) => quirks.scopes.includes(one))
          const client = token.clientId ?? ''
          const made = quirks.token({ issuer, subject: String(sub), client, scopes })
          parts.header = { ...parts.header, typ: undefined, ...made.header }
          parts.payload = { iss, iat, exp, jti, sub, ...made.claims }
        },
      },
    },
  }
}

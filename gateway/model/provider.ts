import type { HeaderTemplate, OAuthClient } from './credential.ts'

/**
 * Where requests to a provider may go. `any`: its addresses were configured. `public`: a server told them of
 * itself, and they must be on the public internet.
 */
export type Reach = 'any' | 'public'

/**
 * A service whose tokens people give us, as data: where it sends people to consent, where its tokens come
 * from, and in what it departs from RFC 6749.
 */
export type Provider = {
  /** As servers and connect pages name it: lower-case letters, digits and hyphens. */
  readonly name: string
  /** For people to read. */
  readonly title: string
  readonly client: OAuthClient
  readonly authorizeUrl: string
  readonly tokenUrl: string
  /** Where tokens are refreshed; mostly `tokenUrl`. */
  readonly refreshUrl: string
  /** RFC 7009; undefined where there is no such endpoint. */
  readonly revokeUrl: string | undefined
  /** Issuer identifier; with it the `iss` of its answers is compared (RFC 9207). */
  readonly issuer: string | undefined
  /** Whether its answers always carry `iss`, so that one without is refused. */
  readonly sendsIssuer: boolean
  readonly bodyFormat: 'form' | 'json'
  readonly pkce: boolean
  readonly scopes: readonly string[]
  readonly scopeSeparator: string
  /** The parameter that scopes are asked for with. */
  readonly scopeParameter: string
  /**
   * Whether it answers `prompt=none` with a code, and a refresh token, where there is nothing to ask (OpenID
   * Connect Core §3.1.2.1).
   */
  readonly silent: boolean
  /** Whether it takes the person's address as `login_hint`. */
  readonly loginHint: boolean
  /** Sent to the consent page besides those of RFC 6749. */
  readonly authorizeParameters: Readonly<Record<string, string>>
  /** Sent to the token endpoint besides them. */
  readonly tokenParameters: Readonly<Record<string, string>>
  /** The member of the answer that holds the tokens; empty for the answer itself. */
  readonly tokenPath: readonly string[]
  /** A member of the answer that is `true` when all is well, for services that fail with status 200. */
  readonly okField: string | undefined
  /**
   * What becomes of a refresh token when it is used: nothing, it is replaced and must not come again, or
   * the same after some time.
   */
  readonly rotation: 'none' | 'single_use' | 'leeway'
  /** How its tokens are sent, unless the credential of a server says otherwise. */
  readonly place: HeaderTemplate
  /** A member of the answer that names the account at the service. */
  readonly accountField: readonly string[]
  /** PEM file: the authority its certificate must come from; undefined for those of the system. */
  readonly ca: string | undefined
  readonly reach: Reach
  /** Where all this comes from, for one that was discovered; undefined for one that was written down. */
  readonly grantor: Grantor | undefined
}

/**
 * An MCP server with an authorization server of its own, which is found by what the server says of itself
 * (MCP "Authorization", RFC 9728) when somebody connects.
 */
export type RemoteProvider = Pick<
  Provider,
  'name' | 'title' | 'scopes' | 'authorizeParameters' | 'ca'
> & {
  /** URL of the MCP server; its tokens go nowhere else. */
  readonly discover: string
  /** Our client there, where somebody registered one; else we become one ourselves. */
  readonly client: OAuthClient | undefined
  /** The only issuer that is believed; undefined believes what the server names. */
  readonly issuer: string | undefined
  /**
   * Address of the document that describes us (Client ID Metadata Document); undefined for none, and then we
   * register.
   */
  readonly clientDocument: string | undefined
  /** Nobody is led to where it leads without having seen a page. */
  readonly silent: false
}

/**
 * The authorization server that gave tokens, and who we are there. It is kept with what it gave, so that
 * tokens are refreshed where they came from, whatever the server names by then. Nothing in it is secret.
 */
export type Grantor = {
  /** URL of the MCP server that named it. */
  readonly server: string
  /** Issuer identifier, to the letter (RFC 8414 §3.3). */
  readonly issuer: string
  readonly authorizeUrl: string
  readonly tokenUrl: string
  readonly revokeUrl: string | undefined
  readonly sendsIssuer: boolean
  /** What tokens are asked for (RFC 8707), as the server publishes it. */
  readonly resource: string
  readonly client: Pick<OAuthClient, 'id' | 'auth'> & {
    /** `document`: its id is the address of a document; `registered`: dynamically (RFC 7591). */
    readonly source: 'configured' | 'document' | 'registered'
  }
}

/** Whether it is discovered. */
export function isRemote(provider: Provider | RemoteProvider): provider is RemoteProvider {
  return 'discover' in provider
}

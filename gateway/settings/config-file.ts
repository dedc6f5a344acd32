/**
 * The configuration file as written, after `config/gatehouse.schema.json` has accepted it and filled
 * in its defaults. Key for key the schema, which holds the descriptions; `settings.ts` is what it means.
 */
import type { CallerKind } from '../model/caller.ts'

export type ConfigFile = {
  readonly version: 1
  readonly public_url: string
  readonly workers: number | 'auto'
  readonly listen: {
    readonly host: string
    readonly port: number
    readonly tls?: { readonly cert: string; readonly key: string; readonly client_ca?: string }
    readonly front: 'raw' | 'node'
    readonly max_connections: number
    readonly drain: string
    readonly max_in_flight_per_caller: number
    readonly max_streams_per_caller: number
  }
  readonly ops: { readonly host: string; readonly port: number; readonly admin_token?: string }
  readonly trusted_proxies: readonly string[]
  readonly allowed_origins: readonly string[]
  readonly keys?: { readonly file?: string; readonly transit?: TransitFile }
  /** Written in full: the loader has replaced `embedded` by `{}`. */
  readonly authorization_server?: AuthorizationServerFile
  readonly issuers: readonly IssuerFile[]
  readonly api_keys: readonly ApiKeyFile[]
  readonly scope_includes: Readonly<Record<string, readonly string[]>>
  readonly servers: Readonly<Record<string, ServerFile>>
  readonly providers: Readonly<Record<string, ConfiguredProviderFile>>
  readonly limits: {
    readonly callers: Readonly<Partial<Record<CallerKind, BudgetFile>>>
    readonly clients?: BudgetFile
    readonly initialize: BudgetFile | 'none'
    readonly same_call?: BudgetFile
    readonly shared: boolean
  }
  readonly policies: readonly string[]
  readonly decision_point?: DecisionPointFile
  readonly notifications: Readonly<Record<string, NotificationFile>>
  readonly audit: {
    readonly sink: string
    readonly mode: 'buffered' | 'strict'
    readonly max_buffered: number
    readonly record_groups: boolean
  }
  readonly state: {
    readonly driver: 'memory' | 'sqlite' | 'redis' | 'postgres'
    readonly file?: string
    readonly redis?: RemoteStateFile & { readonly prefix: string }
    readonly postgres?: RemoteStateFile & { readonly user: string; readonly schema: string }
  }
  readonly telemetry: {
    readonly otlp?: {
      readonly endpoint: string
      readonly headers: Readonly<Record<string, string>>
      readonly sample_ratio: number
    }
  }
}

export type TransitFile = {
  readonly url: string
  readonly key: string
  readonly mount: string
  readonly token: string
  readonly namespace?: string
  readonly derived: boolean
  readonly ca?: string
  readonly cache: string
  readonly retiring: boolean
}

export type RemoteStateFile = {
  readonly url: string
  readonly user?: string
  readonly password?: string
  readonly tls?: {
    readonly ca?: string
    readonly cert?: string
    readonly key?: string
    readonly server_name?: string
  }
  readonly allow_unencrypted: boolean
}
export type AuthorizationServerFile = {
  readonly users?: string
  readonly tenant: string
  readonly access_token_life: string
  readonly lives: Readonly<Record<CallerKind, LivesFile>>
  readonly sign_in: Readonly<Record<string, SignInFile>>
  readonly clients: Readonly<Record<string, OauthClientFile>>
  readonly workloads: Readonly<Record<string, WorkloadIssuerFile>>
  readonly registration: {
    readonly mode: 'open' | 'statement' | 'token' | 'off'
    readonly redirect_hosts: readonly string[]
    readonly idle: string
    readonly per_minute: number
    readonly max_clients: number
    readonly tokens: Readonly<Record<string, RegistrationTokenFile>>
    readonly statements: Readonly<Record<string, StatementIssuerFile>>
  }
  readonly client_documents: {
    readonly mode: 'open' | 'listed' | 'off'
    readonly hosts: readonly string[]
    readonly human_hosts: readonly string[]
  }
  readonly limits: { readonly network: BudgetFile | 'none'; readonly client: BudgetFile | 'none' }
}

export type LivesFile = {
  readonly access_token?: string
  readonly refresh_token?: string
  readonly session?: string
}

export type SignInFile = {
  readonly title?: string
  readonly issuer: string
  readonly client_id: string
  readonly client_secret: string
  readonly client_auth: 'basic' | 'post'
  readonly scopes: readonly string[]
  readonly parameters: Readonly<Record<string, string>>
  readonly claims: { readonly subject: string; readonly name: string; readonly groups: string }
  readonly required: Readonly<Record<string, string>>
  readonly group_scopes?: Readonly<Record<string, readonly string[]>>
  readonly identity_assertions?: SignatoryFile & { readonly client_hosts: readonly string[] }
}

/** Whose signed statements are believed, and for how long at most. */
export type SignatoryFile = {
  readonly jwks: JwksFile
  readonly algorithms: readonly string[]
  readonly max_life: string
}

export type WorkloadIssuerFile = SignatoryFile & {
  readonly issuer: string
  readonly audiences: readonly string[]
  readonly single_use: boolean
  readonly accept: readonly WorkloadFile[]
}

export type WorkloadFile = Omit<EntitlementFile, 'grants'> & {
  readonly subject: string
  readonly claims: Readonly<Record<string, string>>
  readonly client: string
}

/** The ways in which a client may get tokens, as configured. */
export type GrantFile =
  | 'authorization_code'
  | 'client_credentials'
  | 'device_code'
  | 'token_exchange'
  | 'jwt_bearer'

/** What both a client and a registration token say of what may be had. */
export type EntitlementFile = {
  readonly kind: CallerKind
  readonly grants: readonly GrantFile[]
  readonly scopes: readonly string[]
  readonly servers?: readonly string[]
  readonly groups: readonly string[]
}

export type OauthClientFile = EntitlementFile & {
  readonly name?: string
  readonly secret?: string
  readonly jwks?: { readonly keys: readonly Readonly<Record<string, unknown>>[] }
  readonly redirect_uris: readonly string[]
  readonly may_exchange?: { readonly from: readonly string[]; readonly to: readonly string[] }
}

export type RegistrationTokenFile = EntitlementFile & {
  readonly sha256: string
  readonly idle: string
  readonly max_clients: number
}

export type StatementIssuerFile = Omit<EntitlementFile, 'groups'> & {
  readonly issuer: string
  readonly jwks: JwksFile
  readonly algorithms: readonly string[]
}

export type JwksFile = {
  readonly url?: string
  readonly file?: string
  readonly keys?: readonly Readonly<Record<string, unknown>>[]
}

export type IssuerFile = {
  readonly issuer: string
  readonly tenant: string
  readonly jwks?: JwksFile
  readonly introspection?: {
    readonly url: string
    readonly client: OAuthClientFile
    readonly max_age: string
  }
  readonly allow_insecure_http: boolean
  readonly algorithms: readonly string[]
  readonly types: readonly string[]
  readonly audiences: readonly string[]
  readonly allow_many_audiences: boolean
  readonly claims: {
    readonly subject: string
    readonly client: readonly string[]
    readonly groups: string
    readonly scopes: string
    readonly kind?: string
    readonly grant: string
    readonly session: string
  }
  readonly kind: CallerKind
  readonly clients: Readonly<Record<string, CallerKind>>
  readonly interactive: boolean
}

export type ApiKeyFile = {
  readonly prefix: string
  readonly sha256: string
  readonly tenant: string
  readonly subject: string
  readonly client: string
  readonly owner: string
  readonly kind: CallerKind
  readonly scopes: readonly string[]
  readonly groups: readonly string[]
  readonly servers?: readonly string[]
  readonly expires?: string
}

/** `rate` is calls per second, minute or hour: `60/m`. */
export type BudgetFile = { readonly rate: string; readonly burst?: number }

export type ServerLimitsFile = {
  readonly caller?: BudgetFile
  readonly everybody?: BudgetFile
  readonly costs: Readonly<Record<string, number>>
}

export type ServerFile = {
  readonly path?: string
  readonly host?: string
  readonly upstream: UpstreamFile
  readonly credential: 'none' | CredentialFile
  readonly tool_credentials: Readonly<Record<string, 'none' | CredentialFile>>
  readonly credentials: Readonly<Record<string, 'none' | CredentialFile>>
  readonly fallback_credential?: 'none' | CredentialFile
  readonly anonymous: boolean
  readonly eras: 'probe' | 'legacy' | 'modern' | 'both'
  readonly methods: readonly string[]
  readonly resource_uris: 'canonical' | 'opaque'
  readonly unlisted: 'deny' | 'allow'
  readonly refusals: 'jsonrpc' | 'http'
  readonly pin: 'off' | 'watch' | 'hold'
  readonly decision_point?: 'none' | DecisionPointFile
  readonly audiences: readonly string[]
  readonly issuers?: readonly string[]
  readonly scopes: readonly string[]
  readonly initial_scopes: readonly string[]
  readonly consent?: ConsentFile
  readonly max_body: string
  readonly limits?: ServerLimitsFile
  readonly routes: readonly RouteFile[]
}

export type ConsentFile = {
  readonly title?: string
  readonly sentence?: string
  readonly logo?: string
  readonly scopes: Readonly<Record<string, string>>
}

export type DecisionPointFile = {
  readonly type: 'authzen'
  readonly url: string
  readonly token?: string
  readonly mode: 'and' | 'override'
  readonly timeout: string
  readonly max_concurrent: number
  readonly cache?: string
  readonly arguments: boolean
}

export type NotificationFile = {
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly timeout: string
}

export type RouteFile = {
  readonly path: string
  readonly upstream_path?: string
  readonly methods: readonly string[]
  readonly policy_method: string
  readonly authentication: 'required' | 'none'
  readonly request_headers: readonly string[]
  readonly response_headers: readonly string[]
}

/** Of each mode; `read-credential.ts` knows which keys belong to which. */
export type CredentialFile = {
  readonly mode: 'static' | 'issue' | 'exchange' | 'vault'
  readonly header: string
  readonly as?: 'bearer' | 'basic' | 'plain'
  readonly user?: string
  readonly value?: string
  readonly audience?: string
  readonly resource?: string
  readonly scopes?: readonly string[]
  readonly life?: string
  readonly subject?: 'qualified' | 'plain'
  readonly flow?: 'token_exchange' | 'on_behalf_of' | 'id_jag' | 'jwt_bearer'
  readonly token_url?: string
  readonly client?: OAuthClientFile
  readonly resource_token_url?: string
  readonly resource_client?: OAuthClientFile
  readonly subject_token_type?: 'access_token' | 'jwt' | 'id_token'
  readonly actor?: 'none' | 'signed'
  readonly provider?: string
  readonly account?: string
  readonly needed_for?: 'calls' | 'everything'
}

/** A provider, as `config/providers.yaml` has those that are known. */
export type ProviderFile = {
  readonly title?: string
  readonly authorize_url?: string
  readonly token_url?: string
  readonly refresh_url?: string
  readonly revoke_url?: string
  readonly issuer?: string
  readonly sends_issuer?: boolean
  readonly client_auth?: 'basic' | 'post' | 'none'
  readonly body_format?: 'form' | 'json'
  readonly pkce?: boolean
  readonly scopes?: readonly string[]
  readonly scope_separator?: string
  readonly scope_parameter?: string
  readonly silent?: boolean
  readonly login_hint?: boolean
  readonly authorize_parameters?: Readonly<Record<string, string>>
  readonly token_parameters?: Readonly<Record<string, string>>
  readonly token_path?: string
  readonly ok_field?: string
  readonly rotation?: 'none' | 'single_use' | 'leeway'
  readonly header?: string
  readonly as?: 'bearer' | 'basic' | 'plain'
  readonly user?: string
  readonly account_field?: string
}

/** What stands in a configuration alone. */
export type ConfiguredProviderFile = ProviderFile & {
  readonly client?: OAuthClientFile
  readonly discover?: string
  readonly client_document?: string
  readonly ca?: string
}

/** Us as a client of an authorization server. */
export type OAuthClientFile = {
  readonly id: string
  readonly secret?: string
  readonly auth?: 'basic' | 'post' | 'none' | 'private_key_jwt'
  readonly assertion?: ClientAssertionFile
}

export type ClientAssertionFile = {
  readonly key?: string
  readonly key_id?: string
  readonly algorithm?: 'RS256' | 'PS256' | 'ES256' | 'ES384' | 'EdDSA'
  readonly certificate?: string
  readonly audience?: string
}

/** Written in full: the loader has replaced a plain URL by `{ url }`. */
export type UpstreamFile = {
  readonly url: string
  readonly transport: 'http' | 'sse'
  readonly allow_insecure_http: boolean
  readonly tls?: {
    readonly ca?: string
    readonly cert?: string
    readonly key?: string
    readonly server_name?: string
  }
  readonly connect_timeout: string
  readonly headers_timeout: string
  readonly total_timeout: string
  readonly idle_timeout: string
  readonly max_connections: number
}

/** Credentials for servers, and the providers they come from, as the configuration file has them; see `config-file.ts`. */

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

/** The section `authorization_server` of the configuration file; see `config-file.ts`. */
import type { CallerKind } from '../model/caller.ts'
import type { JwksFile, SignatoryFile } from './issuer-file.ts'
import type { BudgetFile } from './server-file.ts'

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

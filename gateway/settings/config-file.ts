/**
 * The configuration file as written, after `config/gatehouse.schema.json` has accepted it and filled
 * in its defaults. Key for key the schema, which holds the descriptions; `settings.ts` is what it means.
 */
import type { CallerKind } from '../model/caller.ts'
import type { AuthorizationServerFile } from './authorization-server-file.ts'
import type { ConfiguredProviderFile } from './credential-file.ts'
import type { ApiKeyFile, IssuerFile } from './issuer-file.ts'
import type { BudgetFile, DecisionPointFile, ServerFile } from './server-file.ts'

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

export type NotificationFile = {
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly timeout: string
}

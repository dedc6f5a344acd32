/** One entry of `servers` in the configuration file; see `config-file.ts`. */
import type { CredentialFile } from './credential-file.ts'

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

export type ServerLimitsFile = {
  readonly caller?: BudgetFile
  readonly everybody?: BudgetFile
  readonly costs: Readonly<Record<string, number>>
}

/** `rate` is calls per second, minute or hour: `60/m`. */
export type BudgetFile = { readonly rate: string; readonly burst?: number }

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

export type RouteFile = {
  readonly path: string
  readonly upstream_path?: string
  readonly methods: readonly string[]
  readonly policy_method: string
  readonly authentication: 'required' | 'none'
  readonly request_headers: readonly string[]
  readonly response_headers: readonly string[]
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

/**
 * What a configuration file means once it is checked: frozen, paths absolute, secrets wrapped,
 * defaults filled in. Times carry their unit in the name.
 */
import type { AuthorizationRules } from '../model/authorization-rules.ts'
import type { CallerKind } from '../model/caller.ts'
import type { Provider, RemoteProvider } from '../model/provider.ts'
import type { Notification } from '../model/notification.ts'
import type { Introspection } from '../model/introspection.ts'
import type { JwksSource } from '../model/jwks-source.ts'
import type { ScopeIncludes } from '../model/scope-includes.ts'
import type { Limits } from '../model/limits.ts'
import type { RingKey } from '../model/ring-key.ts'
import type { Secret } from '../model/secret.ts'
import type { McpServer, UpstreamTls } from '../model/server.ts'
import type { TransitKey } from '../model/transit-key.ts'

export type Settings = {
  /** SHA-256 over the configuration and policy files, first 12 hex digits; audit records carry it. */
  readonly version: string
  readonly file: string
  /** Origin (and optional path prefix) clients use; everything public is built from it. */
  readonly publicUrl: string
  /** Processes that serve the port; `auto` is one for each core. */
  readonly workers: number | 'auto'
  readonly listen: Listen
  readonly ops: Ops
  /** Addresses or CIDR blocks whose `X-Forwarded-For` is believed; empty by default. */
  readonly trustedProxies: readonly string[]
  /** Origins browsers may call from, exact (`https://app.example`); same-origin is always allowed. */
  readonly allowedOrigins: readonly string[]
  readonly keys: readonly RingKey[]
  /** Seals the keys of connections in place of the ring; undefined for the ring. */
  readonly transit: TransitKey | undefined
  /** Gatehouse as its own authorization server; undefined where tokens come from `issuers` alone. */
  readonly authorizationServer: AuthorizationRules | undefined
  readonly issuers: readonly IssuerSettings[]
  readonly scopeIncludes: ScopeIncludes
  readonly limits: Limits
  readonly apiKeys: readonly ApiKeySettings[]
  readonly servers: readonly McpServer[]
  /** Services whose accounts people connect, by name. */
  readonly providers: ReadonlyMap<string, Provider | RemoteProvider>
  /** Who is told of decisions whose rules say so, by name. */
  readonly notifications: ReadonlyMap<string, Notification>
  readonly policies: readonly PolicySource[]
  readonly audit: AuditSettings
  readonly state: StateSettings
  readonly telemetry: TelemetrySettings
  /**
   * Every file this was made from, absolute, and the directories that policies were looked for in: the
   * ones to watch.
   */
  readonly files: readonly string[]
  /** SHA-256, hex, of the files as they were read; a watcher compares with these. */
  readonly digests: ReadonlyMap<string, string>
}

export type Listen = {
  readonly host: string
  readonly port: number
  readonly tls: ListenTls | undefined
  /** Who reads requests: the raw front for whole, plain calls and node:http for others, or node:http alone. */
  readonly front: 'raw' | 'node'
  /** Open connections; above it new ones are closed at once. */
  readonly maxConnections: number
  /** Seconds that running calls get after SIGTERM. */
  readonly drainSeconds: number
  /** Calls in flight per caller (issuer, subject, client). */
  readonly maxInFlightPerCaller: number
  /** Streams open per caller. */
  readonly maxStreamsPerCaller: number
}

export type ListenTls = {
  readonly cert: string
  readonly key: string
  /** CA whose client certificates are required. */
  readonly clientCa: string | undefined
}

export type Ops = {
  readonly host: string
  readonly port: number
  /** Bearer credential of the admin API; without it the API answers 404. */
  readonly adminToken: Secret | undefined
}
export type IssuerSettings = {
  readonly issuer: string
  readonly tenant: string
  /** `none` where `introspection` is all there is. */
  readonly jwks: JwksSource | { readonly kind: 'none' }
  readonly introspection: Introspection | undefined
  readonly algorithms: readonly string[]
  /** Accepted `typ` header values, lower case without `application/`; `*` accepts any or none. */
  readonly types: readonly string[]
  /** Audiences accepted besides the server's own resource identifier. */
  readonly audiences: readonly string[]
  /** Whether `aud` may name more than one audience. */
  readonly allowManyAudiences: boolean
  readonly claims: ClaimNames
  /** Kind of callers whose client is not listed in `clients`. */
  readonly kind: CallerKind
  readonly clients: ReadonlyMap<string, CallerKind>
  /** Whether tokens come from interactive grants, so that asking for more scopes can succeed. */
  readonly interactive: boolean
  readonly scopeIncludes: ScopeIncludes
}

/** Dotted paths into the claims. The first of `client` that is present counts. */
export type ClaimNames = {
  readonly subject: string
  readonly client: readonly string[]
  readonly groups: string
  readonly scopes: string
  /** Claim holding the kind (`human`, `agent`, `service`), trusted because the operator named it. */
  readonly kind: string | undefined
  readonly grant: string
  readonly session: string
}

export type ApiKeySettings = {
  /** The lookup part of the key text, `ghk_<prefix>_<secret>`. */
  readonly prefix: string
  /** SHA-256 of the whole key text, lower-case hex. */
  readonly sha256: string
  readonly tenant: string
  readonly subject: string
  readonly client: string
  readonly owner: string
  readonly kind: CallerKind
  readonly scopes: readonly string[]
  readonly groups: readonly string[]
  /** Servers it works on; undefined means all. */
  readonly servers: readonly string[] | undefined
  readonly expiresAtSeconds: number | undefined
}

/** A policy file as read; the policy room compiles it. */
export type PolicySource = { readonly file: string; readonly text: string }

export type AuditSettings = {
  /** A file path, or `stdout`. */
  readonly sink: string
  /** `strict` waits until the decision is on disk before anything goes up. */
  readonly mode: 'buffered' | 'strict'
  /** Records waiting to be written, above which calls are refused. */
  readonly maxBuffered: number
  /** Whether decisions say which groups and scopes their caller had. */
  readonly recordGroups: boolean
}

export type StateSettings =
  | { readonly driver: 'memory' }
  | { readonly driver: 'sqlite'; readonly file: string }
  | (RemoteState & {
      readonly driver: 'redis'
      /** Number of the logical database. */
      readonly database: number
      readonly prefix: string
    })
  | (RemoteState & {
      readonly driver: 'postgres'
      readonly database: string
      readonly schema: string
    })

/** A database of state over a network. */
export type RemoteState = {
  readonly host: string
  readonly port: number
  readonly user: string | undefined
  readonly password: Secret | undefined
  /** Undefined speaks plain TCP. */
  readonly tls: UpstreamTls | undefined
}

export type TelemetrySettings = {
  readonly otlp:
    | {
        /** Collector base URL; `/v1/traces` is appended. */
        readonly endpoint: string
        readonly headers: ReadonlyMap<string, Secret>
        /** Share of new traces recorded, 0..1; a sampled inbound trace is always recorded. */
        readonly sampleRatio: number
      }
    | undefined
}

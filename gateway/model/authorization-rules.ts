/** What operators say about the embedded authorization server: who signs in, and what clients may. */
import type { CallerKind } from './caller.ts'
import type { Signatory } from './jwks-source.ts'
import type { Budget } from './limits.ts'
import type { Secret } from './secret.ts'

/** One configuration of it. */
export type AuthorizationRules = {
  /** The origin of `publicUrl`, for ever. */
  readonly issuer: string
  readonly tenant: string
  readonly lives: Readonly<Record<CallerKind, Lives>>
  /** By the name they sign in with. */
  readonly users: ReadonlyMap<string, LocalUser>
  /** Identity providers people sign in with, by name. */
  readonly signIn: ReadonlyMap<string, SignInProvider>
  /** By client id. */
  readonly clients: ReadonlyMap<string, ConfiguredClient>
  /** Platforms that say which program of theirs asks, by name. */
  readonly workloads: ReadonlyMap<string, WorkloadIssuer>
  readonly registration: RegistrationRules
  readonly documents: DocumentRules
  readonly limits: IssuerLimits
}

/** How many requests the authorization server takes; undefined is not limited. */
export type IssuerLimits = {
  /** From one network, whatever they ask for. */
  readonly network: Budget | undefined
  /** For tokens, of one client, that are answered with one. */
  readonly client: Budget | undefined
}

/** How long what a client gets lasts, by its kind. */
export type Lives = {
  readonly accessTokenSeconds: number
  /** Of each refresh token, from when it was given. */
  readonly refreshTokenSeconds: number
  /** Of what a person allowed, however often it is refreshed; then the person is asked again. */
  readonly sessionSeconds: number
}

export type LocalUser = {
  /** What `identity/passwords.ts` makes. */
  readonly passwordHash: string
  /** For people to read. */
  readonly name: string
  readonly groups: readonly string[]
  /** Scopes the user can grant at most; undefined means all. */
  readonly scopes: readonly string[] | undefined
}

/** An identity provider people sign in with. */
export type SignInProvider = {
  readonly name: string
  /** What people read on its button. */
  readonly title: string
  readonly issuer: string
  readonly clientId: string
  readonly secret: Secret
  /** How the client secret is sent. */
  readonly clientAuth: 'basic' | 'post'
  readonly scopes: readonly string[]
  /** Further parameters of its authorization request, such as `prompt` and `acr_values`. */
  readonly parameters: ReadonlyMap<string, string>
  /** Dotted paths into the claims of its ID tokens. */
  readonly claims: { readonly subject: string; readonly name: string; readonly groups: string }
  /** Claims that must have this value for a person to be let in. */
  readonly required: ReadonlyMap<string, string>
  /** What people can grant at most, by group; undefined means all to everybody. */
  readonly groupScopes: ReadonlyMap<string, readonly string[]> | undefined
  /** How its identity assertions are verified (ID-JAG); undefined means that none is taken. */
  readonly assertions: AssertionRules | undefined
}

/** How what an identity provider says of people is verified, and which clients may bring it besides those of ours. */
export type AssertionRules = SignedRules & {
  /** Hosts, exact or `*.` and a domain, whose clients may that are described there. */
  readonly clientHosts: readonly string[]
}

/** How somebody's assertions are verified. */
export type SignedRules = Omit<Signatory, 'issuer'> & AssertionLife

type AssertionLife = {
  /** An assertion that says it lives longer is refused. */
  readonly maxLifeSeconds: number
}

/** A platform whose tokens say which of its programs asks (RFC 7523 §2.1, MCP SEP-1933). */
export type WorkloadIssuer = Signatory &
  AssertionLife & {
    /** What the subjects of its programs begin with. */
    readonly name: string
    /** One of these must be the audience, and no other; empty means the authorization server itself. */
    readonly audiences: readonly string[]
    /** Whether an assertion brings a token only once. */
    readonly singleUse: boolean
    /** Whom it may speak for; the first that fits counts. */
    readonly accept: readonly Workload[]
  }

/** What a program becomes that a platform speaks for. */
export type Workload = Omit<Entitlement, 'grants'> & {
  /** A glob over `sub`. */
  readonly subject: string
  /** Claims, by dotted path, that must have this value besides. */
  readonly claims: ReadonlyMap<string, string>
  /** The client id of its tokens; no client of another kind has it. */
  readonly client: string
}

/** The ways in which a client may get tokens. Refresh tokens come with codes. */
export type ClientGrant =
  | 'authorization_code'
  | 'client_credentials'
  | 'device_code'
  | 'token_exchange'
  | 'jwt_bearer'

/** Whose tokens a client may exchange (RFC 8693), and for which servers; by their names. */
export type ExchangeRights = {
  /** Servers it stands behind: tokens that were issued for them. */
  readonly from: readonly string[]
  /** Servers it may get tokens for in exchange. */
  readonly to: readonly string[]
}

/** What a client may have at most. */
export type Entitlement = {
  readonly kind: CallerKind
  readonly grants: readonly ClientGrant[]
  /** Undefined means every scope of a server. */
  readonly scopes: readonly string[] | undefined
  /** Undefined means all. */
  readonly servers: readonly string[] | undefined
  /** Of tokens it gets for itself. */
  readonly groups: readonly string[]
}

export type ConfiguredClient = Entitlement & {
  readonly name: string | undefined
  /** How it authenticates; a public client is protected by codes and PKCE alone. */
  readonly auth:
    | { readonly kind: 'public' }
    | { readonly kind: 'secret'; readonly secret: Secret }
    | { readonly kind: 'keys'; readonly keys: readonly Readonly<Record<string, unknown>>[] }
  readonly redirectUris: readonly string[]
  /** Undefined, the default, means none at all. */
  readonly mayExchange: ExchangeRights | undefined
}

export type RegistrationRules = {
  readonly mode: 'open' | 'statement' | 'token' | 'off'
  /** Hosts, exact or `*.` and a domain; undefined means what RFC 8252 allows and any https host. */
  readonly redirectHosts: readonly string[] | undefined
  readonly idleMs: number
  readonly perMinute: number
  readonly maxClients: number
  /** By name. */
  readonly tokens: ReadonlyMap<string, RegistrationToken>
  /** Who vouches for software, by name. */
  readonly statements: ReadonlyMap<string, StatementIssuer>
}

/** Somebody who says what software is (RFC 7591 §2.3), and what a client may that shows it. */
export type StatementIssuer = Signatory & Entitlement & { readonly name: string }

/** Clients that are described at their own address. */
export type DocumentRules = {
  readonly mode: 'open' | 'listed' | 'off'
  /** Hosts, exact or `*.` and a domain, for mode `listed`. */
  readonly hosts: readonly string[]
  /** Hosts whose clients people use themselves. */
  readonly humanHosts: readonly string[]
}

/** An initial access token (RFC 7591 §3): what a client may that registers with it. */
export type RegistrationToken = Entitlement & {
  /** SHA-256 of the token text, lower-case hex. */
  readonly sha256: string
  readonly idleMs: number
  readonly maxClients: number
}

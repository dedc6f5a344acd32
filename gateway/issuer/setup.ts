/**
 * What operators say about the authorization server, and what is known of the servers it issues tokens
 * for. The shapes are those of the loaded settings, written down here because rooms never read settings.
 */
import type { Caller, CallerKind } from '../model/caller.ts'
import type { Detour } from '../model/detour.ts'
import type { NeededAccount } from '../model/needed-account.ts'
import type { Secret } from '../model/secret.ts'

export type Setup = {
  /** A bare origin; everything public is built from it. */
  readonly issuer: string
  readonly tenant: string
  readonly accessTokenSeconds: number
  readonly users: ReadonlyMap<string, LocalUser>
  /** Identity providers people sign in with, by name. */
  readonly signIn: ReadonlyMap<string, SignInProvider>
  readonly clients: ReadonlyMap<string, ConfiguredClient>
  readonly registration: RegistrationRules
  readonly documents: DocumentRules
  readonly servers: readonly ProtectedServer[]
  /** Origins browser clients may call from, exact. */
  readonly allowedOrigins: readonly string[]
  /** The tools this caller would be shown on a server, as far as they are known. */
  readonly toolsFor: (caller: Caller, server: string) => Promise<readonly Tool[]>
  /** The accounts of the person behind these callers that the servers work with, in an order that stays. */
  readonly accountsFor: (
    wanted: readonly { readonly caller: Caller; readonly server: string }[],
  ) => Promise<readonly NeededAccount[]>
  /** Address of the page on which this person, and nobody else, connects the account and comes back. */
  readonly connectAt: (subject: string, account: NeededAccount, detour: Detour) => string
  /** Path where people see their connected accounts; undefined where there can be none. */
  readonly connectPath: string | undefined
}

/** A server tokens are issued for. */
export type ProtectedServer = {
  readonly name: string
  /** Its public URL: the resource indicator (RFC 8707) and the audience of its tokens. */
  readonly resource: string
  readonly scopes: readonly string[]
}

/** A tool, and what its server says it does; `unsaid` where it says nothing. */
export type Tool = {
  readonly name: string
  readonly effect: 'reads' | 'changes' | 'deletes' | 'unsaid'
}

export type LocalUser = {
  readonly passwordHash: string
  readonly name: string
  readonly groups: readonly string[]
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
}

export type ClientGrant =
  | 'authorization_code'
  | 'client_credentials'
  | 'device_code'
  | 'token_exchange'

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
  readonly auth:
    | { readonly kind: 'public' }
    | { readonly kind: 'secret'; readonly secret: Secret }
    | { readonly kind: 'keys'; readonly keys: readonly Readonly<Record<string, unknown>>[] }
  readonly redirectUris: readonly string[]
  /** Undefined, the default, means none at all. */
  readonly mayExchange: ExchangeRights | undefined
}

export type RegistrationRules = {
  readonly mode: 'open' | 'token' | 'off'
  readonly redirectHosts: readonly string[] | undefined
  readonly idleMs: number
  readonly perMinute: number
  readonly maxClients: number
  readonly tokens: ReadonlyMap<string, RegistrationToken>
}

/** Clients that are described at their own address. */
export type DocumentRules = {
  readonly mode: 'open' | 'listed' | 'off'
  /** Hosts, exact or `*.` and a domain, for mode `listed`. */
  readonly hosts: readonly string[]
  /** Hosts whose clients people use themselves. */
  readonly humanHosts: readonly string[]
}

export type RegistrationToken = Entitlement & {
  readonly sha256: string
  readonly idleMs: number
  readonly maxClients: number
}

/** What any client may that registered without a token: act for the people who let it. */
export const SELF_REGISTERED: Entitlement = {
  kind: 'agent',
  grants: ['authorization_code', 'device_code'],
  scopes: undefined,
  servers: undefined,
  groups: [],
}

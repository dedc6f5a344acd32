/** What operators say about the authorization server, and what is known of the servers it issues tokens for. */
import type { AuthorizationRules, Entitlement } from '../model/authorization-rules.ts'
import type { ConsentWords } from '../model/consent-words.ts'
import type { Caller } from '../model/caller.ts'
import type { Detour } from '../model/detour.ts'
import type { NeededAccount } from '../model/needed-account.ts'

export type Setup = AuthorizationRules & {
  readonly servers: readonly ProtectedServer[]
  /** Origins browser clients may call from, exact. */
  readonly allowedOrigins: readonly string[]
  /** The tools this caller may use on a server with the scopes it has, as far as they are known. */
  readonly toolsFor: (caller: Caller, server: string) => Promise<readonly Tool[]>
  /** The accounts of the person behind these callers that the servers work with, in an order that stays. */
  readonly accountsFor: (
    wanted: readonly { readonly caller: Caller; readonly server: string }[],
  ) => Promise<readonly NeededAccount[]>
  /** Address of the page on which this person, and nobody else, connects the account and comes back. */
  readonly connectAt: (subject: string, account: NeededAccount, detour: Detour) => string
  /** Path where people see their connected accounts; undefined where there can be none. */
  readonly connectPath: string | undefined
  /** Origins that connecting may lead to without a page of ours before: of providers that are asked silently. */
  readonly silentTargets: readonly string[]
}

/** A server tokens are issued for. */
export type ProtectedServer = {
  readonly name: string
  /** Its public URL: the resource indicator (RFC 8707) and the audience of its tokens. */
  readonly resource: string
  readonly scopes: readonly string[]
  /** What is asked for where a client asks for nothing; undefined means all. */
  readonly initialScopes?: readonly string[] | undefined
  /** What the operator says about it to people. */
  readonly words?: ConsentWords | undefined
}

/** A tool, and what its server says it does; `unsaid` where it says nothing. */
export type Tool = {
  readonly name: string
  /** What its server says it is for, in a line; empty where that is not known. */
  readonly summary: string
  readonly effect: 'reads' | 'changes' | 'deletes' | 'unsaid'
}

/** What any client may that registered without a token: act for the people who let it. */
export const SELF_REGISTERED: Entitlement = {
  kind: 'agent',
  grants: ['authorization_code', 'device_code'],
  scopes: undefined,
  servers: undefined,
  groups: [],
}

import type { Grantor } from '../model/provider.ts'
import type { Envelope } from './envelope.ts'

/** Whose a connection is. */
export type Owner = {
  readonly tenant: string
  readonly issuer: string
  readonly subject: string
}

/** One account of one person at one provider. */
export type ConnectionId = Owner & {
  readonly provider: string
  /** Tells several accounts of a person apart; `default` unless a server asks for another. */
  readonly account: string
}

/** The secrets of a connection. They leave this room in a header and no other way. */
export type Tokens = {
  readonly accessToken: string
  readonly refreshToken: string | undefined
  /** The secret of the client they were given to, where we registered it ourselves. */
  readonly clientSecret?: string | undefined
}

/** `dead`: the provider will give no more tokens; the person has to connect again. */
export type ConnectionState = 'live' | 'dead'

/** A connection as it is stored. Nothing in it is secret but what is sealed. */
export type Connection = ConnectionId & {
  readonly state: ConnectionState
  /** What was granted, which may be less than was asked for. */
  readonly scopes: readonly string[]
  /** The account as the provider names it; empty where it does not. */
  readonly label: string
  readonly connectedAtMs: number
  readonly refreshedAtMs: number
  /** When the access token ends; undefined where the provider does not say. */
  readonly expiresAtMs: number | undefined
  /** Why it is dead: an OAuth error code, or a word of ours. */
  readonly reason: string | undefined
  /** Where its tokens come from; undefined for a provider that was written down. */
  readonly grantor?: Grantor | undefined
  readonly sealed: Envelope
}

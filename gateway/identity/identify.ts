/**
 * Credential -> Caller, or a Refusal. There is no branch that goes on after a refusal, and no
 * credential that was presented and refused ever becomes the anonymous caller.
 */
import type { Caller } from '../model/caller.ts'
import type { Emit } from '../model/event.ts'
import { Refusal } from '../model/refusal.ts'
import type { McpServer } from '../model/server.ts'
import type { ApiKeyEntry, TrustedIssuer } from './trust.ts'

/** What a visit presents. Credentials count only in these two headers, never in query, body or cookie. */
export type Presented = {
  /** The `Authorization` header as received; undefined when absent. */
  readonly authorization: string | undefined
  /** The `X-Api-Key` header as received; undefined when absent. */
  readonly apiKey: string | undefined
  /** The peer whose failed attempts are counted together. */
  readonly address: string
}

/** The revocation list: `epoch` changes whenever something is added. */
export type Revocations = {
  readonly epoch: number
  isRevoked(caller: Caller): boolean
}

/** What a reload may hand to the next `createIdentify`: verified tokens and fetched keys. */
export type Handover = { readonly reserved: true }

export type Identify = {
  /**
   * Returns who presents this credential to this server: at once when the token is known, else as a
   * promise.
   *
   * @throws {Refusal} (or rejects with) `unauthenticated`, `invalid_token`, `bad_credential`,
   *   `keys_unavailable` or `overloaded`; the reason is in `extra.detail` and never in the message.
   */
  (presented: Presented, server: McpServer): Caller | Promise<Caller>
  /** Whether an open stream of this caller may go on: neither expired nor revoked nor removed. */
  stillValid(caller: Caller): boolean
  /** Fetches keys that are missing or due; call it at start and once a minute. Never rejects. */
  refreshKeys(): Promise<void>
  readonly handover: Handover
}

export type IdentifyOptions = {
  readonly issuers: readonly TrustedIssuer[]
  readonly apiKeys: readonly ApiKeyEntry[]
  readonly revocations: Revocations
  /** Returns the JSON object at an operator-configured URL; rejects for anything else. */
  readonly fetchJson: (url: string) => Promise<unknown>
  readonly readFile: (file: string) => Promise<string>
  /** Epoch milliseconds. */
  readonly now: () => number
  readonly emit: Emit
  readonly handover?: Handover
}

/** Returns the function that identifies callers under one configuration. */
export function createIdentify(options: IdentifyOptions): Identify {
  const identify = (_presented: Presented, _server: McpServer): Caller => {
    throw new Refusal('unauthenticated')
  }
  return Object.assign(identify, {
    stillValid: (caller: Caller) => !options.revocations.isRevoked(caller),
    refreshKeys: async () => {},
    handover: { reserved: true } as const,
  })
}

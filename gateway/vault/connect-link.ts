/**
 * The address of the page where a caller connects an account. It names the caller, sealed, so that the page
 * can tell whether the person at the browser is the one it was made for; to anybody else it is useless.
 */
import { randomBytes } from 'node:crypto'

import type { Detour } from '../model/detour.ts'
import type { Seals } from '../seal/seal.ts'
import type { ConnectionId, Owner } from './connection.ts'
import type { Connectable } from './found.ts'

/** A link works for so long: a person may come to it later than the call. */
const LIFE_MS = 60 * 60_000

/** What a link asks for. */
export type Link = ConnectionId & {
  readonly scopes: readonly string[]
  /** The server it is for, to be named on the page. */
  readonly server: string
  /** The client whose call it was made for; undefined where it was not made for one. */
  readonly client?: string | undefined
  /** What the person was in the middle of; undefined for who came by the link alone. */
  readonly detour?: Detour | undefined
  readonly nonce: string
  readonly untilMs: number
}

/** @param options.now Epoch milliseconds. */
export function createConnectLinks(options: {
  readonly seals: Seals
  /** Where the connect pages are, without a slash at the end. */
  readonly base: string
  readonly now: () => number
}) {
  const { seals, base, now } = options
  return {
    /** The address for this person. It holds nothing that can be read. */
    make(
      owner: Owner,
      { provider, account, scopes }: Connectable,
      { server, client, detour }: Pick<Link, 'server' | 'client' | 'detour'>,
    ): string {
      const { tenant, issuer, subject } = owner
      const nonce = randomBytes(12).toString('base64url')
      const untilMs = now() + LIFE_MS
      const link: Link = {
        tenant,
        issuer,
        subject,
        provider,
        account,
        scopes,
        server,
        client,
        detour,
        nonce,
        untilMs,
      }
      const ticket = seals.seal('connect', [provider], JSON.stringify(link))
      return `${base}/${provider}?ticket=${ticket}`
    },
    /** What a ticket asks for; undefined for any other text, and for one that is too old. */
    open(provider: string, ticket: string): Link | undefined {
      const text = seals.open('connect', [provider], ticket)
      if (text === undefined) return undefined
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- sealed by this file alone
      const link = JSON.parse(text) as Link
      return now() < link.untilMs ? link : undefined
    },
  }
}

export type ConnectLinks = ReturnType<typeof createConnectLinks>

/**
 * Back-channel logout: an identity provider says, from server to server, that somebody's session there has
 * ended, and with it ends what came of it here: signed-in browsers, and what agents were allowed in them
 * (OpenID Connect Back-Channel Logout 1.0).
 */
import { hash } from 'node:crypto'

import type { Emit } from '../model/event.ts'
import type { Store } from '../model/store.ts'
import type { PageAnswer } from '../pages/page.ts'
import { accountId } from './accounts.ts'
import { oauthError } from './http.ts'
import type { IdentityProviders } from './identity-providers.ts'
import type { Logout } from './logout-token.ts'
import type { Rows } from './rows.ts'
import type { SourceSessions } from './source-sessions.ts'

/** A token is remembered beyond its end by this much, for clocks that differ, in milliseconds. */
const MARGIN_MS = 60_000

export type BackChannelOptions = {
  readonly providers: IdentityProviders
  readonly sources: SourceSessions
  readonly rows: Pick<Rows, 'read'>
  readonly store: Pick<Store, 'get' | 'put'>
  /** Ends a session and everything that was allowed in it. */
  readonly endSession: (session: { readonly id: string; readonly key: string }) => Promise<void>
  /** Ends all that a person has here so far: sessions, grants, tokens. */
  readonly endPerson: (subject: string, by: string) => Promise<void>
  /** Epoch milliseconds. */
  readonly now: () => number
  readonly emit: Emit
}

/** @param form What was sent; undefined for a body that is too large or no form. */
export type BackChannel = (name: string, form: URLSearchParams | undefined) => Promise<PageAnswer>

/** Makes the function that answers a provider. Whatever is wrong is a 400, as §2.8 wants it. */
export function createBackChannel(options: BackChannelOptions): BackChannel {
  return async (name, form) => {
    const provider = options.providers(name)
    if (provider === undefined) {
      return oauthError(404, 'invalid_request', 'there is no provider of this name')
    }
    const [token, ...more] = form?.getAll('logout_token') ?? []
    if (token === undefined || more.length > 0) return refused('send one logout_token')
    const read = await provider.readLogout(token)
    if (!read.ok) return refused(read.why)
    const { logout } = read
    const key = `logout-token/${hash('sha256', JSON.stringify([name, logout.id]), 'base64url')}`
    if ((await options.store.get(key)) !== undefined) return refused('it was used already')
    await end(name, logout, options)
    // Only now: what broke off, or is under way elsewhere, must be no reason to refuse the same token again.
    const ttlMs = Math.ceil(logout.expiresAtSeconds * 1_000 - options.now()) + MARGIN_MS
    await options.store.put(key, '', { ttlMs })
    return { status: 200, headers: ['cache-control', 'no-store'], body: '' }
  }
}

/**
 * Ends what a token names. One with a `sid` ends what came of that session, which may be nothing any more;
 * it ends all of the person only where the provider did not name the session when the person signed in.
 */
async function end(name: string, logout: Logout, options: BackChannelOptions): Promise<void> {
  const subject = logout.subject === undefined ? undefined : accountId(name, logout.subject)
  if (logout.session !== undefined) {
    const ended = await endDerived({ provider: name, id: logout.session }, options)
    const row = subject === undefined ? undefined : await options.rows.read('account', subject)
    if (ended > 0 || row === undefined || row.payload['namesSessions'] === true) return
  }
  if (subject === undefined) return
  await options.endPerson(subject, `${name} (back-channel logout)`)
  options.emit({ type: 'signed_out', subject, way: name })
}

/** @returns how many sessions there were. */
async function endDerived(
  source: { readonly provider: string; readonly id: string },
  { sources, endSession, emit }: BackChannelOptions,
): Promise<number> {
  let ended = 0
  for (;;) {
    const page = await sources.list(source)
    if (page.length === 0) return ended
    for (const { session, key, subject } of page) {
      await endSession({ id: session, key })
      await sources.forget(source, session)
      emit({ type: 'signed_out', subject, way: source.provider })
    }
    ended += page.length
  }
}

function refused(why: string): PageAnswer {
  return oauthError(400, 'invalid_request', why)
}

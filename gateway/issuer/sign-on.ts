/**
 * Signing in at an identity provider: the person leaves with a state that only this browser can come back
 * with, once, within ten minutes, and to the callback of the provider it was made for (RFC 9207, A-06 to A-08).
 */
import { createHash, randomBytes } from 'node:crypto'
import type { IncomingMessage } from 'node:http'

import type { Emit } from '../model/event.ts'
import type { CookieName } from '../pages/cookies.ts'
import { readCookie } from '../pages/cookies.ts'
import type { PageAnswer } from '../pages/page.ts'
import { redirectTo } from '../pages/page.ts'
import type { Sessions } from '../sessions/sessions.ts'
import { LIFE_MS } from '../sessions/sessions.ts'
import { accountId, GRANT_LIFE_MS } from './accounts.ts'
import { problemPage } from './error-page.ts'
import { headerOf } from './http.ts'
import type { Person, Wanted } from './identity-provider.ts'
import { NotAllowed } from './identity-provider.ts'
import type { IdentityProviders } from './identity-providers.ts'
import type { Rows } from './rows.ts'
import type { Setup } from './setup.ts'
import type { SourceSessions } from './source-sessions.ts'

/** How long a person may take at their identity provider, in milliseconds. */
const AWAY_MS = 10 * 60_000

const AREA = 'sign-on'

/** As the identity provider likes. */
const ANYHOW: Wanted = { acr: [], maxAgeSeconds: undefined, again: false }

export type SignOnOptions = {
  readonly setup: () => Setup
  readonly rows: Rows
  readonly sessions: Sessions
  readonly sessionCookie: CookieName
  /** Ties the way back to the browser that left. */
  readonly stateCookie: CookieName
  readonly providers: IdentityProviders
  readonly sources: SourceSessions
  readonly emit: Emit
}

export type SignOn = {
  /**
   * Sends the person to the provider of that name; `back` is a path of ours to come back to.
   *
   * @param wanted How the person is to sign in; as the provider likes by default.
   */
  leave(name: string, back: string, wanted?: Wanted): Promise<PageAnswer>
  /** The person comes back. */
  arrive(name: string, request: IncomingMessage): Promise<PageAnswer>
}

type Away = {
  readonly provider: string
  readonly back: string
  readonly nonce: string
  readonly verifier: string
  readonly wanted: Wanted
  /** SHA-256 of the cookie. */
  readonly browser: string
}

export function createSignOn(options: SignOnOptions): SignOn {
  const { setup, rows, stateCookie, providers, emit } = options
  return {
    leave: async (name, back, wanted = ANYHOW) => {
      const provider = providers(name)
      if (provider === undefined) return unknownProvider(back)
      const [state, nonce, verifier, browser] = [random(), random(), random(), random()]
      const journey = { state, nonce, verifier, wanted }
      const location = await provider.begin(journey).catch((error: unknown) => {
        warn(name, error, emit)
        return undefined
      })
      if (location === undefined) return unreachable(back)
      const left = { provider: name, back, nonce, verifier, wanted }
      const away: Away = { ...left, browser: digest(browser) }
      await rows.write(AREA, state, away, AWAY_MS)
      return redirectTo(location, [stateCookie.set(browser, AWAY_MS / 1_000)])
    },
    arrive: async (name, request) => {
      const url = new URL(request.url ?? '', setup().issuer)
      const state = url.searchParams.get('state') ?? ''
      const cookie = readCookie(headerOf(request, 'cookie'), stateCookie.name)
      const away = await takeAway(rows, state)
      const provider = providers(name)
      const isSame = away?.provider === name && cookie !== undefined
      if (!isSame || provider === undefined || digest(cookie) !== away.browser) return stranger()
      try {
        const person = await provider.finish(url, { ...away, state })
        return await welcome({ name, person, back: away.back, request }, options)
      } catch (error) {
        emit({ type: 'signed_in', way: name, ok: false, subject: undefined })
        if (!(error instanceof NotAllowed)) warn(name, error, emit)
        return turnedAway(away.back, error)
      }
    },
  }
}

async function welcome(
  arrival: {
    readonly name: string
    readonly person: Person
    readonly back: string
    readonly request: IncomingMessage
  },
  options: SignOnOptions,
): Promise<PageAnswer> {
  const { name, person, back, request } = arrival
  const { setup, rows, sessions, sessionCookie, stateCookie, sources, emit } = options
  const { tenant, issuer } = setup()
  const subject = accountId(name, person.subject)
  const source = person.session === undefined ? undefined : { provider: name, id: person.session }
  const namesSessions = source !== undefined
  // Kept for the tokens that are issued when nobody is there; renewed with every sign-in.
  const account = { name: person.name, groups: [...person.groups], namesSessions }
  await rows.write('account', subject, account, GRANT_LIFE_MS)
  const before = await sessions.find(readCookie(headerOf(request, 'cookie'), sessionCookie.name))
  if (before !== undefined) await sessions.end(before)
  const { groups, methods, contextClass, authenticatedAtSeconds } = person
  const { session, value } = await sessions.open({
    tenant,
    issuer,
    subject,
    name: person.name,
    address: person.address,
    kind: 'human',
    client: '',
    groups,
    methods,
    contextClass,
    authenticatedAtSeconds,
    source,
  })
  await sources.note(session, LIFE_MS)
  emit({ type: 'signed_in', way: name, ok: true, subject })
  return redirectTo(back, [sessionCookie.set(value, LIFE_MS / 1_000), stateCookie.set('', 0)])
}

async function takeAway(rows: Rows, state: string): Promise<Away | undefined> {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- written by `leave` alone
  return (await rows.take(AREA, state)) as Away | undefined
}

/** 256 bits in base64url: a state, a nonce, a PKCE verifier (RFC 7636 §4.1). */
function random(): string {
  return randomBytes(32).toString('base64url')
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('base64url')
}

/** What went wrong, in the words of the library, which hold no token. */
function warn(name: string, error: unknown, emit: Emit): void {
  const why = error instanceof Error ? error.message : 'failed'
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause.message : ''
  emit({ type: 'warning', what: 'sign_in', detail: `${name}: ${why} ${cause}`.trim() })
}

function unknownProvider(back: string): PageAnswer {
  return problemPage({
    status: 404,
    title: 'There is no such way to sign in',
    text: 'The operator of this gateway may have changed it.',
    advice: 'Choose another one.',
    again: back,
  })
}

function unreachable(back: string): PageAnswer {
  return problemPage({
    status: 502,
    title: 'Your sign-in page cannot be reached',
    text: 'The identity provider does not answer at the moment.',
    advice: 'Wait a minute, or sign in another way.',
    again: back,
  })
}

function stranger(): PageAnswer {
  return problemPage({
    status: 403,
    title: 'This sign-in was not begun here',
    text: 'It has ended, or it was begun in another browser. Nobody was signed in.',
    advice: 'Start again in the application that asked for access.',
  })
}

function turnedAway(back: string, error: unknown): PageAnswer {
  const isKnown = error instanceof NotAllowed
  return problemPage({
    status: 403,
    title: 'You were not signed in',
    text: isKnown
      ? 'Your identity provider knows you, but this account may not use this gateway.'
      : 'Your identity provider did not let you in, or its answer was not in order.',
    advice: 'You can try again, with another account too.',
    again: back,
  })
}

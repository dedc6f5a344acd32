/**
 * Pages that belong to a person and to no authorization: signing in to come back to a page of ours, and the
 * list of what the person has allowed.
 */
import { randomBytes } from 'node:crypto'
import type { IncomingMessage } from 'node:http'

import type { Emit } from '../model/event.ts'
import type { CookieName } from '../pages/cookies.ts'
import { readCookie } from '../pages/cookies.ts'
import type { PageAnswer } from '../pages/page.ts'
import { redirectTo } from '../pages/page.ts'
import { isFromOwnPage } from '../pages/same-origin.ts'
import type { Session, Sessions } from '../sessions/sessions.ts'
import { formToken, isFormToken, LIFE_MS } from '../sessions/sessions.ts'
import { showAccess } from './access-page.ts'
import { forged } from './ask.ts'
import type { Consents } from './consents.ts'
import type { GrantBook } from './grant-book.ts'
import { headerOf, readBody } from './http.ts'
import { ACCESS_PATH, SIGN_IN_PATH, WAY } from './routes.ts'
import type { Setup } from './setup.ts'
import type { createPasswordSignIn } from './sign-in.ts'
import { showSignIn } from './sign-in-page.ts'
import type { SignOn } from './sign-on.ts'

/** How long a sign-in page may lie open, in seconds. */
const FORM_SECONDS = 60 * 60

/** Follows the address of the sign-in page of somebody who has signed out; it says so, and nothing else. */
const SIGNED_OUT = '?signed_out'

/** 256 bits in base64url. */
const SECRET = /^[A-Za-z0-9_-]{43}$/

export type PersonPagesOptions = {
  readonly setup: () => Setup
  readonly sessions: Sessions
  readonly sessionCookie: CookieName
  /** Ties the sign-in form to the browser it was shown in. */
  readonly formCookie: CookieName
  readonly signIn: ReturnType<typeof createPasswordSignIn>
  readonly signOn: SignOn
  readonly consents: Consents
  readonly grants: Pick<GrantBook, 'endAll'>
  /** Ends a session and what was allowed in it. */
  readonly endSession: (session: Session) => Promise<void>
  readonly emit: Emit
}

type Ask = { readonly request: IncomingMessage; readonly path: string; readonly address: string }

/** Returns the function that answers a request for one of them; undefined for another path. */
export function createPersonPages(options: PersonPagesOptions) {
  return async (ask: Ask): Promise<PageAnswer | undefined> => {
    const { request, path } = ask
    if (request.method !== 'GET' && request.method !== 'POST') return undefined
    if (path === SIGN_IN_PATH || path.startsWith(SIGN_IN_PATH + WAY)) {
      return await signInPage(ask, options)
    }
    return path === ACCESS_PATH ? await accessPage(ask, options) : undefined
  }
}

async function accessPage({ request }: Ask, options: PersonPagesOptions): Promise<PageAnswer> {
  const { sessions, sessionCookie, consents, setup } = options
  const session = await sessions.find(readCookie(headerOf(request, 'cookie'), sessionCookie.name))
  if (session === undefined) return redirectTo(`${SIGN_IN_PATH}?back=${ACCESS_PATH}`)
  if (request.method === 'POST') return await changeAccess(request, session, options)
  return showAccess({
    action: ACCESS_PATH,
    formToken: formToken(session.formSecret, ACCESS_PATH),
    name: session.name,
    consents: await consents.list(session.subject),
    connectPath: setup().connectPath,
    servers: setup().servers,
  })
}

async function changeAccess(
  request: IncomingMessage,
  session: Session,
  options: PersonPagesOptions,
): Promise<PageAnswer> {
  const { sessionCookie, consents, grants, emit } = options
  const form = await readForm(
    request,
    { secret: session.formSecret, purpose: ACCESS_PATH },
    options,
  )
  if (form === undefined) return forged()
  const { subject } = session
  if (form.get('do') === 'sign-out') {
    await options.endSession(session)
    emit({ type: 'signed_out', subject, way: undefined })
    return redirectTo(SIGN_IN_PATH + SIGNED_OUT, [sessionCookie.set('', 0)])
  }
  const client = form.get('client') ?? ''
  // With every redirect it was allowed for: the grants that end are those of all of them.
  for (const consent of await consents.list(subject)) {
    if (consent.client === client) await consents.forget(consent)
  }
  await grants.endAll(subject, client)
  emit({ type: 'consented', ok: false, subject, client, servers: [], scopes: [] })
  return redirectTo(ACCESS_PATH)
}

async function signInPage(ask: Ask, options: PersonPagesOptions): Promise<PageAnswer> {
  const { request, path, address } = ask
  const { setup, sessions, sessionCookie, formCookie } = options
  const cookies = headerOf(request, 'cookie')
  const back = backOf(request, setup().issuer)
  if (path !== SIGN_IN_PATH) return await options.signOn.leave(path.split(WAY)[1] ?? '', back)
  const held = readCookie(cookies, formCookie.name)
  const secret = held !== undefined && SECRET.test(held) ? held : undefined
  if (request.method === 'GET') {
    const isSignedOut = request.url === SIGN_IN_PATH + SIGNED_OUT
    return signInForm('no', { back, secret, isSignedOut }, options)
  }
  const form = secret && (await readForm(request, { secret, purpose: SIGN_IN_PATH }, options))
  if (form === undefined || form === '') return forged()
  const name = form.get('name') ?? ''
  const result = await options.signIn({ name, password: form.get('password') ?? '', address })
  if (!result.ok) {
    return signInForm(result.why, { back, secret, isSignedOut: false }, options)
  }
  const before = await sessions.find(readCookie(cookies, sessionCookie.name))
  if (before !== undefined) await sessions.end(before)
  const { value } = await sessions.open(result.who)
  return redirectTo(back, [sessionCookie.set(value, LIFE_MS / 1_000), formCookie.set('', 0)])
}

type Shown = {
  readonly back: string
  readonly secret: string | undefined
  readonly isSignedOut: boolean
}

function signInForm(
  failed: 'no' | 'wrong' | 'too_often',
  { back, secret, isSignedOut }: Shown,
  { setup, formCookie }: PersonPagesOptions,
): PageAnswer {
  const own = secret ?? randomBytes(32).toString('base64url')
  const query = `?back=${encodeURIComponent(back)}`
  return showSignIn({
    action: SIGN_IN_PATH + query,
    formToken: formToken(own, SIGN_IN_PATH),
    client: undefined,
    hasPasswords: setup().users.size > 0,
    providers: Array.from(setup().signIn.values(), ({ name, title }) => ({
      title,
      href: SIGN_IN_PATH + WAY + name + query,
    })),
    failed,
    isSignedOut,
    formTargets: [],
    cookies: [formCookie.set(own, FORM_SECONDS)],
  })
}

/** A form that a page of ours, shown in this browser, has sent. */
async function readForm(
  request: IncomingMessage,
  { secret, purpose }: { readonly secret: string; readonly purpose: string },
  { setup }: PersonPagesOptions,
): Promise<URLSearchParams | undefined> {
  const origin = headerOf(request, 'origin')
  const fetchSite = headerOf(request, 'sec-fetch-site')
  if (!isFromOwnPage({ origin, fetchSite }, setup().issuer)) return undefined
  const form = new URLSearchParams(await readBody(request))
  return isFormToken(form.get('form_token') ?? undefined, secret, purpose) ? form : undefined
}

/** Where to go after signing in: a path of ours, or the list of one's own access. */
function backOf(request: IncomingMessage, issuer: string): string {
  const back = new URL(request.url ?? '', issuer).searchParams.get('back') ?? ''
  const isPath = /^\/[A-Za-z0-9._~/?=&%-]*$/.test(back) && !back.startsWith('//')
  return isPath && new URL(back, issuer).origin === issuer ? back : ACCESS_PATH
}

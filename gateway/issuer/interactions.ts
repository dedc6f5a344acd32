/**
 * The pages of one authorization, from its first to its last: sign in, then decide. They belong to the
 * browser that began it: its cookies name the authorization, and a form counts only from there.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'

import type { Provider } from 'oidc-provider'
import { errors } from 'oidc-provider'

import type { CookieName } from '../pages/cookies.ts'
import { readCookie } from '../pages/cookies.ts'
import { plainName } from '../pages/html.ts'
import type { PageAnswer } from '../pages/page.ts'
import { redirectTo } from '../pages/page.ts'
import { isFromOwnPage } from '../pages/same-origin.ts'
import type { Session, Sessions } from '../sessions/sessions.ts'
import { formToken, isFormToken, LIFE_MS } from '../sessions/sessions.ts'
import type { Ask, Interaction } from './ask.ts'
import { forged, formTargets, notYours, purposeOf } from './ask.ts'
import type { createConnecting } from './connecting.ts'
import type { Decision } from './decision.ts'
import { headerOf, readBody } from './http.ts'
import type { Wanted } from './identity-provider.ts'
import { WRONG_CLASS } from './provider.ts'
import { PAGES_PATH, WAY } from './routes.ts'
import type { Setup } from './setup.ts'
import type { createPasswordSignIn } from './sign-in.ts'
import type { SignOn } from './sign-on.ts'
import { showSignIn } from './sign-in-page.ts'

export type InteractionsOptions = {
  readonly provider: () => Provider
  readonly setup: () => Setup
  readonly sessions: Sessions
  readonly sessionCookie: CookieName
  readonly signIn: ReturnType<typeof createPasswordSignIn>
  readonly signOn: SignOn
  readonly decision: Decision
  readonly connecting: ReturnType<typeof createConnecting>
}

export type PageAsk = {
  readonly uid: string
  /** The identity provider the person wants to sign in with; undefined for the page itself. */
  readonly way: string | undefined
  /** The number of the account that is to be connected; undefined for the page itself. */
  readonly step: number | undefined
  readonly address: string
}

/** Reasons to sign in that a session which is there already settles, where it is of the kind wanted. */
const SETTLED_BY_SESSION = ['no_session', 'no_gatehouse_session', 'max_age', WRONG_CLASS]

/** Returns the function that answers a request for the page with this id. */
export function createInteractions(options: InteractionsOptions) {
  return async (
    request: IncomingMessage,
    response: ServerResponse,
    { uid, way, step, address }: PageAsk,
  ): Promise<PageAnswer> => {
    const ask = await openAsk(request, response, { uid, address }, options)
    if (ask === undefined) return notYours()
    const { connecting, signOn } = options
    if (step !== undefined) {
      return request.method === 'GET' ? await connecting(ask, step) : notYours()
    }
    const isForm = request.method === 'POST' && way === undefined
    if (request.method === 'GET' && way === undefined) return await show(ask, 'no', options)
    if (request.method === 'GET' && way !== undefined) {
      return await signOn.leave(way, pageOf(ask), wantedIn(ask.interaction))
    }
    if (!isForm) return notYours()
    const form = await readForm(ask, options.setup().issuer)
    if (form === undefined) return forged()
    if (form.get('do') === 'cancel') return await options.decision.refuse(ask)
    if (ask.interaction.prompt.name === 'consent') return await options.decision.take(ask, form)
    return await signIn(ask, form, options)
  }
}

/** The authorization this browser is in the middle of, if it is the one of the address. */
async function openAsk(
  request: IncomingMessage,
  response: ServerResponse,
  { uid, address }: { readonly uid: string; readonly address: string },
  { provider, sessions, sessionCookie }: InteractionsOptions,
): Promise<Ask | undefined> {
  const cookies = headerOf(request, 'cookie')
  const secret = readCookie(cookies, `${provider().cookieName('interaction')}.sig`)
  if (secret === undefined) return undefined
  try {
    const interaction = await provider().interactionDetails(request, response)
    if (interaction.uid !== uid) return undefined
    const session = await sessions.find(readCookie(cookies, sessionCookie.name))
    return { request, response, address, interaction, secret, session }
  } catch (error) {
    if (error instanceof errors.SessionNotFound) return undefined
    throw error
  }
}

async function show(
  ask: Ask,
  failed: 'no' | 'wrong' | 'too_often',
  options: InteractionsOptions,
): Promise<PageAnswer> {
  const { interaction, session } = ask
  const { prompt } = interaction
  if (prompt.name === 'consent') return await options.decision.show(ask)
  if (session !== undefined && isSettled(session, interaction)) {
    return await letIn(ask, session, options)
  }
  const client = await options.provider().Client.find(String(interaction.params['client_id']))
  return showSignIn({
    action: pageOf(ask),
    formToken: formToken(ask.secret, purposeOf(ask)),
    client: client && plainName(client.clientName ?? client.clientId),
    hasPasswords: options.setup().users.size > 0,
    providers: Array.from(options.setup().signIn.values(), ({ name, title }) => ({
      title,
      href: `${pageOf(ask)}${WAY}${name}`,
    })),
    failed,
    formTargets: formTargets(interaction),
  })
}

/** Whether the person need not sign in any more, or would only do the same again. */
function isSettled(session: Session, interaction: Interaction): boolean {
  const { iat: begunAtSeconds, prompt } = interaction
  const { maxAgeSeconds = Infinity } = wantedIn(interaction)
  if (authenticatedAt(session) < begunAtSeconds - maxAgeSeconds) return false
  // Whoever signed in since this began, and not in the second before, did so because of it, in the way they have.
  if (!isOfClass(session, interaction)) return session.signedInAtSeconds > begunAtSeconds
  // Whoever signed in since this began did what was asked for, whatever the reason was.
  if (session.signedInAtSeconds >= begunAtSeconds) return true
  return prompt.reasons.every((reason) => SETTLED_BY_SESSION.includes(reason))
}

/** Whether the person signed in in one of the ways the client wants (RFC 9470 §5), where it wants some. */
function isOfClass({ contextClass = '' }: Session, interaction: Interaction): boolean {
  const { acr } = wantedIn(interaction)
  return acr.length === 0 || acr.includes(contextClass)
}

/** How the client wants the person to sign in. */
function wantedIn({ params, prompt }: Interaction): Wanted {
  const { acr_values: classes, max_age: maxAge } = params
  return {
    acr: typeof classes === 'string' ? classes.split(' ').filter((one) => one !== '') : [],
    maxAgeSeconds: maxAge === undefined ? undefined : Number(maxAge),
    again: prompt.reasons.includes('login_prompt'),
  }
}

/** The address of the page. */
function pageOf({ interaction }: Ask): string {
  return PAGES_PATH + interaction.uid
}

async function signIn(
  ask: Ask,
  form: URLSearchParams,
  options: InteractionsOptions,
): Promise<PageAnswer> {
  const { sessions, sessionCookie } = options
  const name = form.get('name') ?? ''
  const password = form.get('password') ?? ''
  const result = await options.signIn({ name, password, address: ask.address })
  if (!result.ok) return await show({ ...ask, session: undefined }, result.why, options)
  // Whoever was signed in before is not any more; a session somebody planted is of no use.
  if (ask.session !== undefined) await sessions.end(ask.session)
  const { session, value } = await sessions.open(result.who)
  return await letIn(ask, session, options, [sessionCookie.set(value, LIFE_MS / 1_000)])
}

async function letIn(
  { request, response, interaction }: Ask,
  session: Session,
  { provider }: InteractionsOptions,
  cookies: readonly string[] = [],
): Promise<PageAnswer> {
  const { subject, methods, contextClass } = session
  const login = {
    accountId: subject,
    amr: [...methods],
    ts: authenticatedAt(session),
    ...(contextClass !== undefined && { acr: contextClass }),
  }
  // Told to the client: asked again, the person could do no better.
  const result = isOfClass(session, interaction) ? { login } : { error: WRONG_CLASS }
  const options = { mergeWithLastSubmission: false }
  const next = await provider().interactionResult(request, response, result, options)
  return redirectTo(next, cookies)
}

/** When the person last proved who they are, in epoch seconds; 0 where nobody knows. */
function authenticatedAt({ authenticatedAtSeconds, signedInAtSeconds }: Session): number {
  return authenticatedAtSeconds ?? signedInAtSeconds
}

/** The form, if a page of ours sent it in this browser. */
async function readForm(ask: Ask, own: string): Promise<URLSearchParams | undefined> {
  const { request, secret } = ask
  const origin = headerOf(request, 'origin')
  const fetchSite = headerOf(request, 'sec-fetch-site')
  if (!isFromOwnPage({ origin, fetchSite }, own)) return undefined
  const body = await readBody(request)
  if (body === undefined) return undefined
  const form = new URLSearchParams(body)
  const sent = form.get('form_token') ?? undefined
  return isFormToken(sent, secret, purposeOf(ask)) ? form : undefined
}

/**
 * What a person does on the page of a request: sign in, read it, decide. Every form must come from a page
 * of ours, shown in this browser; a session begins with a value of its own when somebody signs in.
 */
import type { Caller } from '../model/caller.ts'
import type { Emit } from '../model/event.ts'
import type { CookieName } from '../pages/cookies.ts'
import { readCookie } from '../pages/cookies.ts'
import type { PageAnswer } from '../pages/page.ts'
import { redirectTo } from '../pages/page.ts'
import { isFromOwnPage } from '../pages/same-origin.ts'
import type { Ask, AskedNeed } from '../registry/approval.ts'
import { ASK_ID } from '../registry/approval.ts'
import type { Approvals, Verdict } from '../registry/approvals.ts'
import type { Session, Sessions } from '../sessions/sessions.ts'
import { formToken, isFormToken, LIFE_MS } from '../sessions/sessions.ts'
import { entitledTo } from './entitled.ts'
import {
  askPage,
  decidedPage,
  notYoursPage,
  overPage,
  refusedPage,
  signInPage,
  unavailablePage,
} from './pages.ts'
import { showArguments } from './show-arguments.ts'

/** Bytes of a form: a key, a token and a few words. */
export const MAX_FORM_BYTES = 4_096

export type DoorRequest = {
  readonly method: string
  /** The id in the address, as it came. */
  readonly id: string
  /** The path of the page, for its forms. */
  readonly path: string
  readonly cookie: string | undefined
  readonly origin: string | undefined
  readonly fetchSite: string | undefined
  readonly contentType: string | undefined
  readonly address: string
  readonly body: () => Promise<string>
}

export type DoorOptions = {
  /** Where the pages are: `https://host`. */
  readonly origin: string
  readonly cookie: CookieName
  readonly sessions: Sessions
  readonly approvals: Pick<Approvals, 'read' | 'decide'>
  /** The text that was sealed for this request; undefined when its key is gone. */
  readonly open: (id: string, sealed: string) => string | undefined
  /** Who shows this API key; undefined for one that is not valid. */
  readonly signIn: (apiKey: string, address: string) => Caller | undefined
  /** Where people sign in otherwise and come back to this path; undefined where they cannot. */
  readonly signInAt: ((path: string) => string) | undefined
  readonly emit: Emit
}

/** Answers one request. Rejects for nothing but what is broken in here. */
export type Door = (request: DoorRequest) => Promise<PageAnswer>

export function createDoor(options: DoorOptions): Door {
  return async (request) => {
    if (!ASK_ID.test(request.id)) return overPage()
    if (request.method !== 'GET' && request.method !== 'POST') return refusedPage()
    try {
      const session = await options.sessions.find(readCookie(request.cookie, options.cookie.name))
      return request.method === 'GET'
        ? await show({ request, session, options })
        : await act({ request, session, options })
    } catch (error) {
      if (error instanceof Error && error.name === 'StoreError') return unavailablePage()
      throw error
    }
  }
}

type Visitor = {
  readonly request: DoorRequest
  readonly session: Session | undefined
  readonly options: DoorOptions
}

async function show({ request, session, options }: Visitor): Promise<PageAnswer> {
  const { id, path: action } = request
  if (session === undefined)
    return signInPage({ action, failed: false, elsewhere: options.signInAt?.(action) })
  const ask = await options.approvals.read(id)
  const own = { action, session, formToken: formToken(session.formSecret, purposeOf(id)) }
  if (ask === undefined) return overPage()
  const mine = entitledTo(ask, session)
  if (mine.length === 0) return notYoursPage(own)
  const needs = waitingOf(mine)
  if (isDecided(ask, needs)) return decidedPage({ ...own, ask, needs: mine })
  const text = options.open(id, ask.sealed)
  // Nobody approves what nobody can read.
  if (text === undefined) return overPage()
  return askPage({ ...own, ask, needs, shown: showArguments(text) })
}

async function act(visitor: Visitor): Promise<PageAnswer> {
  const { request, session, options } = visitor
  const { origin, fetchSite, contentType = '', path } = request
  if (!isFromOwnPage({ origin, fetchSite }, options.origin)) return refusedPage()
  if (!/^application\/x-www-form-urlencoded\s*(;|$)/i.test(contentType)) return refusedPage()
  const form = new URLSearchParams(await request.body())
  const what = form.get('do')
  if (what === 'sign-in') return await signIn(form.get('api_key') ?? '', visitor)
  if (session === undefined) return redirectTo(path)
  const token = form.get('form_token') ?? undefined
  if (!isFormToken(token, session.formSecret, purposeOf(request.id))) return refusedPage()
  if (what === 'sign-out') {
    await options.sessions.end(session)
    return redirectTo(path, [options.cookie.set('', 0)])
  }
  return await decide(form, session, visitor)
}

/** A new session, whatever the browser came with: nobody can have chosen it for somebody else. */
async function signIn(apiKey: string, { request, session, options }: Visitor): Promise<PageAnswer> {
  const caller = options.signIn(apiKey.trim(), request.address)
  const ok = caller !== undefined
  options.emit({ type: 'signed_in', way: 'api_key', ok, subject: caller?.subject })
  if (caller === undefined) {
    const action = request.path
    return signInPage({ action, failed: true, elsewhere: options.signInAt?.(action) })
  }
  if (session !== undefined) await options.sessions.end(session)
  const { tenant, issuer, subject, client, kind, groups, tokenId: credential } = caller
  const who = {
    tenant,
    issuer,
    subject,
    client,
    kind,
    groups: [...groups],
    name: subject,
    credential,
  }
  const { value } = await options.sessions.open({ ...who, methods: ['pop'] })
  return redirectTo(request.path, [options.cookie.set(value, LIFE_MS / 1000)])
}

async function decide(
  form: URLSearchParams,
  session: Session,
  { request, options }: Visitor,
): Promise<PageAnswer> {
  const { id, path } = request
  const ask = await options.approvals.read(id)
  if (ask === undefined) return overPage()
  const mine = entitledTo(ask, session)
  if (mine.length === 0) {
    return notYoursPage({
      action: path,
      session,
      formToken: formToken(session.formSecret, purposeOf(id)),
    })
  }
  const needs = waitingOf(mine)
  const decision = readDecision(form, needs)
  if (decision === undefined) return refusedPage()
  const rules = needs.map(({ rule }) => rule)
  if (!isDecided(ask, needs))
    await options.approvals.decide(id, { rules, by: session.name, decision })
  // The page then says what has become of it, also when somebody else was first.
  return redirectTo(path)
}

/** Never longer than the rules let it be. */
function readDecision(
  form: URLSearchParams,
  needs: readonly AskedNeed[],
): Verdict['decision'] | undefined {
  switch (form.get('do')) {
    case 'once':
      return { kind: 'once' }
    case 'deny':
      return { kind: 'deny' }
    case 'for': {
      const ms = Number(form.get('minutes')) * 60_000
      const longestMs = Math.min(...needs.map(({ terms }) => terms.forMs ?? 0))
      return Number.isInteger(ms) && ms > 0 && ms <= longestMs ? { kind: 'for', ms } : undefined
    }
    default:
      return undefined
  }
}

function waitingOf(needs: readonly AskedNeed[]): readonly AskedNeed[] {
  return needs.filter(({ state }) => state === 'waiting')
}

function isDecided(ask: Ask, waiting: readonly AskedNeed[]): boolean {
  return waiting.length === 0 || ask.needs.some(({ state }) => state === 'denied')
}

/** A token of one request is no good for another. */
function purposeOf(id: string): string {
  return `approve ${id}`
}

/**
 * The pages on which a person connects an account. Nothing happens there for anybody but the person who is
 * signed in in this browser; a link that was made for a caller works for that person alone, so that
 * nobody can be led to connect his account for somebody else, or somebody else's for himself.
 */
import { hash } from 'node:crypto'

import { readCookie, type CookieName } from '../pages/cookies.ts'
import type { PageAnswer } from '../pages/page.ts'
import { redirectTo } from '../pages/page.ts'
import { isFromOwnPage, type FormHeaders } from '../pages/same-origin.ts'
import { formToken, isFormToken, type Session, type Sessions } from '../sessions/sessions.ts'
import type { Detour } from '../model/detour.ts'
import type { Provider } from '../model/provider.ts'
import { Refusal } from '../model/refusal.ts'
import type { Store } from '../model/store.ts'
import {
  type AskedBy,
  CONNECTING_MS,
  linkKey,
  type Begin,
  type Connect,
  type Finished,
} from './connect.ts'
import type { ConnectLinks, Link } from './connect-link.ts'
import type { Owner } from './connection.ts'
import * as pages from './connect-pages.ts'
import { DiscoveryError } from './metadata-document.ts'
import type { NamedProvider, Providers } from './providers.ts'

/** What a browser asks for, below the path of the connect pages. */
export type ConnectRequest = FormHeaders & {
  readonly method: string
  /** Path and query below the connect pages, such as `/google?ticket=…`. */
  readonly target: string
  readonly cookie: string | undefined
  /** The form that was sent; only asked for when it counts. */
  readonly form: () => Promise<URLSearchParams>
}

export type ConnectDeskOptions = {
  readonly connect: Connect
  readonly links: ConnectLinks
  readonly sessions: Pick<Sessions, 'find'>
  readonly sessionCookie: CookieName
  /** Holds the browser's half of what was begun. */
  readonly connectCookie: CookieName
  readonly providers: Pick<Providers, 'named' | 'preview' | 'begin' | 'document'>
  /** What a person has connected and could connect. */
  readonly mine: (owner: Owner) => Promise<readonly pages.Own[]>
  /** Scopes that servers need of an account, for who comes without a link; undefined where none asks for it. */
  readonly scopesOf: (provider: string, account: string) => readonly string[] | undefined
  /** Where to sign in, and come back from; undefined where there is no such page. */
  readonly signIn: ((returnTo: string) => string) | undefined
  /** Where people see what may act for them; undefined where there is no such page. */
  readonly accessPath: string | undefined
  /** Hears that what a call waited for is there. */
  readonly done: (asked: AskedBy, owner: Owner) => void
  readonly store: Pick<Store, 'count'>
  /** Epoch milliseconds. */
  readonly now: () => number
  /** Our origin. */
  readonly origin: string
  /** Path of the connect pages, without a slash at the end. */
  readonly base: string
}

/** The browser's half is kept longer than the state: who comes too late is still led back. */
const COOKIE_SECONDS = 60 * 60

/** Below the page of a provider: who we are there, for its authorization server to read. */
const CLIENT_DOCUMENT = '/client.json'

const PATH = /^\/(?<provider>[a-z0-9-]{1,64})(?<below>\/callback|\/client\.json)?$/

/** What every page is shown with. */
type Room = {
  readonly request: ConnectRequest
  readonly provider: NamedProvider
  readonly session: Session
  readonly query: URLSearchParams
}

export function createConnectDesk(options: ConnectDeskOptions) {
  return async (request: ConnectRequest): Promise<PageAnswer> => {
    try {
      return await answer(request, options)
    } catch (error) {
      if (error instanceof Refusal && error.code === 'credential_unavailable') return pages.notNow()
      throw error
    }
  }
}

async function answer(request: ConnectRequest, options: ConnectDeskOptions): Promise<PageAnswer> {
  const [path = '', query = ''] = request.target.split('?', 2)
  if (path === '') return await own(request, options)
  const named = PATH.exec(path)?.groups
  const provider = options.providers.named(named?.['provider'] ?? '')
  if (named === undefined || provider === undefined) return pages.notFound()
  if (request.method !== 'GET' && request.method !== 'POST') return pages.notFound()
  const { below } = named
  if (below === CLIENT_DOCUMENT) return describe(provider, options)
  const cookie = readCookie(request.cookie, options.sessionCookie.name)
  const session = await options.sessions.find(cookie)
  if (session === undefined) return signIn(request, options)
  const room = { request, provider, session, query: new URLSearchParams(query) }
  if (below !== undefined) {
    return request.method === 'GET' ? await finish(room, options) : pages.notFound()
  }
  const step = request.method === 'GET' ? offer : begin
  return await step(room, options).catch(async (error: unknown) => {
    if (!(error instanceof DiscoveryError)) throw error
    const wish = await wishOf(room, options)
    return pages.notFit(provider, 'detour' in wish ? wish.detour : undefined)
  })
}

/** Who we are to a provider. Anybody may read it; whoever keeps it asks again after five minutes. */
function describe({ name }: NamedProvider, { providers }: ConnectDeskOptions): PageAnswer {
  const document = providers.document(name)
  if (document === undefined) return pages.notFound()
  const headers = ['content-type', 'application/json', 'cache-control', 'public, max-age=300']
  return { status: 200, headers, body: JSON.stringify(document) }
}

/** The page of all that a person has connected. */
async function own(request: ConnectRequest, options: ConnectDeskOptions): Promise<PageAnswer> {
  const cookie = readCookie(request.cookie, options.sessionCookie.name)
  const session = await options.sessions.find(cookie)
  if (session === undefined) return signIn(request, options)
  const owner = ownerOf(session)
  if (request.method === 'POST') {
    const refused = await disconnect(request, session, options)
    if (refused !== undefined) return refused
  }
  const token = formToken(session.formSecret, OWN)
  const connections = await options.mine(owner)
  const { accessPath, base } = options
  return pages.own({ base, accessPath, name: session.name, token, connections })
}

/** @returns what to show instead when nothing was done. */
async function disconnect(
  request: ConnectRequest,
  session: Session,
  options: ConnectDeskOptions,
): Promise<PageAnswer | undefined> {
  if (!isFromOwnPage(request, options.origin)) return pages.forged()
  const form = await request.form()
  if (!isFormToken(form.get('token') ?? undefined, session.formSecret, OWN)) return pages.forged()
  const [provider, account] = [form.get('provider') ?? '', form.get('account') ?? '']
  await options.connect.disconnect({ ...ownerOf(session), provider, account })
  return undefined
}

/** The purpose of the forms on it. */
const OWN = 'own connections'

function signIn(request: ConnectRequest, { base, signIn: at }: ConnectDeskOptions): PageAnswer {
  // A form that was sent without a session is not sent again behind the person's back.
  if (at === undefined || request.method !== 'GET') return pages.signInFirst()
  return redirectTo(at(base + request.target))
}

/** What the person is asked to connect: what the link says, or what servers need of this provider. */
type Wish = Pick<Link, 'account' | 'scopes' | 'detour'> & {
  readonly server: string | undefined
  readonly link: Link | undefined
  /** The call it is for. */
  readonly asked?: AskedBy | undefined
}

async function wishOf(room: Room, options: ConnectDeskOptions): Promise<Wish | PageAnswer> {
  const { provider, query, request, session } = room
  const ticket = query.get('ticket')
  if (ticket === null) {
    const account = query.get('account') ?? DEFAULT
    const scopes = options.scopesOf(provider.name, account)
    if (scopes === undefined) return pages.notFound()
    return { account, scopes, server: undefined, link: undefined }
  }
  const link = options.links.open(provider.name, ticket)
  if (link === undefined) return pages.staleLink()
  const { tenant, issuer, subject } = session
  const isHis = link.tenant === tenant && link.issuer === issuer && link.subject === subject
  if (!isHis) return pages.otherPerson(session.name)
  const { account, scopes, server, client, detour } = link
  // The address as the client was given it: nothing but the ticket opens a link.
  const url = options.origin + options.base + request.target
  const asked = client === undefined ? undefined : { url, client, server }
  return { account, scopes, server, detour, asked, link }
}

async function offer(room: Room, options: ConnectDeskOptions): Promise<PageAnswer> {
  const wish = await wishOf(room, options)
  if ('status' in wish) return wish
  const { provider, query, request, session } = room
  // The consent page has named the account, and the person has said yes there.
  const isAgreed = wish.detour !== undefined && !query.has(ASK)
  if (isAgreed && provider.silent && wish.account === DEFAULT) {
    const ready = await readyFor(room, wish, options)
    return await leave(room, options, { ready, wish, prompt: 'none' })
  }
  const preview = await options.providers.preview(provider.name, wish.scopes)
  return pages.offer({
    provider: preview,
    name: session.name,
    server: wish.server,
    account: wish.account === DEFAULT ? undefined : wish.account,
    scopes: [...new Set([...preview.scopes, ...wish.scopes])],
    detour: wish.detour,
    action: options.base + request.target,
    token: formToken(session.formSecret, purposeOf(provider, query)),
  })
}

async function begin(room: Room, options: ConnectDeskOptions): Promise<PageAnswer> {
  const { provider, query, request, session } = room
  if (!isFromOwnPage(request, options.origin)) return pages.forged()
  const token = (await request.form()).get('token') ?? undefined
  if (!isFormToken(token, session.formSecret, purposeOf(provider, query))) return pages.forged()
  const wish = await wishOf(room, options)
  if ('status' in wish) return wish
  // A link is not used up by a provider that nobody can be sent to.
  const ready = await readyFor(room, wish, options)
  if (wish.link !== undefined && !(await isFirstUse(wish.link, options))) {
    return pages.staleLink(wish.detour)
  }
  return await leave(room, options, { ready, wish, prompt: promptFor(room, wish) })
}

/** Where people have several accounts, the provider asks which. */
function promptFor({ provider, query }: Room, { account, detour }: Wish): Begin['prompt'] {
  if (account !== DEFAULT || query.has(pages.ANOTHER)) return 'choose'
  return provider.silent && detour === undefined ? 'none' : 'usual'
}

/** The account of a person who has one. */
const DEFAULT = 'default'

/** The provider, with us as its client. */
async function readyFor(
  { provider, session }: Room,
  { scopes }: Pick<Wish, 'scopes'>,
  { providers }: ConnectDeskOptions,
): Promise<Provider> {
  return await providers.begin(provider.name, scopes, ownerOf(session))
}

type Leaving = {
  readonly ready: Provider
  readonly wish: Omit<Wish, 'link'>
  readonly prompt: Begin['prompt']
}

/** To the provider. */
async function leave(
  { session }: Room,
  options: ConnectDeskOptions,
  { ready, wish, prompt }: Leaving,
): Promise<PageAnswer> {
  const { connect, connectCookie } = options
  if (!(await mayLeave(session, options))) return pages.tooOften(wish.detour)
  const { account, scopes, server, detour, asked } = wish
  const { url, browser } = await connect.begin({
    provider: ready,
    owner: ownerOf(session),
    account,
    scopes,
    server,
    detour,
    asked,
    address: session.address,
    prompt,
  })
  return redirectTo(url, [connectCookie.set(withWay(browser, detour), COOKIE_SECONDS)])
}

/**
 * How often a person may be sent to providers in the time in which they can come back: each time something is
 * kept until then, in a store that sessions and revocations need too.
 */
const MAX_BEGUN = 60

async function mayLeave(session: Session, { store }: ConnectDeskOptions): Promise<boolean> {
  const { tenant, issuer, subject } = session
  const person = hash('sha256', JSON.stringify([tenant, issuer, subject]), 'base64url')
  return (await store.count(`connecting-by/${person}`, 1, CONNECTING_MS)) <= MAX_BEGUN
}

/** A link begins one connection; whoever wants another asks for another link. */
async function isFirstUse(link: Link, { now, store }: ConnectDeskOptions): Promise<boolean> {
  const lifeMs = Math.max(1, link.untilMs - now())
  return (await store.count(linkKey(link, link.nonce), 1, lifeMs)) === 1
}

async function finish(room: Room, options: ConnectDeskOptions): Promise<PageAnswer> {
  const { provider, query, request, session } = room
  const [browser, way] = readWay(readCookie(request.cookie, options.connectCookie.name))
  const finished = await options.connect.finish({
    provider: provider.name,
    parameters: query,
    owner: ownerOf(session),
    browser,
  })
  if (finished.kind === 'must_ask') return await askAfterAll(finished, room, options)
  const { kind, asked } = finished
  if (kind === 'connected' && asked !== undefined) options.done(asked, ownerOf(session))
  return pages.finished(finished, { provider, way, clear: options.connectCookie.set('', 0) })
}

/**
 * The provider has to show a page. Who pressed a button of ours goes on to it; who did not is shown what there
 * is to decide first.
 */
async function askAfterAll(
  { wanted, detour, asked }: Extract<Finished, { kind: 'must_ask' }>,
  room: Room,
  options: ConnectDeskOptions,
): Promise<PageAnswer> {
  const { provider, session } = room
  const { account, scopes, server = '' } = wanted
  if (detour === undefined) {
    const again = { account, scopes, server, asked }
    const ready = await readyFor(room, again, options)
    return await leave(room, options, { ready, wish: again, prompt: 'usual' })
  }
  const wish = { provider: provider.name, account, scopes }
  const link = options.links.make(ownerOf(session), wish, { server, detour })
  return redirectTo(`${link}&${ASK}=1`, [options.connectCookie.set('', 0)])
}

/** Stands in a link where the provider has said that it must show a page. */
const ASK = 'ask'

/** The browser's half of a state, and where it can try again when the state is not there any more. */
function withWay(browser: string, detour: Detour | undefined): string {
  return detour === undefined
    ? browser
    : `${browser}.${Buffer.from(detour.again).toString('base64url')}`
}

/** The two of them, as far as they are there. */
function readWay(cookie: string | undefined): readonly (string | undefined)[] {
  const [browser, coded] = cookie?.split('.', 2) ?? []
  const way = Buffer.from(coded ?? '', 'base64url').toString()
  return WAY.test(way) ? [browser, way] : [browser]
}

/** A path of ours. */
const WAY = /^(?:\/[A-Za-z0-9_-]+)+$/

function ownerOf({ tenant, issuer, subject }: Session) {
  return { tenant, issuer, subject }
}

/** A form is for one provider and one link. */
function purposeOf(provider: NamedProvider, query: URLSearchParams): string {
  return `connect ${provider.name} ${query.get('ticket') ?? ''}`
}

/**
 * What stands before `oidc-provider`: nothing of a request reaches it that could change what it says of
 * itself, bodies are read and bounded here, and what clients leave out is filled in. Registration,
 * pages and what is asked about JWTs are ours.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'

import { isLoopback } from '../model/loopback.ts'
import type { PageAnswer } from '../pages/page.ts'
import type { BackChannel } from './back-channel.ts'
import type { OauthClients } from './client-book.ts'
import { problemPage } from './error-page.ts'
import { headerOf, oauthError, readBody, send, withBody } from './http.ts'
import type { createInteractions } from './interactions.ts'
import type { JwtBearer } from './jwt-bearer.ts'
import { JWT_BEARER } from './jwt-bearer-names.ts'
import { forged, notYours } from './ask.ts'
import { findLogo, sendLogo } from './logos.ts'
import { isBeginning, tooManyBegun } from './pace.ts'
import { completeParameters } from './parameters.ts'
import type { createPersonPages } from './person-pages.ts'
import type { PresentedTokens } from './presented-token.ts'
import type { RegistrationOptions } from './registration.ts'
import { judgeRegistration, judgeUpdate } from './registration.ts'
import {
  BACK_CHANNEL_PATH,
  CALLBACK_PATH,
  METADATA_PATHS,
  PAGES_PATH,
  ROUTES,
  STEP,
  WAY,
} from './routes.ts'
import type { Setup } from './setup.ts'
import type { SignOn } from './sign-on.ts'

/** A request target longer than this is refused. */
const MAX_TARGET_CHARS = 8_192

/** Characters of an id in an address. */
const PAGE_ID = /^[A-Za-z0-9_-]{1,64}$/

/** The address of a page: the id of its authorization, and then a way to sign in or a number. */
const PAGE = new RegExp(
  `^(?<uid>[A-Za-z0-9_-]{1,64})(?:${WAY}(?<way>[A-Za-z0-9_-]{1,64})|${STEP}(?<number>[0-9]{1,4}))?$`,
)

/** Headers in which a proxy says how it was reached; ours are made from the configuration. */
const FORWARDED = ['forwarded', 'x-forwarded-host', 'x-forwarded-proto', 'x-forwarded-for']

export type FrontOptions = {
  readonly setup: () => Setup
  /** The provider in force. */
  readonly serve: (request: IncomingMessage, response: ServerResponse) => void
  readonly pages: ReturnType<typeof createInteractions>
  readonly signOn: Pick<SignOn, 'arrive'>
  readonly backChannel: BackChannel
  readonly personPages: ReturnType<typeof createPersonPages>
  readonly clients: Pick<OauthClients, 'register'>
  readonly registration: RegistrationOptions
  readonly presented: PresentedTokens
  readonly jwtBearer: Pick<JwtBearer, 'arrive'>
  /** Whether so much was refused from here lately that it must be guessing; successes are free. */
  readonly isGuessing: (address: string) => boolean
  /** Whether one more authorization may be begun from here. */
  readonly mayBegin: (address: string) => Promise<boolean>
  /** Whether one more code of a device may be tried from here. */
  readonly mayTry: (address: string) => Promise<boolean>
  /** Whether a page of `oidc-provider` was shown in this browser, to which its forms are tied. */
  readonly isKnownBrowser: (request: IncomingMessage) => boolean
  /** `detail` is for records alone. */
  readonly onRefused: (endpoint: string, error: string, address: string, detail?: string) => void
}

type Arrival = {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly path: string
  readonly address: string
}

/** Makes the function that serves one request to its end. It never rejects for what a client sends. */
export function createFront(options: FrontOptions) {
  return async (
    request: IncomingMessage,
    response: ServerResponse,
    address: string,
  ): Promise<void> => {
    const { issuer } = options.setup()
    const target = request.url ?? ''
    if (!isForUs(request, issuer)) {
      return send(response, oauthError(421, 'invalid_request', 'this host is not served here'))
    }
    if (target.length > MAX_TARGET_CHARS) {
      return send(response, oauthError(414, 'invalid_request', 'the address is too long'))
    }
    sayWhereWeAre(request, issuer, address)
    const path = target.split('?', 1)[0] ?? ''
    const arrival = { request, response, path, address }
    try {
      await route(arrival, options)
    } catch (error) {
      // A body that breaks off leaves nobody to answer.
      if (response.headersSent || request.destroyed) response.destroy()
      else throw error
    }
  }
}

async function route(arrival: Arrival, options: FrontOptions): Promise<void> {
  const { request, response, path, address } = arrival
  if (isBeginning(request.method, path) && !(await options.mayBegin(address))) {
    options.onRefused('authorization', 'temporarily_unavailable', address)
    return send(response, tooManyBegun(path))
  }
  if (path.startsWith(PAGES_PATH)) {
    const page = PAGE.exec(path.slice(PAGES_PATH.length))?.groups
    if (page === undefined) return send(response, notYours())
    const { uid = '', way, number } = page
    const step = number === undefined ? undefined : Number(number)
    return send(response, await options.pages(request, response, { uid, way, step, address }))
  }
  const logo = request.method === 'GET' ? findLogo(path, options.setup()) : undefined
  if (logo !== undefined) return sendLogo(response, logo)
  if (path.startsWith(CALLBACK_PATH) && request.method === 'GET') {
    return send(response, await options.signOn.arrive(path.slice(CALLBACK_PATH.length), request))
  }
  if (path.startsWith(BACK_CHANNEL_PATH) && request.method === 'POST') {
    return await logOut(arrival, options)
  }
  const person = await options.personPages({ request, path, address })
  if (person !== undefined) return send(response, person)
  if (!isServed(path)) {
    return send(response, oauthError(404, 'invalid_request', 'there is nothing at this address'))
  }
  if (path === ROUTES.registration && request.method === 'POST') {
    return await register(arrival, options)
  }
  if (path.startsWith(CLIENT_PATH) && request.method === 'PUT') {
    return await changeClient(arrival, options)
  }
  if (path === ROUTES.authorization && request.method === 'GET') {
    request.url = completeQuery(request.url ?? '', options.setup())
    return options.serve(request, response)
  }
  if (path === ROUTES.code_verification) {
    // A code in the address would be filled in by a link that somebody else has sent (RFC 8628 §5.4).
    if (request.method === 'GET') request.url = path
    else if (!(await options.mayTry(address))) return send(response, tooManyCodes())
    else if (request.method === 'POST' && !options.isKnownBrowser(request))
      return send(response, forged())
  }
  if (path === ROUTES.registration && request.method === 'OPTIONS') {
    return send(response, { status: 204, headers: corsFor(request, options.setup()), body: '' })
  }
  if (request.method !== 'POST' || !FORM_PATHS.has(path)) return options.serve(request, response)
  return await serveForm(arrival, options)
}

/** A client's own registration, followed by its id (RFC 7592). */
const CLIENT_PATH = `${ROUTES.registration}/`

const EXACT_PATHS: ReadonlySet<string> = new Set([...Object.values(ROUTES), ...METADATA_PATHS])

const PATHS_WITH_ID = [CLIENT_PATH, `${ROUTES.authorization}/`, `${ROUTES.code_verification}/`]

/**
 * Whether an address is one that `oidc-provider` may see. It takes other capitals and a slash at the end
 * for the same address, which would pass by what is decided here.
 */
function isServed(path: string): boolean {
  const base = path.slice(0, path.lastIndexOf('/') + 1)
  const hasId = PATHS_WITH_ID.includes(base) && PAGE_ID.test(path.slice(base.length))
  return hasId || EXACT_PATHS.has(path)
}

/** Endpoints that take forms. */
const FORM_PATHS: ReadonlySet<string> = new Set([
  ROUTES.token,
  ROUTES.revocation,
  ROUTES.introspection,
  ROUTES.pushed_authorization_request,
  ROUTES.device_authorization,
])

async function serveForm(arrival: Arrival, options: FrontOptions): Promise<void> {
  const { request, response, path, address } = arrival
  if (options.isGuessing(address)) return refuse(arrival, options, slowDown())
  const { serve, presented, setup } = options
  if (!isType(request, 'application/x-www-form-urlencoded')) return serve(request, response)
  const body = await readBody(request)
  if (body === undefined) return tooLarge(arrival, options)
  const form = new URLSearchParams(body)
  const token = form.getAll('token')
  const asksAboutToken = path === ROUTES.revocation || path === ROUTES.introspection
  inHeader(request, form, setup())
  if (asksAboutToken && token.length === 1 && token[0]?.includes('.') === true) {
    return await presented.present(token[0], (id) => {
      form.set('token', id)
      serve(withBody(request, form.toString()), response)
    })
  }
  if (path === ROUTES.token && form.get('grant_type') === JWT_BEARER) {
    return await takeAssertion(arrival, form, options)
  }
  const isCompleted =
    path === ROUTES.token ? form.get('grant_type') === 'client_credentials' : !asksAboutToken
  const sent = isCompleted ? completeParameters(form, setup()) : form
  return serve(withBody(request, sent.toString()), response)
}

/** Whoever an assertion speaks for is known before `oidc-provider` asks for the client. */
async function takeAssertion(
  arrival: Arrival,
  form: URLSearchParams,
  options: FrontOptions,
): Promise<void> {
  const { request, response } = arrival
  const arriving = await options.jwtBearer.arrive(form, request)
  if (!arriving.ok) {
    const { error, description, detail } = arriving
    const status = error === 'temporarily_unavailable' ? 503 : 400
    return refuse(arrival, options, oauthError(status, error, description), detail)
  }
  if (arriving.client !== undefined) form.set('client_id', arriving.client)
  arriving.run(() => options.serve(withBody(request, form.toString()), response))
}

/**
 * A client of the configuration may send its secret in the body as well as in the header (RFC 6749 §2.3.1);
 * `oidc-provider` wants to know beforehand which.
 */
function inHeader({ headers }: IncomingMessage, form: URLSearchParams, { clients }: Setup): void {
  const [id, secret] = [form.get('client_id') ?? '', form.get('client_secret')]
  if (secret === null || headers.authorization !== undefined) return
  if (clients.get(id)?.auth.kind !== 'secret') return
  const pair = `${encodeURIComponent(id)}:${encodeURIComponent(secret)}`
  headers.authorization = `Basic ${Buffer.from(pair).toString('base64')}`
  form.delete('client_secret')
}

/** An identity provider ends sessions. Whoever only tries is kept from making us check signatures for ever. */
async function logOut(arrival: Arrival, options: FrontOptions): Promise<void> {
  const { request, response, path, address } = arrival
  if (options.isGuessing(address)) return refuse(arrival, options, slowDown())
  const isForm = isType(request, 'application/x-www-form-urlencoded')
  const body = isForm ? await readBody(request) : undefined
  const form = body === undefined ? undefined : new URLSearchParams(body)
  const answer = await options.backChannel(path.slice(BACK_CHANNEL_PATH.length), form)
  if (answer.status !== 200) options.onRefused('backchannel_logout', 'invalid_token', address)
  send(response, answer)
}

async function register(arrival: Arrival, options: FrontOptions): Promise<void> {
  const { request, response, address } = arrival
  if (options.isGuessing(address)) return refuse(arrival, options, slowDown())
  if (!isType(request, 'application/json')) {
    return refuse(arrival, options, oauthError(400, 'invalid_client_metadata', 'send JSON'))
  }
  const body = await readBody(request)
  if (body === undefined) return tooLarge(arrival, options)
  const authorization = headerOf(request, 'authorization')
  const judged = await judgeRegistration({ authorization, body, address }, options.registration)
  if (!judged.ok) return refuse(arrival, options, judged.answer)
  const registering = withBody(request, judged.body)
  // It was a registration token of ours, which `oidc-provider` has no use for.
  delete registering.headers.authorization
  const cors = corsFor(request, options.setup())
  for (let at = 0; at + 1 < cors.length; at += 2)
    response.setHeader(cors[at] ?? '', cors[at + 1] ?? '')
  options.clients.register(judged.newcomer, () => options.serve(registering, response))
}

function slowDown(): PageAnswer {
  const description = 'too much was refused from here; try again in a few seconds'
  return oauthError(429, 'temporarily_unavailable', description, ['retry-after', '5'])
}

/** A client changes what it said of itself: it is held to the same as when it registered (RFC 7592 §2.2). */
async function changeClient(arrival: Arrival, options: FrontOptions): Promise<void> {
  const { request, response, path } = arrival
  if (!isType(request, 'application/json')) {
    return refuse(arrival, options, oauthError(400, 'invalid_client_metadata', 'send JSON'))
  }
  const body = await readBody(request)
  if (body === undefined) return tooLarge(arrival, options)
  const id = path.slice(CLIENT_PATH.length)
  const judged = await judgeUpdate({ id, body }, options.registration)
  if (!judged.ok) return refuse(arrival, options, judged.answer)
  return options.serve(withBody(request, judged.body), response)
}

function tooLarge(arrival: Arrival, options: FrontOptions): void {
  arrival.response.shouldKeepAlive = false
  refuse(arrival, options, oauthError(413, 'invalid_request', 'the body is too large'))
}

function refuse(
  { response, path, address }: Arrival,
  options: FrontOptions,
  answer: PageAnswer,
  detail?: string,
): void {
  const { error }: { error?: unknown } = JSON.parse(answer.body)
  const endpoint = path.startsWith(ROUTES.registration) ? 'registration' : 'form'
  options.onRefused(endpoint, String(error), address, detail)
  send(response, answer)
}

/** Whether the one `Host` is ours: whatever the provider says of itself must not come from elsewhere. */
function isForUs({ headers, rawHeaders }: IncomingMessage, issuer: string): boolean {
  const hosts = rawHeaders.filter((name, at) => at % 2 === 0 && name.toLowerCase() === 'host')
  const { host, hostname, port } = new URL(issuer)
  const asked = headers.host?.toLowerCase() ?? ''
  if (hosts.length !== 1) return false
  if (asked === host) return true
  if (!isLoopback(hostname) || !URL.canParse(`http://${asked}`)) return false
  const other = new URL(`http://${asked}`)
  return isLoopback(other.hostname) && other.port === port
}

/** Makes every address the provider builds ours (host header injection). */
function sayWhereWeAre({ headers }: IncomingMessage, issuer: string, address: string): void {
  const { host, protocol } = new URL(issuer)
  for (const name of FORWARDED) delete headers[name]
  headers.host = host
  headers['x-forwarded-host'] = host
  headers['x-forwarded-proto'] = protocol.slice(0, -1)
  headers['x-forwarded-for'] = address
}

function completeQuery(target: string, setup: Setup): string {
  const at = target.indexOf('?')
  if (at === -1) return target
  const query = completeParameters(new URLSearchParams(target.slice(at + 1)), setup)
  return `${target.slice(0, at)}?${query.toString()}`
}

function isType(request: IncomingMessage, type: string): boolean {
  const [sent = ''] = (headerOf(request, 'content-type') ?? '').split(';', 1)
  return sent.trim().toLowerCase() === type
}

/** Browser clients may register from the origins the operator listed. */
function corsFor(request: IncomingMessage, { allowedOrigins }: Setup): readonly string[] {
  const origin = headerOf(request, 'origin')
  if (origin === undefined || !allowedOrigins.includes(origin)) return []
  return [
    'access-control-allow-origin',
    origin,
    'access-control-allow-methods',
    'POST',
    'access-control-allow-headers',
    'content-type, authorization, mcp-protocol-version',
    'vary',
    'origin',
  ]
}

function tooManyCodes(): PageAnswer {
  return problemPage({
    status: 429,
    title: 'Too many codes were tried from here',
    text: 'Nothing is looked at for a while.',
    advice: 'Wait a quarter of an hour, then try again.',
  })
}

/** The page for a fault of ours. */
export function faultPage(): PageAnswer {
  return problemPage({
    status: 500,
    title: 'Something went wrong',
    text: 'The gateway could not answer. Its log says why.',
    advice: 'Try again in a minute.',
  })
}

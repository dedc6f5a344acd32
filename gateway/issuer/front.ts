/**
 * What stands before `oidc-provider`: nothing of a request reaches it that could change what it says of
 * itself, bodies are read and bounded here, and what clients leave out is filled in. Registration,
 * pages and what is asked about JWTs are ours.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'

import { isLoopback } from '../model/loopback.ts'
import type { Arrival } from './arrival.ts'
import { isType, refuse, slowDown, tooLarge } from './arrival.ts'
import type { BackChannel } from './back-channel.ts'
import type { DeviceCodes } from './device-codes.ts'
import { tooManyCodes } from './device-codes.ts'
import type { OauthClients } from './client-book.ts'
import type { FormOptions } from './forms.ts'
import { FORM_PATHS, serveForm } from './forms.ts'
import { headerOf, oauthError, readBody, send, withBody } from './http.ts'
import type { createInteractions } from './interactions.ts'
import { forged, notYours } from './ask.ts'
import { findLogo, sendLogo } from './logos.ts'
import { isBeginning, tooFast } from './pace.ts'
import { refuseHead } from './check-head.ts'
import { completeParameters } from './parameters.ts'
import type { createPersonPages } from './person-pages.ts'
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
import { createTurns } from './turns.ts'

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

export type FrontOptions = FormOptions & {
  readonly pages: ReturnType<typeof createInteractions>
  readonly signOn: Pick<SignOn, 'arrive'>
  readonly backChannel: BackChannel
  readonly personPages: ReturnType<typeof createPersonPages>
  readonly clients: Pick<OauthClients, 'register'>
  readonly registration: RegistrationOptions
  /** Whether one more authorization may be begun from here. */
  readonly mayBegin: (address: string) => Promise<boolean>
  readonly deviceCodes: DeviceCodes
  /** Whether a page of `oidc-provider` was shown in this browser, to which its forms are tied. */
  readonly isKnownBrowser: (request: IncomingMessage) => boolean
}

/** Makes the function that serves one request to its end. It never rejects for what a client sends. */
export function createFront(options: FrontOptions) {
  const turn = createTurns()
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
    const refused = refuseHead(request)
    if (refused !== undefined) {
      response.shouldKeepAlive = false
      return send(response, refused)
    }
    if (target.length > MAX_TARGET_CHARS) {
      return send(response, oauthError(414, 'invalid_request', 'the address is too long'))
    }
    sayWhereWeAre(request, issuer, address)
    await turn()
    const path = target.split('?', 1)[0] ?? ''
    const arrival = { request, response, path, address }
    try {
      await route(arrival, options)
    } catch (error) {
      // A body that breaks off leaves nobody to answer; one that was read to its end is destroyed as well.
      if (response.headersSent || (request.destroyed && !request.complete)) response.destroy()
      else throw error
    }
  }
}

async function route(arrival: Arrival, options: FrontOptions): Promise<void> {
  const { request, response, path, address } = arrival
  const taken = await options.quotas.fromNetwork(address)
  if (!taken.ok) {
    if (options.quotas.isNews(address)) {
      options.onRefused('any', 'temporarily_unavailable', address, 'limits.network')
    }
    return send(response, tooFast(path, taken.retryAfterSeconds))
  }
  if (isBeginning(request.method, path) && !(await options.mayBegin(address))) {
    options.onRefused('authorization', 'temporarily_unavailable', address)
    return send(response, tooFast(path, 60))
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
  if (path.startsWith(CLIENT_PATH)) {
    // Each is opened with a token, which somebody may be guessing at.
    if (options.isGuessing(address)) return refuse(arrival, options, slowDown())
    if (request.method === 'PUT') return await changeClient(arrival, options)
  }
  if (path === ROUTES.authorization && request.method === 'GET') {
    request.url = completeQuery(request.url ?? '', options.setup())
    return options.serve(request, response)
  }
  if (path === ROUTES.code_verification) {
    // A code in the address would be filled in by a link that somebody else has sent (RFC 8628 §5.4).
    if (request.method === 'GET') request.url = path
    else if (!(await options.deviceCodes.mayTry(address, response)))
      return send(response, tooManyCodes())
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

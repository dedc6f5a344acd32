/** Forms that clients send: what is asked of tokens is ours, and what clients leave out is filled in. */
import type { IncomingMessage, ServerResponse } from 'node:http'

import type { Arrival, OnRefused } from './arrival.ts'
import { isType, refuse, slowDown, tooLarge } from './arrival.ts'
import { oauthError, readBody, withBody } from './http.ts'
import type { JwtBearer } from './jwt-bearer.ts'
import { JWT_BEARER } from './jwt-bearer-names.ts'
import { completeParameters } from './parameters.ts'
import type { PresentedTokens } from './presented-token.ts'
import type { Quotas } from './quotas.ts'
import { namedClient } from './quotas.ts'
import { ROUTES } from './routes.ts'
import type { Setup } from './setup.ts'

export type FormOptions = {
  readonly setup: () => Setup
  /** The provider in force. */
  readonly serve: (request: IncomingMessage, response: ServerResponse) => void
  readonly presented: PresentedTokens
  readonly jwtBearer: Pick<JwtBearer, 'arrive'>
  readonly quotas: Quotas
  /** Whether so much was refused from here lately that it must be guessing; successes are free. */
  readonly isGuessing: (address: string) => boolean
  readonly onRefused: OnRefused
}

/** Endpoints that take forms. */
export const FORM_PATHS: ReadonlySet<string> = new Set([
  ROUTES.token,
  ROUTES.revocation,
  ROUTES.introspection,
  ROUTES.pushed_authorization_request,
  ROUTES.device_authorization,
])

/** Serves one of them to its end. */
export async function serveForm(arrival: Arrival, options: FormOptions): Promise<void> {
  const { request, response, path, address } = arrival
  if (options.isGuessing(address)) return refuse(arrival, options, slowDown())
  const { serve, presented, setup } = options
  if (!isType(request, 'application/x-www-form-urlencoded')) return serve(request, response)
  const body = await readBody(request)
  if (body === undefined) return tooLarge(arrival, options)
  const form = new URLSearchParams(body)
  const token = form.getAll('token')
  const asksAboutToken = path === ROUTES.revocation || path === ROUTES.introspection
  if (asksAboutToken && token.length === 1 && token[0]?.includes('.') === true) {
    return await presented.present(token[0], (id) => {
      form.set('token', id)
      serve(withBody(request, form.toString()), response)
    })
  }
  if (path === ROUTES.token && form.get('grant_type') === JWT_BEARER) {
    return await takeAssertion(arrival, form, options)
  }
  if (path === ROUTES.token && !(await isWithinQuota(arrival, form, options))) return
  const isCompleted =
    path === ROUTES.token ? form.get('grant_type') === 'client_credentials' : !asksAboutToken
  const sent = isCompleted ? completeParameters(form, setup()) : form
  return serve(withBody(request, sent.toString()), response)
}

/**
 * Whether the client may have one more token; else it has been answered. Who it is comes out later, so whatever
 * ends in no token costs the client that was named nothing.
 */
async function isWithinQuota(
  arrival: Arrival,
  form: URLSearchParams,
  options: FormOptions,
): Promise<boolean> {
  const { request, response } = arrival
  const client = namedClient(request, form)
  if (client === undefined) return true
  const taken = await options.quotas.ofClient(client)
  if (taken.ok) {
    response.once('close', () => {
      if (response.statusCode !== 200) taken.giveBack()
    })
    return true
  }
  const description = 'this client gets tokens too fast; try again later'
  const wait = ['retry-after', String(taken.retryAfterSeconds)]
  refuse(
    arrival,
    options,
    oauthError(429, 'temporarily_unavailable', description, wait),
    'limits.client',
  )
  return false
}

/** Whoever an assertion speaks for is known before `oidc-provider` asks for the client. */
async function takeAssertion(
  arrival: Arrival,
  form: URLSearchParams,
  options: FormOptions,
): Promise<void> {
  const { request, response } = arrival
  const arriving = await options.jwtBearer.arrive(form, request)
  if (!arriving.ok) {
    const { error, description, detail } = arriving
    const status = error === 'temporarily_unavailable' ? 503 : 400
    return refuse(arrival, options, oauthError(status, error, description), detail)
  }
  if (arriving.client !== undefined) form.set('client_id', arriving.client)
  if (!(await isWithinQuota(arrival, form, options))) return
  arriving.run(() => options.serve(withBody(request, form.toString()), response))
}

/** A request that has arrived at the authorization server, and how it is refused. */
import type { IncomingMessage, ServerResponse } from 'node:http'

import type { PageAnswer } from '../pages/page.ts'
import { headerOf, oauthError, send } from './http.ts'
import { ROUTES } from './routes.ts'

export type Arrival = {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly path: string
  readonly address: string
}

/** Hears of refusals; `detail` is for records alone. */
export type OnRefused = (endpoint: string, error: string, address: string, detail?: string) => void

/** Answers with an error as JSON, and reports it. */
export function refuse(
  { response, path, address }: Arrival,
  { onRefused }: { readonly onRefused: OnRefused },
  answer: PageAnswer,
  detail?: string,
): void {
  const { error }: { error?: unknown } = JSON.parse(answer.body)
  const endpoint = path.startsWith(ROUTES.registration) ? 'registration' : 'form'
  onRefused(endpoint, String(error), address, detail)
  send(response, answer)
}

/** Refuses a body of more than is read, with its connection: the rest is still coming. */
export function tooLarge(arrival: Arrival, options: { readonly onRefused: OnRefused }): void {
  arrival.response.shouldKeepAlive = false
  refuse(arrival, options, oauthError(413, 'invalid_request', 'the body is too large'))
}

/** The answer to whoever was refused too often of late. */
export function slowDown(): PageAnswer {
  const description = 'too much was refused from here; try again in a few seconds'
  return oauthError(429, 'temporarily_unavailable', description, ['retry-after', '5'])
}

/** Whether the body is said to be of this media type. */
export function isType(request: IncomingMessage, type: string): boolean {
  const [sent = ''] = (headerOf(request, 'content-type') ?? '').split(';', 1)
  return sent.trim().toLowerCase() === type
}

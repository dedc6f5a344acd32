/** What is answered where it is no fault of whoever asks: the store is away, or something is broken here. */
import type { KoaContextWithOIDC, Provider } from 'oidc-provider'

import type { PageAnswer } from '../pages/page.ts'
import { problemPage } from './error-page.ts'
import { oauthError } from './http.ts'
import { isForPeople } from './pace.ts'
import { waitPage } from './wait-page.ts'

/** How long whoever asks is told to wait for the store, in seconds. */
const STORE_WAIT_SECONDS = 5

/**
 * The answer to a request at this path that ended in this error. It tells nothing of it but whether to come
 * back: a client takes 503 for a pause, and 500 for the end.
 */
export function faultAnswer(path: string, error: unknown): PageAnswer {
  // Another room's class; none of ours has this name.
  const isStore = error instanceof Error && error.name === 'StoreError'
  if (isStore) {
    if (!isForPeople(path)) {
      const wait = ['retry-after', String(STORE_WAIT_SECONDS)]
      return oauthError(503, 'temporarily_unavailable', 'try again in a few seconds', wait)
    }
    return waitPage({
      status: 503,
      title: 'This cannot be done right now',
      text: 'The gateway cannot look up what it needs. Nothing was allowed and nothing was changed.',
      next: 'try again',
      retryAfterSeconds: STORE_WAIT_SECONDS,
    })
  }
  if (!isForPeople(path)) {
    return oauthError(500, 'server_error', 'the gateway could not answer; its log says why')
  }
  return problemPage({
    status: 500,
    title: 'Something went wrong',
    text: 'The gateway could not answer.',
    advice:
      'Try again in a minute. If it stays so, tell whoever runs the gateway: its log says why.',
  })
}

/** Has `oidc-provider` answer with it too; what it tells a client by a redirect stays as it is. */
export function tellFaults(provider: Provider): void {
  const faults = new WeakMap<object, Error>()
  provider.on('server_error', (context: KoaContextWithOIDC, error: Error) => {
    faults.set(context, error)
  })
  provider.use(async (context, next) => {
    await next()
    const error = faults.get(context)
    if (error === undefined || context.status < 500) return
    const { status, headers, body } = faultAnswer(context.path, error)
    context.status = status
    for (let at = 0; at + 1 < headers.length; at += 2) {
      context.set(headers[at] ?? '', headers[at + 1] ?? '')
    }
    context.body = body
  })
}

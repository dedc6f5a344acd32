/**
 * How much may be begun from one place. Whoever begins to sign in is nobody yet and makes the gateway keep
 * rows for an hour, in a store that sessions and revocations need too.
 */
import { networkOf } from '../model/network-of.ts'
import type { Store } from '../model/store.ts'
import type { PageAnswer } from '../pages/page.ts'
import { oauthError } from './http.ts'
import { ACCESS_PATH, CALLBACK_PATH, PAGES_PATH, ROUTES, SIGN_IN_PATH, WAY } from './routes.ts'
import { waitPage } from './wait-page.ts'

/**
 * Authorizations, devices and sign-ins begun per minute from one network: ten a second, many for an
 * office behind one address, and after an hour under half of what a memory store holds.
 */
export const MAX_BEGUN = 600

const MINUTE_MS = 60_000

/** Makes the function that counts one more beginning; false for one too many. */
export function createPace(options: {
  readonly store: Pick<Store, 'count'>
  /** Epoch milliseconds. */
  readonly now: () => number
}) {
  return async (address: string): Promise<boolean> => {
    const minute = Math.floor(options.now() / MINUTE_MS)
    const key = `begun/${networkOf(address)}/${minute}`
    return (await options.store.count(key, 1, 2 * MINUTE_MS)) <= MAX_BEGUN
  }
}

/** Whether a request makes us keep something for somebody who is not known. */
export function isBeginning(method: string | undefined, path: string): boolean {
  if (path === ROUTES.authorization || path.includes(WAY)) return true
  return method === 'GET' ? path === ROUTES.code_verification : FORMS.includes(path)
}

const FORMS: readonly string[] = [ROUTES.pushed_authorization_request, ROUTES.device_authorization]

/** Addresses that people open; what is asked at others is asked by programs. */
const PAGES: readonly string[] = [
  ROUTES.authorization,
  ROUTES.code_verification,
  PAGES_PATH.slice(0, -1),
  CALLBACK_PATH.slice(0, -1),
  SIGN_IN_PATH,
  ACCESS_PATH,
]

/** Whether what is at this path is opened by people, in a browser. */
export function isForPeople(path: string): boolean {
  return PAGES.some((page) => path === page || path.startsWith(`${page}/`))
}

/** The answer to whoever asks for too much: JSON to a client, a page to a person. */
export function tooFast(path: string, retryAfterSeconds: number): PageAnswer {
  if (!isForPeople(path)) {
    const wait = ['retry-after', String(retryAfterSeconds)]
    return oauthError(429, 'temporarily_unavailable', 'too much is asked for from here', wait)
  }
  return waitPage({
    status: 429,
    title: 'Too many requests from your network',
    text: 'You, or somebody on the same network, asked for too much in a short time. Nothing was allowed and nothing was changed.',
    next: 'start again in the application',
    retryAfterSeconds,
  })
}

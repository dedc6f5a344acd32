/** What services make of RFC 6749, put right: requests in the body format they want, answers as specified. */
import type { Provider } from '../model/provider.ts'

/** In what the token endpoint of a service departs from the specification. */
export type Quirks = Pick<Provider, 'bodyFormat' | 'tokenPath' | 'okField' | 'scopeSeparator'>

/** A body as the service wants it, with its type; undefined for the form of the specification. */
export function requestBody(
  form: URLSearchParams,
  { bodyFormat }: Quirks,
): { readonly text: string; readonly type: string } | undefined {
  if (bodyFormat === 'form') return undefined
  return { text: JSON.stringify(Object.fromEntries(form)), type: 'application/json' }
}

/**
 * An answer as RFC 6749 §5 has it: errors have an error status, tokens stand at the top, their type is one
 * that is known, lives are numbers and scopes stand apart by blanks.
 */
export async function asSpecified(response: Response, quirks: Quirks): Promise<Response> {
  const body = await readObject(response)
  if (body === undefined) return response
  const { status, headers } = response
  const isFailure =
    (quirks.okField !== undefined && body[quirks.okField] !== true) ||
    (typeof body['error'] === 'string' && status < 400)
  if (isFailure) return answer({ error: codeOf(body) }, 400, headers)
  if (status >= 400) return answer({ error: codeOf(body) }, status, headers)
  const tokens = { ...body, ...memberAt(body, quirks.tokenPath) }
  return answer(
    {
      ...tokens,
      // An ID token is not checked here, so it must not be believed either.
      id_token: undefined,
      token_type: tokenType(tokens['token_type']),
      expires_in: numberOf(tokens['expires_in']),
      scope: scopeText(tokens['scope'], quirks.scopeSeparator),
    },
    status,
    headers,
  )
}

/** The text at a path of an answer; empty where there is none. */
export function textAt(body: Readonly<Record<string, unknown>>, path: readonly string[]): string {
  const [last = '', ...before] = path.toReversed()
  const value = path.length === 0 ? undefined : memberAt(body, before.toReversed())[last]
  return typeof value === 'string' ? value : ''
}

function memberAt(
  body: Readonly<Record<string, unknown>>,
  path: readonly string[],
): Readonly<Record<string, unknown>> {
  let at: unknown = body
  for (const name of path) at = isRecord(at) ? at[name] : undefined
  return isRecord(at) ? at : {}
}

/** Errors of HTTP APIs stand in different places; what is no code is none. */
function codeOf(body: Readonly<Record<string, unknown>>): string {
  const { error } = body
  return typeof error === 'string' && error !== '' ? error : 'unknown_error'
}

/** Types that mean something; what else services write (Slack: `user`) they take as bearer tokens. */
const REAL_TYPES = new Set(['bearer', 'dpop', 'mac', 'n_a', 'pop'])

function tokenType(written: unknown): string {
  const type = typeof written === 'string' ? written.toLowerCase() : ''
  return REAL_TYPES.has(type) ? type : 'bearer'
}

function numberOf(written: unknown): number | undefined {
  const seconds = Number(written ?? Number.NaN)
  return Number.isFinite(seconds) && seconds > 0 ? seconds : undefined
}

function scopeText(written: unknown, separator: string): string | undefined {
  if (typeof written !== 'string') return undefined
  return separator === ' ' ? written : written.split(separator).join(' ')
}

function answer(body: object, status: number, headers: Headers): Response {
  const kept = new Headers(headers)
  kept.set('content-type', 'application/json')
  kept.delete('content-length')
  // A challenge would be read instead of the error.
  kept.delete('www-authenticate')
  return new Response(JSON.stringify(body), { status, headers: kept })
}

async function readObject(
  response: Response,
): Promise<Readonly<Record<string, unknown>> | undefined> {
  try {
    const body: unknown = await response.clone().json()
    return isRecord(body) ? body : undefined
  } catch {
    return undefined
  }
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The client side of the admin API, for every verb that asks a running gateway for something. */
import { readFile } from 'node:fs/promises'
import type { Io } from './io.ts'
import { readArgs } from './usage.ts'

/** Where the ops port listens unless configured otherwise. */
const DEFAULT_OPS_URL = 'http://127.0.0.1:9787'

/** Milliseconds until an answer is given up; a reload of many large policies takes a second. */
const ANSWER_TIMEOUT_MS = 30_000

/** Characters of the name sent as `X-Gatehouse-Actor`. */
const MAX_ACTOR_CHARS = 64

/** Options of every verb that is a client, for `util.parseArgs`. */
export const ADMIN_OPTIONS = {
  ops: { type: 'string' },
  'token-file': { type: 'string' },
} as const

/** Their help, to be put at the end of a verb's. */
export const ADMIN_USAGE = `  --ops URL          ops port of the gateway; default: GATEHOUSE_OPS_URL, else ${DEFAULT_OPS_URL}
  --token-file FILE  file with the admin token; default: the token in GATEHOUSE_ADMIN_TOKEN

The name in USER is recorded with the action, as claimed.`

/** Values of `ADMIN_OPTIONS`. */
export type AdminValues = { readonly ops?: string; readonly 'token-file'?: string }

/** Asks one thing and resolves with the fields of the answer. Rejects with an `AdminError`. */
export type AskAdmin = (
  method: 'GET' | 'POST' | 'DELETE',
  path: string,
  body?: Readonly<Record<string, string | number>>,
) => Promise<Readonly<Record<string, unknown>>>

/** Why the gateway did not do what was asked, in words for the operator. Never holds the token. */
export class AdminError extends Error {
  override readonly name = 'AdminError'
}

/**
 * Runs what a verb does with the admin API. Resolves with the exit code: what `verb` returns, or 1
 * with the reason printed when the gateway cannot be asked or refuses.
 */
export async function withAdmin(
  options: {
    readonly values: AdminValues
    readonly io: Io
    readonly fetch: typeof globalThis.fetch
  },
  verb: (ask: AskAdmin) => Promise<number>,
): Promise<number> {
  const { values, io, fetch } = options
  try {
    const base = readOpsUrl(values.ops ?? io.env['GATEHOUSE_OPS_URL'] ?? DEFAULT_OPS_URL)
    const token = await readToken(values['token-file'], io.env['GATEHOUSE_ADMIN_TOKEN'])
    const headers = { authorization: `Bearer ${token}`, ...actorHeader(io.env) }
    return await verb((method, path, body) =>
      ask({ url: new URL(path, base), method, headers, body, fetch }),
    )
  } catch (error) {
    if (!(error instanceof AdminError)) throw error
    io.err(error.message)
    return 1
  }
}

/**
 * Runs a verb that has no options but those of the admin API; resolves with 0 where they ask for help, else as
 * `withAdmin`.
 */
export async function runAdminVerb(
  options: {
    readonly args: readonly string[]
    readonly usage: string
    readonly io: Io
    readonly fetch: typeof globalThis.fetch
  },
  verb: (ask: AskAdmin) => Promise<number>,
): Promise<number> {
  const { args, usage, io, fetch } = options
  const given = readArgs(args, { usage, options: ADMIN_OPTIONS }, io)
  return given === undefined ? 0 : await withAdmin({ values: given.values, io, fetch }, verb)
}

async function ask(options: {
  readonly url: URL
  readonly method: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: Readonly<Record<string, string | number>> | undefined
  readonly fetch: typeof globalThis.fetch
}): Promise<Readonly<Record<string, unknown>>> {
  const { url, method, headers, body, fetch } = options
  const content =
    body === undefined
      ? { headers }
      : { headers: { ...headers, 'content-type': 'application/json' }, body: JSON.stringify(body) }
  // The token goes to the address that was named and nowhere else.
  const signal = AbortSignal.timeout(ANSWER_TIMEOUT_MS)
  let status: number
  let text: string
  try {
    const response = await fetch(url, { method, ...content, redirect: 'error', signal })
    status = response.status
    text = await response.text()
  } catch (error) {
    throw new AdminError(`cannot reach the gateway at ${url.origin}: ${reasonOf(error)}
Is it running, and is this the address of its ops port (--ops)?`)
  }
  const fields = parseObject(text)
  if (fields === undefined) {
    throw new AdminError(`${url.origin} answers ${status}, but not like a gateway's ops port`)
  }
  if (status < 200 || status > 299) throw new AdminError(refusalText(status, fields))
  return fields
}

function readOpsUrl(text: string): URL {
  const url = URL.parse(text)
  if (url === null || (url.protocol !== 'http:' && url.protocol !== 'https:')) {
    throw new AdminError(`the ops port must be an http or https URL, not '${text}'`)
  }
  // 127.0.0.0/8, ::1 and localhost; URL has already normalised other spellings of an address.
  const isLoopback = /^(127(\.\d+){3}|\[::1\]|localhost)$/.test(url.hostname)
  if (url.protocol === 'http:' && !isLoopback) {
    const advice = 'forward the port to 127.0.0.1, or use https'
    throw new AdminError(`the admin token would go to ${url.host} unencrypted: ${advice}`)
  }
  return url
}

async function readToken(file: string | undefined, fromEnv: string | undefined): Promise<string> {
  const where = file ?? 'GATEHOUSE_ADMIN_TOKEN'
  const text = file === undefined ? fromEnv : await readTokenFile(file)
  const token = text?.trim() ?? ''
  if (token === '') {
    throw new AdminError(`no admin token: ${where} is empty or not set (see also --token-file)`)
  }
  if (!/^[\x21-\x7e]+$/.test(token)) throw new AdminError(`${where} holds more than one token`)
  return token
}

async function readTokenFile(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    throw new AdminError(`cannot read the admin token: ${reasonOf(error)}`)
  }
}

function actorHeader(env: Io['env']): Readonly<Record<string, string>> {
  const actor = (env['USER'] ?? '').replaceAll(/[^\x21-\x7e]/g, '_').slice(0, MAX_ACTOR_CHARS)
  return actor === '' ? {} : { 'x-gatehouse-actor': actor }
}

function refusalText(status: number, fields: Readonly<Record<string, unknown>>): string {
  const message = typeof fields['message'] === 'string' ? fields['message'] : 'no reason given'
  if (status === 401) return 'the gateway refused the admin token'
  if (status === 404 && message === 'not found') {
    return 'this gateway has no admin API: set ops.admin_token in its configuration'
  }
  return `the gateway refused (${status}): ${message}`
}

/** The text of an error; `fetch` hides the useful one in `cause`. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  if (error.name === 'TimeoutError') return `no answer within ${ANSWER_TIMEOUT_MS / 1000} s`
  return error.cause instanceof Error ? reasonOf(error.cause) : error.message
}

function parseObject(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? { ...value } : undefined
  } catch {
    return undefined
  }
}

/** Whether a client may register, and as what (RFC 7591 §3): who it comes with, and how many there are. */
import { hash } from 'node:crypto'

import { networkOf } from '../model/network-of.ts'
import { readJsonObject } from '../oauth/strict-json.ts'
import type { Store } from '../model/store.ts'
import type { Clients } from '../registry/clients.ts'
import type { PageAnswer } from '../pages/page.ts'
import type { Newcomer } from './client-book.ts'
import { readClientMetadata } from './client-metadata.ts'
import { standingOf } from './entitlement.ts'
import { oauthError } from './http.ts'
import type { Entitlement } from '../model/authorization-rules.ts'
import type { Setup } from './setup.ts'
import type { ReadStatement } from './software-statement.ts'
import { SELF_REGISTERED } from './setup.ts'

const MINUTE_MS = 60_000

const CHALLENGE = ['www-authenticate', 'Bearer error="invalid_token"']

export type Registration =
  | {
      readonly ok: true
      readonly newcomer: Newcomer
      /** What is registered, as JSON. */
      readonly body: string
    }
  | Refused

export type Refused = { readonly ok: false; readonly answer: PageAnswer; readonly error: string }

export type RegistrationOptions = {
  readonly setup: () => Setup
  readonly book: Pick<Clients, 'count' | 'get'>
  readonly store: Pick<Store, 'count'>
  readonly readStatement: (text: unknown) => Promise<ReadStatement>
  /** Epoch milliseconds. */
  readonly now: () => number
}

type Policy = {
  readonly token: string | undefined
  readonly entitlement: Entitlement
  readonly idleMs: number
  readonly maxClients: number
  readonly needsStatement: boolean
}

/** Judges a registration: credential, quotas, then what it says of itself. */
export async function judgeRegistration(
  request: {
    /** `Authorization`. */
    readonly authorization: string | undefined
    readonly body: string
    readonly address: string
  },
  options: RegistrationOptions,
): Promise<Registration> {
  const { registration } = options.setup()
  const policy = policyFor(request.authorization, registration)
  if (typeof policy === 'string') {
    return refused(401, 'invalid_token', policy, CHALLENGE)
  }
  if (policy.token === undefined && !(await isWithinRate(request.address, options))) {
    const description = 'too many registrations from here; try again in a minute'
    return refused(429, 'temporarily_unavailable', description, ['retry-after', '60'])
  }
  if (options.book.count(policy.token) >= policy.maxClients) {
    const description = 'no more clients are registered at the moment'
    return refused(429, 'temporarily_unavailable', description, ['retry-after', '60'])
  }
  const sent = parse(request.body)
  const said = policy.token === undefined ? await statementIn(sent, options) : undefined
  if (said?.ok === false) return refused(400, said.error, said.why)
  if (said === undefined && policy.needsStatement) {
    return refused(400, 'invalid_software_statement', 'registration needs a software statement')
  }
  const entitlement = said?.issuer ?? policy.entitlement
  const redirectHosts = policy.token === undefined ? registration.redirectHosts : undefined
  const read = readClientMetadata(overruled(sent, said), { entitlement, redirectHosts })
  if (!read.ok) return refused(400, read.error, read.why)
  const { token, idleMs } = policy
  const { address } = request
  return {
    ok: true,
    newcomer: { kind: entitlement.kind, token, statement: said?.issuer.name, address, idleMs },
    body: JSON.stringify({ ...read.metadata, software_statement: said?.text }),
  }
}

type Said = Extract<ReadStatement, { readonly ok: true }>

/** What somebody who is trusted says of the software; undefined where nobody does, or nobody is trusted. */
async function statementIn(
  sent: unknown,
  { setup, readStatement }: Pick<RegistrationOptions, 'setup' | 'readStatement'>,
): Promise<ReadStatement | undefined> {
  const text: unknown = Reflect.get(Object(sent), 'software_statement')
  if (text === undefined || setup().registration.statements.size === 0) return undefined
  return await readStatement(text)
}

/**
 * What counts of a registration: what the statement says comes before what the client says itself (RFC 7591
 * §2.3). Where codes are sent comes from the statement alone, for anybody can show a copy of it.
 */
function overruled(sent: unknown, said: Said | undefined): unknown {
  if (said === undefined) return sent
  return { ...Object(sent), redirect_uris: [], ...said.claims }
}

/** Judges what a client wants to be from now on; it may be no more than when it registered. */
export async function judgeUpdate(
  { id, body }: { readonly id: string; readonly body: string },
  options: Pick<RegistrationOptions, 'setup' | 'book' | 'readStatement'>,
): Promise<{ readonly ok: true; readonly body: string } | Refused> {
  const { setup, book } = options
  const known = await standingOf(id, setup(), book)
  if (known === undefined)
    return refused(401, 'invalid_token', 'there is no such client', CHALLENGE)
  const { standing, entitlement } = known
  const { redirectHosts } = setup().registration
  const sent = parse(body)
  const isVouchedFor = standing === 'vouched_for'
  const said = isVouchedFor ? await statementIn(sent, options) : undefined
  if (said?.ok === false) return refused(400, said.error, said.why)
  if (isVouchedFor && said?.issuer !== entitlement) {
    const description = 'it registered with a software statement of somebody else'
    return refused(400, 'invalid_software_statement', description)
  }
  const read = readClientMetadata(overruled(sent, said), {
    entitlement,
    redirectHosts: standing === 'self_registered' || isVouchedFor ? redirectHosts : undefined,
  })
  if (!read.ok) return refused(400, read.error, read.why)
  // By these it says that it means itself.
  const own = Object.fromEntries(
    ['client_id', 'client_secret'].map((name) => [name, Reflect.get(Object(sent), name)]),
  )
  return {
    ok: true,
    body: JSON.stringify({ ...own, ...read.metadata, software_statement: said?.text }),
  }
}

/** By what right it registers; a text when by none. */
function policyFor(
  authorization: string | undefined,
  { mode, tokens, idleMs, maxClients }: Setup['registration'],
): Policy | string {
  const sent = /^Bearer ([\x21-\x7e]{1,512})$/i.exec(authorization ?? '')?.[1]
  if (sent !== undefined && mode !== 'off') {
    // A hash of 256 random bits: finding it by comparing tells nothing about the token.
    const digest = hash('sha256', sent)
    for (const [name, token] of tokens) {
      if (token.sha256 !== digest) continue
      const { idleMs, maxClients } = token
      return { token: name, entitlement: token, idleMs, maxClients, needsStatement: false }
    }
  }
  if (authorization !== undefined) return 'this is no registration token'
  if (mode !== 'open' && mode !== 'statement') return 'registration needs a token'
  const needsStatement = mode === 'statement'
  return { token: undefined, entitlement: SELF_REGISTERED, idleMs, maxClients, needsStatement }
}

async function isWithinRate(address: string, options: RegistrationOptions): Promise<boolean> {
  const minute = Math.floor(options.now() / MINUTE_MS)
  const key = `registrations/${networkOf(address)}/${minute}`
  const count = await options.store.count(key, 1, 2 * MINUTE_MS)
  return count <= options.setup().registration.perMinute
}

/** Undefined for what is no object, or says something twice: whoever let it pass may have read the other one. */
function parse(text: string): unknown {
  return readJsonObject(Buffer.from(text))
}

function refused(
  status: number,
  error: string,
  description: string,
  headers?: readonly string[],
): Refused {
  return { ok: false, error, answer: oauthError(status, error, description, headers) }
}

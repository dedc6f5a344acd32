/**
 * What somebody else has signed and a client shows at the token endpoint (RFC 7523 §3): an identity provider
 * speaks for a person (ID-JAG), or a platform for a program it runs (SEP-1933). The type of the JWT tells
 * which, and each is believed from issuers of its own kind alone.
 */
import { createHash } from 'node:crypto'

import type { SignInProvider, Workload, WorkloadIssuer } from '../model/authorization-rules.ts'
import type { TokenRefusal } from '../model/event.ts'
import type { Signatory } from '../model/jwks-source.ts'
import { readClaim, readIdentifier } from '../oauth/claims.ts'
import type { UnverifiedJwt } from '../oauth/parse-jwt.ts'
import { parseJwt } from '../oauth/parse-jwt.ts'
import type { Members } from '../oauth/strict-json.ts'
import { verifyJwt } from '../oauth/verify-jwt.ts'
import { compileGlob, matchesGlob } from '../policy/glob.ts'
import type { AssertionKeys } from './assertion-keys.ts'
import { ID_JAG_TYPE } from './jwt-bearer-names.ts'
import { ROUTES } from './routes.ts'
import type { Setup } from './setup.ts'

/** What every assertion says. Times are epoch seconds. */
type Facts = {
  readonly subject: string
  /** The same for every text that says the same: whoever takes it once remembers this. */
  readonly id: string
  readonly issuedAtSeconds: number
  readonly expiresAtSeconds: number
  /** Thumbprint of the key whose holder alone may show it (RFC 9449 §6.1). */
  readonly thumbprint: string | undefined
  readonly claims: Members
}

/** One that was verified. */
export type PersonAssertion = Facts & {
  readonly kind: 'person'
  readonly provider: SignInProvider
}

/** One that was verified. */
export type WorkloadAssertion = Facts & {
  readonly kind: 'workload'
  readonly platform: WorkloadIssuer
  readonly workload: Workload
}

export type Assertion = PersonAssertion | WorkloadAssertion

/** `too_long`: it lives longer than its issuer's may. `not_accepted`: it speaks for nobody who is listed. */
export type AssertionFault = TokenRefusal | 'too_long' | 'not_accepted'

export type ReadAssertion =
  | { readonly ok: true; readonly assertion: Assertion }
  | { readonly ok: false; readonly reason: AssertionFault }

export type AssertionOptions = {
  readonly setup: Pick<Setup, 'issuer' | 'signIn' | 'workloads'>
  readonly keys: Pick<AssertionKeys, 'of'>
  readonly nowSeconds: number
}

/** Types of a JWT that say nothing about what it is for; one that says so is for something else (RFC 8725 §3.11). */
export const PLAIN_TYPES: readonly (string | undefined)[] = [undefined, 'jwt', 'jose']

/** Verifies an assertion, or says why it is not believed. Never throws for any text. */
export async function readAssertion(
  text: string,
  options: AssertionOptions,
): Promise<ReadAssertion> {
  const parsed = parseJwt(text)
  if (!parsed.ok) return parsed
  const { jwt } = parsed
  if (jwt.type === ID_JAG_TYPE) return await readPerson(jwt, options)
  if (PLAIN_TYPES.includes(jwt.type)) return await readWorkload(jwt, options)
  return no('wrong_type')
}

async function readPerson(jwt: UnverifiedJwt, options: AssertionOptions): Promise<ReadAssertion> {
  const { signIn, issuer } = options.setup
  const provider = [...signIn.values()].find(
    (one) => one.assertions !== undefined && one.issuer === jwt.claims['iss'],
  )
  if (provider?.assertions === undefined) return no('unknown_issuer')
  const signatory = { ...provider.assertions, issuer: provider.issuer }
  const read = await verify(jwt, { ...options, signatory, audiences: [issuer] })
  if (!read.ok) return read
  const { facts } = read
  // Whoever cannot tell two of them apart cannot take each once.
  if (facts.claims['jti'] === undefined) return no('bad_claim')
  return { ok: true, assertion: { ...facts, kind: 'person', provider } }
}

async function readWorkload(jwt: UnverifiedJwt, options: AssertionOptions): Promise<ReadAssertion> {
  const { workloads, issuer } = options.setup
  const platform = [...workloads.values()].find((one) => one.issuer === jwt.claims['iss'])
  if (platform === undefined) return no('unknown_issuer')
  // Of those that an audience can be, both are us: the server and the endpoint (RFC 7523 §3).
  const own = [issuer, issuer + ROUTES.token]
  const audiences = platform.audiences.length === 0 ? own : platform.audiences
  const read = await verify(jwt, { ...options, signatory: platform, audiences })
  if (!read.ok) return read
  const { facts } = read
  const workload = platform.accept.find((one) => isFor(one, facts))
  if (workload === undefined) return no('not_accepted')
  return { ok: true, assertion: { ...facts, kind: 'workload', platform, workload } }
}

type Verifying = AssertionOptions & {
  readonly signatory: Signatory & { readonly maxLifeSeconds: number }
  readonly audiences: readonly string[]
}

type Verified =
  | { readonly ok: true; readonly facts: Facts }
  | { readonly ok: false; readonly reason: AssertionFault }

async function verify(jwt: UnverifiedJwt, options: Verifying): Promise<Verified> {
  const { signatory, audiences, keys, nowSeconds } = options
  const { issuer, algorithms, maxLifeSeconds } = signatory
  const verified = await verifyJwt({
    jwt,
    rules: { issuer, algorithms, types: ['*'], allowManyAudiences: false, clientPaths: [] },
    keysFor: (keyId) => keys.of(signatory)?.keysFor(keyId),
    nowSeconds,
  })
  if (!verified.ok) return verified
  const { subject, issuedAtSeconds, expiresAtSeconds, binding, all } = verified.claims
  if (!verified.claims.audiences.every((audience) => audiences.includes(audience))) {
    return no('wrong_audience')
  }
  if (expiresAtSeconds - issuedAtSeconds > maxLifeSeconds) return no('too_long')
  // No certificate is asked for here, so nobody could prove to have it.
  if (binding !== undefined && binding.kind !== 'key') return no('bad_claim')
  const jti = readIdentifier(all, 'jti')
  if (!jti.ok) return jti
  // Not the signature: of some algorithms it has several forms, and all of them are the same assertion.
  const signed = jwt.token.slice(0, jwt.token.lastIndexOf('.'))
  const name = jti.value === undefined ? ['text', signed] : ['jti', issuer, jti.value]
  const id = createHash('sha256').update(JSON.stringify(name)).digest('base64url')
  return {
    ok: true,
    facts: {
      subject,
      id,
      issuedAtSeconds,
      expiresAtSeconds,
      thumbprint: binding?.thumbprint,
      claims: all,
    },
  }
}

function isFor(workload: Workload, { subject, claims }: Facts): boolean {
  if (!matchesGlob(compileGlob(workload.subject), subject)) return false
  return [...workload.claims].every(([path, wanted]) => readClaim(claims, path) === wanted)
}

function no(reason: AssertionFault): { readonly ok: false; readonly reason: AssertionFault } {
  return { ok: false, reason }
}

/**
 * What somebody whom the operator trusts says of a piece of software (RFC 7591 §2.3). A statement comes with
 * every copy of the software, so it is no proof of anything by itself: it fixes where codes are sent.
 */
import type { StatementIssuer } from '../model/authorization-rules.ts'
import { LEEWAY_SECONDS } from '../oauth/check-claims.ts'
import { isText } from '../oauth/claims.ts'
import { parseJwt } from '../oauth/parse-jwt.ts'
import type { Members } from '../oauth/strict-json.ts'
import { isAllowed, signatureFault } from '../oauth/verify-jwt.ts'
import { PLAIN_TYPES } from './assertion.ts'
import type { AssertionKeys } from './assertion-keys.ts'
import type { Setup } from './setup.ts'

/** RFC 7591 §3.2.2. */
type StatementError = 'invalid_software_statement' | 'unapproved_software_statement'

export type ReadStatement =
  | {
      readonly ok: true
      readonly issuer: StatementIssuer
      readonly claims: Members
      /** As it came, for the answer has to repeat it (RFC 7591 §3.2.1). */
      readonly text: string
    }
  | { readonly ok: false; readonly error: StatementError; readonly why: string }

export type StatementOptions = {
  readonly setup: Pick<Setup, 'issuer' | 'registration'>
  readonly keys: Pick<AssertionKeys, 'of'>
  readonly nowSeconds: number
}

/** Verifies a statement, or says why it does not count. Never throws for any value. */
export async function readStatement(
  text: unknown,
  { setup, keys, nowSeconds }: StatementOptions,
): Promise<ReadStatement> {
  const parsed = typeof text === 'string' ? parseJwt(text) : undefined
  if (parsed?.ok !== true) return invalid('the software statement is no signed JWT')
  const { jwt } = parsed
  const { claims } = jwt
  const issuer = [...setup.registration.statements.values()].find(
    (one) => one.issuer === claims['iss'],
  )
  if (issuer === undefined) {
    const why = 'nobody here trusts the issuer of the software statement'
    return { ok: false, error: 'unapproved_software_statement', why }
  }
  const isStatement = PLAIN_TYPES.includes(jwt.type) && isText(claims['software_id'])
  if (!isStatement) return invalid('the JWT is no software statement: it needs a software_id')
  if (!isForUs(claims, setup.issuer)) return invalid('the software statement is for somebody else')
  if (!isCurrent(claims, nowSeconds)) return invalid('the software statement has ended')
  if (!isAllowed(jwt, issuer.algorithms)) return invalid('the software statement is not signed')
  const fault = signatureFault(jwt, await keys.of(issuer)?.keysFor(jwt.keyId))
  if (fault !== undefined) return invalid('the software statement cannot be verified')
  return { ok: true, issuer, claims, text: jwt.token }
}

function invalid(why: string): ReadStatement {
  return { ok: false, error: 'invalid_software_statement', why }
}

/** It need not say whom it is for; where it does it must be us. */
function isForUs({ aud }: Members, issuer: string): boolean {
  if (aud === undefined) return true
  const audiences: readonly unknown[] = Array.isArray(aud) ? aud : [aud]
  return audiences.includes(issuer)
}

/** It need not end; where it says when, that is believed. */
function isCurrent({ exp, nbf }: Members, nowSeconds: number): boolean {
  const ends = exp === undefined || (typeof exp === 'number' && nowSeconds < exp + LEEWAY_SECONDS)
  const began = nbf === undefined || (typeof nbf === 'number' && nbf <= nowSeconds + LEEWAY_SECONDS)
  return ends && began
}

/**
 * The `WWW-Authenticate` header of the gateway as a resource server (RFC 6750 §3, OAuth 2.1 §5.3,
 * RFC 9728 §5.1, RFC 9470 §3). Always one challenge that quotes every value and begins with `Bearer`, or
 * with `DPoP` where a proof is the matter (RFC 9449 §7.1): the MCP SDKs read the header only then, and take
 * the first match per parameter.
 */
import type { StepUpTerms } from '../model/terms.ts'
import { PROOF_ALGORITHMS } from './verify-proof.ts'

/**
 * Why a challenge is sent: no credential (401), a token or a proof that is not valid here (401), a valid
 * token without the scopes the operation needs (403) or whose person has not signed in as it needs (401), a
 * malformed or doubled credential (400), or a refusal that nothing can mend (403).
 */
export type ChallengeReason =
  | 'no_credential'
  | 'invalid_token'
  | 'invalid_dpop_proof'
  | 'insufficient_scope'
  | 'insufficient_user_authentication'
  | 'invalid_request'
  | 'forbidden'

export type Challenge = {
  readonly reason: ChallengeReason
  /** Absolute URL of the protected resource metadata, from configuration and never from `Host`. */
  readonly metadataUrl: string
  /** 401: what a client should ask for first. 403: everything this operation needs, in one challenge. */
  readonly scopes?: readonly string[]
  /** How the person has to sign in, for `insufficient_user_authentication`. */
  readonly stepUp?: StepUpTerms | undefined
  /** Public text for `error_description`; cut at 200 characters. Sent only together with an error. */
  readonly description?: string
}

/** Longest `error_description`, in characters: enough for a sentence, far below any header limit. */
const MAX_DESCRIPTION_CHARS = 200

/** The `error` attribute per reason. RFC 6750 §3.1: without a credential no error code is given. */
const ERRORS: { readonly [reason in ChallengeReason]: string | undefined } = {
  no_credential: undefined,
  invalid_token: 'invalid_token',
  invalid_dpop_proof: 'invalid_dpop_proof',
  insufficient_scope: 'insufficient_scope',
  insufficient_user_authentication: 'insufficient_user_authentication',
  invalid_request: 'invalid_request',
  forbidden: undefined,
}

/**
 * Returns the value of one `WWW-Authenticate` header. Values hold only characters that RFC 6750 §3
 * allows, so neither a quote nor a line break can be injected through a scope or a text.
 */
export function challenge(asked: Challenge): string {
  const { reason, metadataUrl, scopes, description, stepUp } = asked
  const error = ERRORS[reason]
  const parameters: string[] = []
  if (error !== undefined) {
    parameters.push(`error="${error}"`)
    if (description !== undefined) {
      parameters.push(`error_description="${descriptionText(description)}"`)
    }
  }
  const scope = wantsScope(reason) ? scopeText(scopes ?? []) : ''
  if (scope !== '') parameters.push(`scope="${scope}"`)
  if (stepUp !== undefined) parameters.push(...stepUpParameters(stepUp))
  parameters.push(`resource_metadata="${uriText(metadataUrl)}"`)
  if (reason !== 'invalid_dpop_proof') return `Bearer ${parameters.join(', ')}`
  return `DPoP ${parameters.join(', ')}, algs="${PROOF_ALGORITHMS.join(' ')}"`
}

/** Scopes help only where asking for them can change the answer. */
function wantsScope(reason: ChallengeReason): boolean {
  return !['invalid_request', 'invalid_dpop_proof', 'forbidden'].includes(reason)
}

/** RFC 9470 §3; what any way of signing in meets is not mentioned. */
function stepUpParameters({ acr, maxAgeSeconds }: StepUpTerms): readonly string[] {
  const classes = scopeText(acr)
  return [
    ...(classes === '' ? [] : [`acr_values="${classes}"`]),
    ...(maxAgeSeconds === undefined ? [] : [`max_age="${maxAgeSeconds}"`]),
  ]
}

/** RFC 6749 §3.3 scope-token. A scope with another character is left out, never repaired into another. */
const SCOPE_TOKEN = /^[\x21\x23-\x5b\x5d-\x7e]+$/

function scopeText(scopes: readonly string[]): string {
  return scopes.filter((scope) => SCOPE_TOKEN.test(scope)).join(' ')
}

function descriptionText(text: string): string {
  return text.slice(0, MAX_DESCRIPTION_CHARS).replaceAll(/[^\x20\x21\x23-\x5b\x5d-\x7e]/g, '?')
}

/** The URL comes from checked configuration; percent-encoding here is the second lock. */
function uriText(uri: string): string {
  return uri.replaceAll(/[^\x21\x23-\x5b\x5d-\x7e]/gu, encodeURIComponent)
}

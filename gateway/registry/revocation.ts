/**
 * One entry of the revocation list: what it names, what may be asked for, and how long it stays.
 * Entries name verified values only (`jti`, grant, session, client, subject), never token text.
 */
import { createHash } from 'node:crypto'
import type { RevocationKind } from '../model/event.ts'

/** One entry of the revocation list. Times are whole epoch seconds. */
export type Revocation = {
  /** 24 hex digits made from kind, issuer and value: revoking the same thing again is the same entry. */
  readonly id: string
  readonly kind: RevocationKind
  /** The issuer it is limited to; undefined names the value whoever issued it. */
  readonly issuer: string | undefined
  /** The `jti` or API key prefix, grant id, session id, client or subject. */
  readonly value: string
  /** Who asked for it, for the record. */
  readonly by: string
  readonly reason: string | undefined
  readonly createdAtSeconds: number
  /** Of a subject: credentials issued before this end; undefined for every other kind. */
  readonly cutoffSeconds: number | undefined
  /** When the entry ends; undefined stays until lifted. */
  readonly expiresAtSeconds: number | undefined
}

/** What to revoke. `token` and `subject` need an issuer, because both are unique per issuer only. */
export type RevokeRequest = {
  readonly kind: RevocationKind
  readonly issuer?: string | undefined
  readonly value: string
  readonly by: string
  readonly reason?: string | undefined
  /** Life of the entry; without it the default of its kind (`defaultLifeSeconds`). */
  readonly expiresInSeconds?: number | undefined
  /** Only where fewer entries than this are in force; by default wherever there is room. */
  readonly upTo?: number | undefined
}

/**
 * Why the list did not take an entry: `contended` and `unavailable` may have stored it without
 * telling other processes; repeating the request mends that.
 */
export type RevocationProblem = 'invalid' | 'full' | 'contended' | 'unavailable' | 'unreadable'

/** A revocation that was not made, or a stored one that cannot be read. */
export class RevocationError extends Error {
  override readonly name = 'RevocationError'
  readonly code: RevocationProblem

  constructor(code: RevocationProblem, message: string, cause?: unknown) {
    super(message, { cause })
    this.code = code
  }
}

/**
 * Life of an entry about a token or a subject: the longest token life accepted (24 h, exp - iat) and
 * twice the clock leeway of 30 s. Later no token it could concern is accepted anyway.
 */
export const TOKEN_REVOCATION_SECONDS = 24 * 60 * 60 + 60

/** Characters of an issuer, and of a revoked value: longer ones are in no token we accept. */
export const MAX_NAME_CHARS = 1024

/** Characters of a reason and of the name of whoever asked. */
export const MAX_NOTE_CHARS = 256

/** Longest life that can be asked for, ten years; what should stay longer is revoked without one. */
export const MAX_LIFE_SECONDS = 10 * 365 * 24 * 60 * 60

/** The kinds, in the order of their documentation. */
export const REVOCATION_KINDS = [
  'token',
  'grant',
  'session',
  'client',
  'subject',
] as const satisfies readonly RevocationKind[]

/** What an id looks like; nothing else is looked up. */
export const REVOCATION_ID = /^[0-9a-f]{24}$/

/** The id of the entry that names this. */
export function revocationId(kind: RevocationKind, issuer: string | undefined, value: string) {
  // JSON keeps the parts apart whatever they contain.
  const named = JSON.stringify([kind, issuer ?? null, value])
  return createHash('sha256').update(named).digest('hex').slice(0, 24)
}

/** Issuers whose credentials live for longer than the longest token that is accepted. */
export type LastingIssuers = {
  /** Their credentials do not end by themselves: that of API keys. */
  readonly lasting?: readonly string[] | undefined
  /** What they gave is renewed for as long as nobody ends it: our own, whose refresh tokens go on. */
  readonly renewing?: readonly string[] | undefined
}

/**
 * Returns how long an entry stays when nobody says, in seconds; undefined is until lifted. Tokens
 * and subject cutoffs outlive every token they concern. A grant, session or client can yield new
 * tokens for as long as its issuer likes, and so can what a renewing issuer gave to a subject before
 * the cutoff; credentials of a lasting one do not end by themselves. Those entries must not either.
 */
function defaultLifeSeconds(
  { kind, issuer = '' }: RevokeRequest,
  { lasting = [], renewing = [] }: LastingIssuers,
): number | undefined {
  const ends = kind === 'token' || (kind === 'subject' && !renewing.includes(issuer))
  return ends && !lasting.includes(issuer) ? TOKEN_REVOCATION_SECONDS : undefined
}

/** Throws a `RevocationError` (`invalid`) that says which field is wrong. */
export function checkRevokeRequest(request: RevokeRequest): void {
  if (!REVOCATION_KINDS.includes(request.kind)) {
    throw new RevocationError('invalid', `kind must be one of ${REVOCATION_KINDS.join(', ')}`)
  }
  checkText('value', request.value, MAX_NAME_CHARS)
  checkText('by', request.by, MAX_NOTE_CHARS)
  if (request.reason !== undefined) checkText('reason', request.reason, MAX_NOTE_CHARS)
  if (request.issuer !== undefined) checkText('issuer', request.issuer, MAX_NAME_CHARS)
  else if (request.kind === 'token' || request.kind === 'subject') {
    throw new RevocationError('invalid', `a revoked ${request.kind} needs its issuer`)
  }
  const life = request.expiresInSeconds
  if (life !== undefined && !(Number.isInteger(life) && life >= 1 && life <= MAX_LIFE_SECONDS)) {
    const allowed = `a whole number from 1 to ${MAX_LIFE_SECONDS}`
    throw new RevocationError('invalid', `expiresInSeconds must be ${allowed}`)
  }
}

/**
 * Returns the entry a request asks for, at this time.
 *
 * @param issuers Those whose credentials outlive the longest token.
 */
export function draftRevocation(
  request: RevokeRequest,
  nowSeconds: number,
  issuers: LastingIssuers,
): Revocation {
  const { kind, issuer, value, by, reason } = request
  const life = request.expiresInSeconds ?? defaultLifeSeconds(request, issuers)
  return {
    id: revocationId(kind, issuer, value),
    kind,
    issuer,
    value,
    by,
    reason,
    createdAtSeconds: Math.floor(nowSeconds),
    // `iat` counts whole seconds: the next one, so that what was issued in this second ends too.
    cutoffSeconds: kind === 'subject' ? Math.floor(nowSeconds) + 1 : undefined,
    expiresAtSeconds: life === undefined ? undefined : Math.ceil(nowSeconds + life),
  }
}

function checkText(field: string, text: string, maxChars: number): void {
  if (text.length === 0 || text.length > maxChars) {
    throw new RevocationError('invalid', `${field} must have 1 to ${maxChars} characters`)
  }
  // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
  if (!text.isWellFormed() || /[\u0000-\u001f\u007f]/.test(text)) {
    throw new RevocationError('invalid', `${field} must not hold control characters`)
  }
}

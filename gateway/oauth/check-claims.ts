/**
 * The checks of RFC 9068 §4 that need no key: type, issuer, audience shape and times. Which audience
 * is wanted depends on the server asked for and is judged per request, not here.
 */
import type { TokenRefusal } from '../model/event.ts'
import type { Read } from './claims.ts'
import { isText, readClaim } from './claims.ts'
import type { UnverifiedJwt } from './parse-jwt.ts'
import type { Members } from './strict-json.ts'
import { isMembers } from './strict-json.ts'

/** What one issuer's tokens must look like. */
export type TokenRules = {
  /** Compared with `iss` byte for byte: no case folding, no trailing slash forgiven. */
  readonly issuer: string
  readonly algorithms: readonly string[]
  /** Accepted `typ` values, lower case without `application/`; `*` accepts any or none. */
  readonly types: readonly string[]
  readonly allowManyAudiences: boolean
  /** Paths of the client claim, the first present counts; used to recognise ID tokens. */
  readonly clientPaths: readonly string[]
}

/** The claims every access token has, and all of them. Times are epoch seconds. */
export type TokenClaims = {
  readonly issuer: string
  readonly subject: string
  readonly audiences: readonly string[]
  readonly issuedAtSeconds: number
  readonly expiresAtSeconds: number
  /** What it is bound to, whose holder must prove so; undefined for a token that anybody may use who has it. */
  readonly binding: Binding | undefined
  readonly all: Members
}

/**
 * What a token is bound to: a key with which every request is signed (RFC 9449 §6.1), or the certificate of
 * the client on the connection (RFC 8705 §3.1). SHA-256, in base64url.
 */
export type Binding = { readonly kind: 'key' | 'certificate'; readonly thumbprint: string }

export type CheckedClaims =
  | { readonly ok: true; readonly claims: TokenClaims }
  | { readonly ok: false; readonly reason: TokenRefusal }

/** How far the clocks of issuer and gateway may differ, in either direction. */
export const LEEWAY_SECONDS = 30

/** Longest token life accepted: a revocation has to be remembered for as long as this. */
export const MAX_LIFE_SECONDS = 24 * 60 * 60

/** Members of `cnf` that are understood. */
const BINDINGS: ReadonlyMap<string, Binding['kind']> = new Map([
  ['jkt', 'key'],
  ['x5t#S256', 'certificate'],
])

/** Claims that only ID tokens have (OpenID Connect Core §2 and §3.3.2.11). */
const ID_TOKEN_CLAIMS = ['nonce', 'at_hash', 'c_hash']

/** Checks everything but key, signature and the wanted audience. */
export function checkClaims(
  { claims, type }: UnverifiedJwt,
  rules: TokenRules,
  nowSeconds: number,
): CheckedClaims {
  if (claims['iss'] !== rules.issuer) return refused('unknown_issuer')
  if (!isAcceptedType(type, claims, rules)) return refused('wrong_type')
  const { exp, iat } = claims
  if (!isTime(exp) || !isTime(iat) || exp - iat > MAX_LIFE_SECONDS) return refused('bad_claim')
  return checkTrusted(claims, rules, nowSeconds)
}

/**
 * What an introspection endpoint says of an active token (RFC 7662 §2.2), held to the same rules wherever
 * it says it. Issuer and times may be missing, for who asked knows the issuer and asks again soon, and so
 * may the subject of a token that a client got for itself, which is the client (RFC 9068 §2.2). An
 * audience may not: a server takes only tokens that were issued for it.
 */
export function checkIntrospected(
  members: Members,
  rules: TokenRules,
  nowSeconds: number,
): CheckedClaims {
  const latest = nowSeconds + MAX_LIFE_SECONDS
  const { iss = rules.issuer, exp = latest, iat = 0, client_id: client, sub = client } = members
  if (iss !== rules.issuer) return refused('unknown_issuer')
  if (!isTime(exp) || exp > latest) return refused('bad_claim')
  return checkTrusted({ ...members, sub, exp, iat }, rules, nowSeconds)
}

/** What every token must say, whoever said what it is. */
function checkTrusted(claims: Members, rules: TokenRules, nowSeconds: number): CheckedClaims {
  const { sub: subject, exp, iat, nbf } = claims
  const bound = readConfirmation(claims)
  if (!bound.ok) return bound
  if (!isText(subject)) return refused('bad_claim')
  if (!isTime(exp) || !isTime(iat) || (nbf !== undefined && !isTime(nbf))) {
    return refused('bad_claim')
  }
  if (exp <= iat) return refused('bad_claim')
  if (nowSeconds >= exp + LEEWAY_SECONDS) return refused('expired')
  if (Math.max(iat, nbf ?? 0) > nowSeconds + LEEWAY_SECONDS) return refused('not_yet_valid')
  const audiences = readAudiences(claims, rules)
  if (audiences === undefined) return refused('wrong_audience')
  return {
    ok: true,
    claims: {
      issuer: rules.issuer,
      subject,
      audiences,
      issuedAtSeconds: iat,
      expiresAtSeconds: exp,
      binding: bound.value,
      all: claims,
    },
  }
}

function refused(reason: TokenRefusal): CheckedClaims {
  return { ok: false, reason }
}

/**
 * What a token is bound to (RFC 7800 §3.1). A way of proving that is not known cannot be checked, and so
 * the token must not pass as one without: only one of the two thumbprints alone is understood.
 */
function readConfirmation(claims: Members): Read<Binding | undefined> {
  if (!Object.hasOwn(claims, 'cnf')) return { ok: true, value: undefined }
  const { cnf } = claims
  if (!isMembers(cnf)) return { ok: false, reason: 'bad_claim' }
  const [[name, thumbprint] = [], ...more] = Object.entries(cnf)
  const kind = BINDINGS.get(name ?? '')
  return kind !== undefined && more.length === 0 && isText(thumbprint)
    ? { ok: true, value: { kind, thumbprint } }
    : { ok: false, reason: 'bad_claim' }
}

/**
 * `at+jwt` says by itself that this is an access token. Any other accepted type could also be an ID
 * token of the same issuer, which is meant for a client and must not open anything (RFC 9068 §5).
 */
function isAcceptedType(type: string | undefined, claims: Members, rules: TokenRules): boolean {
  const listed = type !== undefined && rules.types.includes(type)
  if (!listed && !rules.types.includes('*')) return false
  return type === 'at+jwt' || !looksLikeIdToken(claims, rules)
}

function looksLikeIdToken(claims: Members, { clientPaths }: TokenRules): boolean {
  if (ID_TOKEN_CLAIMS.some((name) => Object.hasOwn(claims, name))) return true
  const clients = clientPaths.map((path) => readClaim(claims, path))
  return listed(claims['aud']).some((audience) => clients.includes(audience))
}

function readAudiences(claims: Members, rules: TokenRules): readonly string[] | undefined {
  const audiences = listed(claims['aud'])
  if (audiences.length > 1 && !rules.allowManyAudiences) return undefined
  const texts = audiences.filter((audience) => isText(audience))
  return texts.length > 0 && texts.length === audiences.length ? texts : undefined
}

/** `aud` may be one value or an array of them (RFC 7519 §4.1.3). */
function listed(value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value
  return value === undefined ? [] : [value]
}

/** NumericDate (RFC 7519 §2): a number, fractions allowed. */
function isTime(value: unknown): value is number {
  return typeof value === 'number' && value >= 0 && value <= Number.MAX_SAFE_INTEGER
}

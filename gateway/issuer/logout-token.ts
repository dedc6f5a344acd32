/**
 * What an identity provider says when a session there has ended (OpenID Connect Back-Channel Logout 1.0
 * §2.4). It is held to what tells it from every other token the provider signs: its type, the event in
 * it, and that it has no nonce.
 */
import { LEEWAY_SECONDS, MAX_LIFE_SECONDS } from '../oauth/check-claims.ts'
import { isSignedBy, isVerifiable } from '../oauth/check-signature.ts'
import { isText, readClaim } from '../oauth/claims.ts'
import type { KeySet } from '../oauth/key-set.ts'
import { findKey } from '../oauth/key-set.ts'
import type { UnverifiedJwt } from '../oauth/parse-jwt.ts'
import { parseJwt } from '../oauth/parse-jwt.ts'
import { isMembers } from '../oauth/strict-json.ts'

/** The member of `events` that makes a token a logout token. */
const EVENT = 'http://schemas.openid.net/event/backchannel-logout'

/** §2.4 recommends the first; providers of before its errata say `JWT` or nothing. */
const TYPES: readonly (string | undefined)[] = ['logout+jwt', 'jwt', undefined]

/** What has ended: a session, everything of a person, or the one of the two that is known here. */
export type Logout = {
  /** `jti`: it counts once. */
  readonly id: string
  /** The person, by the claim the operator names people by; undefined where the token has no such claim. */
  readonly subject: string | undefined
  /** `sid`. */
  readonly session: string | undefined
  readonly expiresAtSeconds: number
}

export type ReadLogout =
  | { readonly ok: true; readonly logout: Logout }
  | { readonly ok: false; readonly why: string }

export type LogoutRules = {
  readonly issuer: string
  /** Ours at the provider: the one audience. */
  readonly clientId: string
  /** Path of the claim that people are known by. */
  readonly subjectPath: string
  /** The provider's keys; undefined when there are none to be had. */
  readonly keysFor: (keyId: string | undefined) => KeySet | undefined | Promise<KeySet | undefined>
  readonly nowSeconds: number
}

/** Reads a logout token by §2.6. Whether it is there for the first time is for others to say. Never throws. */
export async function readLogoutToken(text: string, rules: LogoutRules): Promise<ReadLogout> {
  const parsed = parseJwt(text)
  if (!parsed.ok) return refused('it is no JWT')
  const { jwt } = parsed
  const read = readClaims(jwt, rules)
  if (!read.ok) return read
  const keys = isVerifiable(jwt.algorithm) ? await rules.keysFor(jwt.keyId) : undefined
  const key = keys && findKey(keys, jwt)
  const isSigned = key !== undefined && isSignedBy(jwt.token, key.key, jwt.algorithm)
  return isSigned ? read : refused('its signature is not one of the provider')
}

/** Everything but the signature. */
function readClaims({ claims, type }: UnverifiedJwt, rules: LogoutRules): ReadLogout {
  if (!TYPES.includes(type)) return refused('typ is not logout+jwt')
  const { iss, aud, iat, exp, jti, sub, sid, events } = claims
  if (iss !== rules.issuer) return refused('iss is not the provider')
  if (aud !== rules.clientId && !isSole(aud, rules.clientId)) return refused('aud is not us alone')
  const why = timeFault(iat, exp, rules.nowSeconds)
  if (why !== undefined || typeof exp !== 'number') return refused(why ?? 'exp is no time')
  if (!isText(jti)) return refused('jti is missing')
  if (!isMembers(events) || !isMembers(readOwn(events, EVENT))) return refused('it is no logout')
  // An ID token must not pass as one, nor one that was made to look like both.
  if (Object.hasOwn(claims, 'nonce')) return refused('it has a nonce')
  if (sub !== undefined && !isText(sub)) return refused('sub is no text')
  if (sid !== undefined && !isText(sid)) return refused('sid is no text')
  const subject = readClaim(claims, rules.subjectPath)
  if (sid === undefined && !isText(subject)) return refused('it names neither session nor person')
  return {
    ok: true,
    logout: {
      id: jti,
      subject: isText(subject) ? subject : undefined,
      session: sid,
      expiresAtSeconds: exp,
    },
  }
}

function timeFault(iat: unknown, exp: unknown, nowSeconds: number): string | undefined {
  if (typeof iat !== 'number' || typeof exp !== 'number') return 'iat or exp is missing'
  if (exp <= iat || exp - iat > MAX_LIFE_SECONDS) return 'exp is not soon after iat'
  if (nowSeconds >= exp + LEEWAY_SECONDS) return 'it has expired'
  return iat > nowSeconds + LEEWAY_SECONDS ? 'it is of the future' : undefined
}

function isSole(audience: unknown, clientId: string): boolean {
  return Array.isArray(audience) && audience.length === 1 && audience[0] === clientId
}

function readOwn(members: Readonly<Record<string, unknown>>, name: string): unknown {
  return Object.hasOwn(members, name) ? members[name] : undefined
}

function refused(why: string): ReadLogout {
  return { ok: false, why }
}

/**
 * Reading single claims: strict about types, because a claim that is there but not understood must
 * never count as absent.
 */
import type { Actor } from '../model/caller.ts'
import type { Members } from './strict-json.ts'
import { isMembers } from './strict-json.ts'

/** A claim read: absent and unreadable are different answers. */
export type Read<Value> =
  | { readonly ok: true; readonly value: Value }
  | { readonly ok: false; readonly reason: 'bad_claim' }

/** Longest identifier in a claim (issuer, subject, client, token id …), in characters. */
export const MAX_IDENTIFIER_CHARS = 1024

/** Longest delegation chain; each hop is one more party that acts for the one before. */
export const MAX_ACTORS = 4

const BAD_CLAIM = { ok: false, reason: 'bad_claim' } as const

/**
 * Whether a claim is a text that may identify something: not empty, not too long, well-formed
 * Unicode, and without control characters, so it can stand in a log line and as a key.
 */
export function isText(value: unknown, maxChars: number = MAX_IDENTIFIER_CHARS): value is string {
  return (
    typeof value === 'string' &&
    value !== '' &&
    value.length <= maxChars &&
    value.isWellFormed() &&
    !/\p{Cc}/u.test(value)
  )
}

/**
 * Returns the claim at a dotted path (`realm_access.roles`), undefined when there is none. A claim
 * whose own name is the whole path wins, so that names with dots (`https://idp.example/groups`) work.
 */
export function readClaim(claims: Members, path: string): unknown {
  if (Object.hasOwn(claims, path)) return claims[path]
  let value: unknown = claims
  for (const name of path.split('.')) {
    if (!isMembers(value) || !Object.hasOwn(value, name)) return undefined
    value = value[name]
  }
  return value
}

/** Returns an optional identifier: undefined when absent, `bad_claim` when it is no such text. */
export function readIdentifier(claims: Members, path: string): Read<string | undefined> {
  const value = readClaim(claims, path)
  return value === undefined || isText(value) ? { ok: true, value } : BAD_CLAIM
}

/**
 * Returns the scopes at a path: a string is split at spaces (RFC 6749 §3.3), an array holds one scope
 * an element. Whatever is not a scope token is left out, so that no spelling can ever give more.
 */
export function readScopes(claims: Members, path: string): Read<ReadonlySet<string>> {
  const value = readClaim(claims, path)
  const list = typeof value === 'string' ? value.split(' ') : orNone(value)
  if (!isTexts(list)) return BAD_CLAIM
  return { ok: true, value: new Set(list.filter(isScopeToken)) }
}

/** Returns the groups at a path: an array of texts, or one text that is one group. */
export function readGroups(claims: Members, path: string): Read<ReadonlySet<string>> {
  const value = readClaim(claims, path)
  const list = typeof value === 'string' ? [value] : orNone(value)
  if (!isTexts(list)) return BAD_CLAIM
  return { ok: true, value: new Set(list.filter((group) => isText(group))) }
}

/**
 * Returns the delegation chain of nested `act` claims (RFC 8693 §4.1), current actor first. An actor
 * without `iss` is of the token's issuer. Refused: more than `MAX_ACTORS`, an actor without a `sub`,
 * and a party that appears twice, the subject included.
 */
export function readActors(
  claims: Members,
  self: { readonly issuer: string; readonly subject: string },
): Read<readonly Actor[]> {
  if (claims['act'] === undefined) return { ok: true, value: [] }
  const actors: Actor[] = []
  const seen = new Set([JSON.stringify([self.issuer, self.subject])])
  for (let act: unknown = claims['act']; act !== undefined;) {
    if (actors.length === MAX_ACTORS || !isMembers(act)) return BAD_CLAIM
    const { iss: issuer = self.issuer, sub: subject } = act
    if (!isText(issuer) || !isText(subject)) return BAD_CLAIM
    const key = JSON.stringify([issuer, subject])
    if (seen.has(key)) return BAD_CLAIM
    seen.add(key)
    actors.push({ issuer, subject })
    act = act['act']
  }
  return { ok: true, value: actors }
}

/** RFC 6749 §3.3: printable ASCII without space, quote and backslash. */
export function isScopeToken(text: string): boolean {
  return /^[\x21\x23-\x5b\x5d-\x7e]+$/.test(text)
}

/** Only an absent claim is none; `null` is a claim of the wrong type. */
function orNone(value: unknown): unknown {
  return value === undefined ? [] : value
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string')
}

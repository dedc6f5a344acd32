/** Mode `issue`: a short-lived token of ours that names the caller, for one server that trusts our keys. */
import { randomUUID } from 'node:crypto'

import type { Caller } from '../model/caller.ts'
import type { IssueCredential } from '../model/credential.ts'
import type { ClaimsToSign } from '../oauth/sign-jwt.ts'
import { inject, type Found } from './found.ts'

/** The share of its life that a token may have behind it when it is sent. */
const USED_SHARE = 0.8

/** Signs claims as a JWT of this type (`typ`). */
export type Sign = (claims: ClaimsToSign, type: string) => string

export type Issue = {
  /** At once: the token made before, or a new one. */
  find(caller: Caller, credential: IssueCredential): Found
  /** A new one, in place of one that was refused. */
  renew(caller: Caller, credential: IssueCredential): Found
}

type Made = { readonly found: Found; readonly untilMs: number }

/**
 * @param options.issuer Our issuer identifier.
 * @param options.now Epoch milliseconds.
 */
export function createIssue(options: {
  readonly issuer: string
  readonly sign: Sign
  readonly now: () => number
}): Issue {
  const { issuer, sign, now } = options
  const made = new WeakMap<Caller, WeakMap<IssueCredential, Made>>()
  const renew: Issue['renew'] = (caller, credential) => {
    const nowMs = now()
    const lifeSeconds = lifeOf(caller, credential, nowMs)
    const claims = claimsOf(caller, credential, { issuer, nowMs, lifeSeconds })
    const found = inject(sign(claims, 'at+jwt'), credential.place)
    let own = made.get(caller)
    if (own === undefined) made.set(caller, (own = new WeakMap()))
    own.set(credential, { found, untilMs: nowMs + lifeSeconds * 1_000 * USED_SHARE })
    return found
  }
  return {
    find(caller, credential) {
      const held = made.get(caller)?.get(credential)
      return held !== undefined && now() < held.untilMs ? held.found : renew(caller, credential)
    },
    renew,
  }
}

/** Not beyond the caller's own token. */
function lifeOf(caller: Caller, { lifeSeconds }: IssueCredential, nowMs: number): number {
  const left = Math.floor(caller.expiresAtSeconds - nowMs / 1_000)
  return Math.max(1, Math.min(lifeSeconds, left))
}

function claimsOf(
  caller: Caller,
  { audience, scopes, subject }: IssueCredential,
  at: { readonly issuer: string; readonly nowMs: number; readonly lifeSeconds: number },
): ClaimsToSign {
  const iat = Math.floor(at.nowMs / 1_000)
  return {
    iss: at.issuer,
    sub: subject === 'plain' ? caller.subject : `${caller.issuer}|${caller.subject}`,
    aud: audience,
    iat,
    exp: iat + at.lifeSeconds,
    jti: randomUUID(),
    ...(caller.client !== '' && { client_id: caller.client }),
    ...(scopes.length > 0 && { scope: scopes.join(' ') }),
    'urn:gw:kind': caller.kind,
    ...actOf(caller),
  }
}

/**
 * Who acts for the subject (RFC 8693 §4.1), the current actor outermost. An agent with a token of
 * somebody else acts as its client although its issuer wrote no `act`.
 */
export function actOf(caller: Caller): { readonly act?: object } {
  const { actors, client, issuer, kind, subject } = caller
  const isDelegated = kind === 'agent' && client !== '' && client !== subject
  const chain = actors.length === 0 && isDelegated ? [{ issuer, subject: client }] : actors
  const act = chain.reduceRight<object | undefined>(
    (inner, actor) => ({
      sub: actor.subject,
      iss: actor.issuer,
      ...(inner !== undefined && { act: inner }),
    }),
    undefined,
  )
  return act === undefined ? {} : { act }
}

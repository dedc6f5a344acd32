/**
 * Mode `exchange`: the caller's token, which was verified for this gateway, buys one that is for the
 * server alone. It is narrowed by configuration, kept until shortly before it ends, and asked for once
 * however many calls wait for it.
 */
import { randomUUID } from 'node:crypto'

import type { Caller } from '../model/caller.ts'
import type { ExchangeCredential } from '../model/credential.ts'
import type { Emit } from '../model/event.ts'
import { Refusal } from '../model/refusal.ts'
import type { AskToken, TokenAnswer, TokenRequest } from './ask-token.ts'
import { fitsHeader, inject, missing, type Found } from './found.ts'
import { actOf, type Sign } from './issue.ts'
import { createWarm, type Held } from './warm.ts'

/** A token is kept no longer than this, whatever its server says: what was withdrawn there ends here. */
const MAX_KEPT_MS = 15 * 60_000

/** The same where the server does not say how long it lives. */
const UNKNOWN_LIFE_MS = 60_000

/** A token is not sent in the last tenth of its life, nor in the last half minute of a long one. */
const SPARE = { share: 0.1, maxMs: 30_000 }

/** A refusal is not asked for again so soon; nor is a server that did not answer. */
const REFUSED_MS = 10_000
const UNAVAILABLE_MS = 1_000

/** Life of the statements we sign for an authorization server: one request. */
const STATEMENT_SECONDS = 60

const GRANT = {
  exchange: 'urn:ietf:params:oauth:grant-type:token-exchange',
  bearer: 'urn:ietf:params:oauth:grant-type:jwt-bearer',
} as const

const TOKEN_TYPE = 'urn:ietf:params:oauth:token-type:'

/** What an exchange may give us to send on (RFC 8693 §3). */
const SENDABLE: ReadonlySet<string> = new Set([`${TOKEN_TYPE}access_token`, `${TOKEN_TYPE}jwt`])

export type Bought = {
  readonly server: string
  readonly caller: Caller
  readonly credential: ExchangeCredential
  /** The caller's own token; undefined for a caller that has none. */
  readonly token: string | undefined
}

export type Exchange = {
  /** At once when it is kept already. @throws {Refusal} (or rejects with) `credential_unavailable`. */
  find(bought: Bought): Found | Promise<Found>
  /** Buys again, in place of one that the server refused. */
  renew(bought: Bought, refused: Found): Promise<Found>
}

export type ExchangeOptions = {
  readonly ask: AskToken
  readonly sign: Sign
  /** Our issuer identifier. */
  readonly issuer: string
  /** Epoch milliseconds. */
  readonly now: () => number
  readonly emit: Emit
}

export function createExchange(options: ExchangeOptions): Exchange {
  const warm = createWarm(options.now)
  return {
    find: (bought) => warm.get(bought.caller, bought.credential, () => buy(bought, options)),
    renew: (bought, refused) =>
      warm.renew(bought.caller, bought.credential, { refused, make: () => buy(bought, options) }),
  }
}

async function buy(bought: Bought, options: ExchangeOptions): Promise<Held> {
  const { caller, credential } = bought
  const nowMs = options.now()
  const why = unfitness(bought, options)
  if (why !== undefined) {
    return hold(missing(why), nowMs + REFUSED_MS, 'unfit', bought, options)
  }
  const answer = await ask(bought, options)
  if (answer.kind === 'refused') {
    const reason = 'The identity provider gives no token for this server'
    const until = nowMs + REFUSED_MS
    return hold(missing(reason), until, `refused: ${answer.code}`, bought, options)
  }
  if (answer.kind === 'unavailable') {
    const { detail } = answer
    const refusal = new Refusal('credential_unavailable', { detail: `exchange: ${detail}` })
    return hold(refusal, nowMs + UNAVAILABLE_MS, `unavailable: ${detail}`, bought, options)
  }
  const until = Math.min(keptUntil(answer, nowMs), caller.expiresAtSeconds * 1_000)
  return hold(inject(answer.accessToken, credential.place), until, undefined, bought, options)
}

function hold(
  found: Held['found'],
  untilMs: number,
  detail: string | undefined,
  { server, credential }: Bought,
  { emit }: ExchangeOptions,
): Held {
  const ok = detail === undefined
  emit({ type: 'swapped', server, mode: credential.kind, ok, ...(ok ? {} : { detail }) })
  return { found, untilMs }
}

function keptUntil(
  { expiresInSeconds }: Extract<TokenAnswer, { kind: 'token' }>,
  nowMs: number,
): number {
  const lifeMs = expiresInSeconds === undefined ? UNKNOWN_LIFE_MS : expiresInSeconds * 1_000
  const spareMs = Math.min(lifeMs * SPARE.share, SPARE.maxMs)
  return nowMs + Math.min(lifeMs - spareMs, MAX_KEPT_MS)
}

/** Why this token must not be exchanged: it names who may act with it, and that is not us (RFC 8693 §4.4). */
function unfitness(
  { caller, credential, token }: Bought,
  { issuer }: ExchangeOptions,
): string | undefined {
  // An assertion of our own needs no token of the caller's.
  const needsToken = credential.flow !== 'jwt_bearer'
  if (needsToken && (token === undefined || caller.via === 'api_key')) {
    return 'This credential cannot be exchanged'
  }
  const mayAct = caller.claims?.['may_act']
  if (mayAct === undefined) return undefined
  const actor =
    credential.actor === 'signed'
      ? { sub: actorOf(caller), iss: issuer }
      : // Where the token came from, another party may have the id that is ours elsewhere.
        { sub: credential.endpoint.client.id, iss: caller.issuer }
  const isMeant =
    typeof mayAct === 'object' &&
    mayAct !== null &&
    'sub' in mayAct &&
    mayAct.sub === actor.sub &&
    (!('iss' in mayAct) || mayAct.iss === actor.iss)
  return isMeant ? undefined : 'Your token does not let this gateway act for you (may_act)'
}

async function ask(bought: Bought, options: ExchangeOptions): Promise<TokenAnswer> {
  const { credential } = bought
  const first = await options.ask(firstRequest(bought, options))
  const second = credential.flow === 'id_jag' ? credential.resourceEndpoint : undefined
  if (second === undefined || first.kind !== 'token') return checked(first, bought, SENDABLE)
  const assertion = checked(first, bought, new Set([`${TOKEN_TYPE}id-jag`]))
  if (assertion.kind !== 'token') return assertion
  const request: TokenRequest = {
    endpoint: second,
    grantType: GRANT.bearer,
    parameters: { assertion: assertion.accessToken, ...scopeOf(credential) },
  }
  return checked(await options.ask(request), bought, SENDABLE)
}

/** What came back is what was asked for, can be sent, and is not the caller's own token once more. */
function checked(answer: TokenAnswer, { token }: Bought, types: ReadonlySet<string>): TokenAnswer {
  if (answer.kind !== 'token') return answer
  const { accessToken, issuedTokenType } = answer
  if (issuedTokenType !== undefined && !types.has(issuedTokenType)) {
    return { kind: 'unavailable', detail: 'a token of another type than asked for' }
  }
  // RFC 8693 §2.2.1: what is no access token is sent to nobody as one.
  if (types === SENDABLE && answer.body['token_type'] === 'n_a') {
    return { kind: 'unavailable', detail: 'no access token came back' }
  }
  if (accessToken === token) return { kind: 'unavailable', detail: 'the same token came back' }
  if (!fitsHeader(accessToken)) return { kind: 'unavailable', detail: 'no header can hold it' }
  return answer
}

function firstRequest(bought: Bought, options: ExchangeOptions): TokenRequest {
  const { credential, token = '' } = bought
  const { endpoint, flow } = credential
  switch (flow) {
    case 'on_behalf_of':
      return {
        endpoint,
        grantType: GRANT.bearer,
        parameters: {
          assertion: token,
          requested_token_use: 'on_behalf_of',
          ...scopeOf(credential),
        },
      }
    case 'jwt_bearer':
      return {
        endpoint,
        grantType: GRANT.bearer,
        parameters: { assertion: statement(bought, options), ...targetOf(credential, 'resource') },
      }
    case 'token_exchange':
    case 'id_jag':
      return {
        endpoint,
        grantType: GRANT.exchange,
        parameters: {
          subject_token: token,
          subject_token_type: TOKEN_TYPE + credential.subjectTokenType,
          requested_token_type: TOKEN_TYPE + (flow === 'id_jag' ? 'id-jag' : 'access_token'),
          ...targetOf(credential, 'audience', 'resource'),
          ...actorToken(bought, options),
        },
      }
  }
}

function targetOf(
  credential: ExchangeCredential,
  ...names: readonly ('audience' | 'resource')[]
): Record<string, string> {
  const parameters: Record<string, string> = scopeOf(credential)
  for (const name of names) {
    const value = credential[name]
    if (value !== undefined) parameters[name] = value
  }
  return parameters
}

function scopeOf({ scopes }: ExchangeCredential): Record<string, string> {
  return scopes.length === 0 ? {} : { scope: scopes.join(' ') }
}

/** Our word for who the caller is (RFC 7523 §3). */
function statement({ caller, credential }: Bought, options: ExchangeOptions): string {
  const claims = { sub: caller.subject, aud: credential.audience, ...actOf(caller) }
  return signStatement(claims, options)
}

function actorToken(
  { caller, credential }: Bought,
  options: ExchangeOptions,
): Record<string, string> {
  if (credential.actor === 'none') return {}
  const claims = { sub: actorOf(caller), aud: new URL(credential.endpoint.url).origin }
  return { actor_token: signStatement(claims, options), actor_token_type: `${TOKEN_TYPE}jwt` }
}

function signStatement(
  claims: Readonly<Record<string, unknown>>,
  { issuer, now, sign }: ExchangeOptions,
): string {
  const iat = Math.floor(now() / 1_000)
  const life = { iat, exp: iat + STATEMENT_SECONDS, jti: randomUUID() }
  return sign({ iss: issuer, ...claims, ...life }, 'JWT')
}

/** Who acts for the caller: the current actor, else the client, else the caller itself. */
function actorOf({ actors, client, subject }: Caller): string {
  return actors[0]?.subject ?? (client === '' ? subject : client)
}

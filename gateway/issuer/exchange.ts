/**
 * Whether a token is exchanged for one for another server (RFC 8693), and what that one says: the same
 * subject, one actor more, no scope more, no longer life. Pure; who may exchange what, operators decide.
 */
import { readActors } from '../oauth/claims.ts'
import type { Account } from './accounts.ts'
import { findResource } from './canonical-resource.ts'
import { BASE_SCOPE, scopesOn } from './entitlement.ts'
import { EXCHANGED } from './exchange-names.ts'
import type { OwnToken } from './own-token.ts'
import type { ConfiguredClient, Entitlement } from '../model/authorization-rules.ts'
import type { ProtectedServer, Setup } from './setup.ts'
import { KIND_CLAIM } from './token-claims.ts'

/** What a client asks for, with its tokens verified. */
export type ExchangeRequest = {
  /** The client that authenticated itself. */
  readonly client: string
  readonly entitlement: Entitlement & Pick<ConfiguredClient, 'mayExchange'>
  readonly subject: OwnToken
  /** Undefined where the subject is no person, or one who is no longer known. */
  readonly account: Account | undefined
  readonly actor: OwnToken | undefined
  /** Every `resource` and `audience` there was. */
  readonly targets: readonly string[]
  /** Undefined means all there is to have. */
  readonly scope: string | undefined
}

export type ExchangeError =
  | 'unauthorized_client'
  | 'invalid_request'
  | 'invalid_target'
  | 'invalid_scope'

export type ExchangeAnswer =
  | {
      readonly ok: true
      readonly server: ProtectedServer
      readonly scopes: readonly string[]
      readonly expiresAtSeconds: number
      /** What the token says beyond RFC 9068. */
      readonly claims: Readonly<Record<string, unknown>>
    }
  | { readonly ok: false; readonly error: ExchangeError; readonly detail: string }

/** Claims that an exchanged token has of the one it came from: how the person signed in, and `txn`. */
const KEPT = ['txn', 'gid', 'sid', 'auth_time', 'acr', 'amr']

/** Decides one exchange. Tokens that cannot be used are `invalid_request` (RFC 8693 §2.2.2). */
export function judgeExchange(
  request: ExchangeRequest,
  { setup, nowSeconds }: { readonly setup: ExchangeSetup; readonly nowSeconds: number },
): ExchangeAnswer {
  const { client, entitlement, subject, actor } = request
  const rights = entitlement.mayExchange
  if (rights === undefined) return no('unauthorized_client', 'this client may not exchange tokens')
  const fault = subjectFault(request, setup.servers) ?? actorFault(actor, client)
  if (fault !== undefined) return no('invalid_request', fault)
  const before = subject.claims['act']
  const act = { sub: client, iss: setup.issuer, ...(before !== undefined && { act: before }) }
  if (!readActors({ act }, subject.caller).ok) {
    return no('invalid_request', 'the chain of actors would be too long, or name somebody twice')
  }
  const ends = [subject, actor].map((token) => token?.caller.expiresAtSeconds ?? Infinity)
  const longest = nowSeconds + setup.lives[entitlement.kind].accessTokenSeconds
  const expiresAtSeconds = Math.floor(Math.min(longest, ...ends))
  if (expiresAtSeconds <= nowSeconds) return no('invalid_request', 'a token has ended')
  const server = findTarget(request.targets, rights.to, setup.servers)
  const possible = server === undefined ? [] : scopesFor(request, server)
  if (server === undefined || scopesOn(server, entitlement).length === 0) {
    return no('invalid_target', 'say one server that this client may get tokens for in exchange')
  }
  const asked = request.scope?.split(' ').filter((scope) => scope !== '')
  const scopes = asked ?? possible
  if (scopes.length === 0 || !scopes.every((scope) => possible.includes(scope))) {
    return no('invalid_scope', 'only scopes of the subject token that this server has too')
  }
  const claims = { ...claimsOf(request), [KIND_CLAIM]: entitlement.kind, gty: EXCHANGED, act }
  return { ok: true, server, scopes: [...new Set(scopes)], expiresAtSeconds, claims }
}

type ExchangeSetup = Pick<Setup, 'issuer' | 'lives' | 'servers'>

function no(error: ExchangeError, detail: string): ExchangeAnswer {
  return { ok: false, error, detail }
}

/** Why nothing is given for this token; undefined when something may be. */
function subjectFault(
  { subject, entitlement, account }: ExchangeRequest,
  servers: readonly ProtectedServer[],
): string | undefined {
  const { claims, caller } = subject
  // Statements for servers (swap mode `issue`) have our signature too, and name subjects of any issuer.
  if (typeof claims['gty'] !== 'string') return 'subject_token is no token for a client'
  // Whoever shows a bound token here cannot prove that it is theirs (RFC 9449, RFC 8705).
  if (claims['cnf'] !== undefined) return 'subject_token is bound to a key'
  const from = servers.find(({ resource }) => resource === claims.aud)
  if (from === undefined || entitlement.mayExchange?.from.includes(from.name) !== true) {
    return 'subject_token is for a server that this client does not stand behind'
  }
  if (caller.grant !== undefined && account === undefined) return 'the person is not known any more'
  return undefined
}

/** An actor token proves nothing but that the client is the actor: anybody else's could be stolen. */
function actorFault(actor: OwnToken | undefined, client: string): string | undefined {
  if (actor === undefined) return undefined
  const { claims, caller } = actor
  const isOwn = caller.client === client && caller.subject === client && caller.actors.length === 0
  const isPlain = typeof claims['gty'] === 'string' && claims['cnf'] === undefined
  return isOwn && isPlain ? undefined : 'actor_token must be one that this client has for itself'
}

/** The one server that is meant, by its URL or its name; where nobody says, the only possible one. */
function findTarget(
  targets: readonly string[],
  to: readonly string[],
  servers: readonly ProtectedServer[],
): ProtectedServer | undefined {
  const named = targets.length === 0 ? to : targets
  const found = named.map(
    (text) => servers.find(({ name }) => name === text) ?? findResource(text, servers),
  )
  const [server] = found
  const isOne = server !== undefined && found.every((other) => other === server)
  return isOne && to.includes(server.name) ? server : undefined
}

/** What was granted before, within what this client and the person may have on the server. */
function scopesFor(
  { subject, entitlement, account }: ExchangeRequest,
  server: ProtectedServer,
): readonly string[] {
  const held = subject.caller.scopes
  return scopesOn(server, entitlement).filter((scope) => {
    // A server without scopes has one that stands for none, and so gives nothing.
    const isHeld = held.has(scope) || (server.scopes.length === 0 && scope === BASE_SCOPE)
    return isHeld && account?.scopes?.includes(scope) !== false
  })
}

function claimsOf({ subject, account }: ExchangeRequest): Readonly<Record<string, unknown>> {
  const groups = account?.groups ?? [...subject.caller.groups]
  return {
    ...Object.fromEntries(
      KEPT.flatMap((name) => (name in subject.claims ? [[name, subject.claims[name]]] : [])),
    ),
    ...(groups.length > 0 && { groups: [...groups] }),
  }
}

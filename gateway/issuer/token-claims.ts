/** What our access tokens say beyond RFC 9068: the grant and session they end with, and what acts. */
import { randomUUID } from 'node:crypto'

import type { AccessToken, ClientCredentials, KoaContextWithOIDC } from 'oidc-provider'
import { errors } from 'oidc-provider'

import type { Clients } from '../registry/clients.ts'
import type { Accounts } from './accounts.ts'
import { mayGrant } from './accounts.ts'
import { standingOf } from './entitlement.ts'
import type { GrantBook } from './grant-book.ts'
import type { Setup } from './setup.ts'

/** Says what kind of party asks; the gateway believes it of its own tokens. */
export const KIND_CLAIM = 'urn:gw:kind'

export type TokenClaimsOptions = {
  readonly setup: () => Setup
  readonly book: Pick<Clients, 'get'>
  readonly accounts: Accounts
  readonly grants: Pick<GrantBook, 'find'>
  /** Whether what the token would say is on the revocation list: then it would be refused at once. */
  readonly isRevoked: (about: TokenAbout) => boolean
}

/** What a revocation can name of a token that is about to be issued. */
export type TokenAbout = {
  readonly subject: string
  readonly client: string
  readonly grant: string | undefined
  readonly session: string | undefined
  /** When the authorization it comes from was given. */
  readonly sinceSeconds: number
}

/** What `oidc-provider` calls a grant otherwise than `gty` does. */
const SHORT_GRANTS: ReadonlyMap<string, string> = new Map([['device_code', 'device']])

/** Makes the function that adds to a token what only we know. */
export function createTokenClaims(options: TokenClaimsOptions) {
  return async (context: KoaContextWithOIDC, token: AccessToken | ClientCredentials) => {
    const setup = options.setup()
    const client = token.clientId ?? ''
    const grant = token.kind === 'AccessToken' ? token.grantId : undefined
    const person = token.kind === 'AccessToken' ? token.accountId : undefined
    const [known, account, facts] = await Promise.all([
      standingOf(client, setup, options.book),
      person === undefined ? undefined : options.accounts.find(person),
      grant === undefined ? undefined : options.grants.find(grant),
    ])
    const kind = known?.entitlement.kind ?? 'agent'
    const common = { txn: randomUUID(), [KIND_CLAIM]: kind }
    if (token.kind === 'ClientCredentials') {
      // What it may have is asked anew each time: an operator can have changed it since it registered.
      const { grants = [], groups = [] } = known?.entitlement ?? {}
      if (!grants.includes('client_credentials')) throw new errors.UnauthorizedClient()
      return { ...common, gty: 'client_credentials', ...listed('groups', groups) }
    }
    const { grantId, accountId, gty } = token
    const { AuthorizationCode, RefreshToken, DeviceCode } = context.oidc.entities
    const source = AuthorizationCode ?? RefreshToken ?? DeviceCode
    const about = { subject: accountId, client, grant: grantId, session: facts?.session }
    const authTime = source?.authTime ?? 0
    const sinceSeconds = facts?.signedInAtSeconds ?? authTime
    // A client that holds a refresh token must learn that it has to ask the person again.
    if (options.isRevoked({ ...about, sinceSeconds })) throw new errors.InvalidGrant('revoked')
    // So must one that was given what the person may not give any more.
    const scopes = (token.scope ?? '').split(' ').filter((scope) => scope !== '')
    const isTheirs = account !== undefined && scopes.every((scope) => mayGrant(account, scope))
    if (!isTheirs) throw new errors.InvalidGrant('the person may not allow this any more')
    const first = gty.split(' ')[0] ?? ''
    return {
      ...common,
      gid: grantId,
      ...(facts !== undefined && { sid: facts.session }),
      gty: SHORT_GRANTS.get(first) ?? first,
      // RFC 8693 §4.1: with a person behind it, the client is the one who acts.
      ...(kind !== 'human' && { act: { sub: client, iss: setup.issuer } }),
      // Absent where the identity provider did not say: a rule about it then does not hold.
      ...(authTime > 0 && { auth_time: authTime }),
      ...(source?.acr !== undefined && { acr: source.acr }),
      ...listed('amr', source?.amr ?? []),
      ...listed('groups', account.groups),
    }
  }
}

/** A claim that is left out where it would be an empty list. */
export function listed(name: string, values: readonly string[]): Readonly<Record<string, unknown>> {
  return values.length === 0 ? {} : { [name]: [...values] }
}

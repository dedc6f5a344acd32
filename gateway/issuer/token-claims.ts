/** What our access tokens say beyond RFC 9068: the grant and session they end with, and what acts. */
import { randomUUID } from 'node:crypto'

import type { AccessToken, ClientCredentials, KoaContextWithOIDC } from 'oidc-provider'

import type { Clients } from '../registry/clients.ts'
import type { Accounts } from './accounts.ts'
import { readGrantFacts } from './accounts.ts'
import { standingOf } from './entitlement.ts'
import type { Rows } from './rows.ts'
import type { Setup } from './setup.ts'

/** Says what kind of party asks; the gateway believes it of its own tokens. */
export const KIND_CLAIM = 'urn:gw:kind'

export type TokenClaimsOptions = {
  readonly setup: () => Setup
  readonly book: Pick<Clients, 'get'>
  readonly accounts: Accounts
  readonly rows: Rows
}

/** Grant types by the short word in `gty`. */
const SHORT_GRANTS: ReadonlyMap<string, string> = new Map([
  ['urn:ietf:params:oauth:grant-type:device_code', 'device'],
])

/** Makes the function that adds to a token what only we know. */
export function createTokenClaims(options: TokenClaimsOptions) {
  return async (context: KoaContextWithOIDC, token: AccessToken | ClientCredentials) => {
    const setup = options.setup()
    const client = token.clientId ?? ''
    const known = await standingOf(client, setup, options.book)
    const kind = known?.entitlement.kind ?? 'agent'
    const common = { txn: randomUUID(), [KIND_CLAIM]: kind }
    if (token.kind === 'ClientCredentials') {
      const groups = known?.entitlement.groups ?? []
      return { ...common, gty: 'client_credentials', ...listed('groups', groups) }
    }
    const { grantId, accountId, gty } = token
    const { AuthorizationCode, RefreshToken, DeviceCode } = context.oidc.entities
    const source = AuthorizationCode ?? RefreshToken ?? DeviceCode
    const account = await options.accounts.find(accountId)
    const facts = await readGrantFacts(options.rows, grantId)
    const first = gty.split(' ')[0] ?? ''
    return {
      ...common,
      gid: grantId,
      ...(facts !== undefined && { sid: facts.session }),
      gty: SHORT_GRANTS.get(first) ?? first,
      // RFC 8693 §4.1: with a person behind it, the client is the one who acts.
      ...(kind !== 'human' && { act: { sub: client, iss: setup.issuer } }),
      ...(source?.authTime !== undefined && { auth_time: source.authTime }),
      ...(source?.acr !== undefined && { acr: source.acr }),
      ...listed('amr', source?.amr ?? []),
      ...listed('groups', account?.groups ?? []),
    }
  }
}

function listed(name: string, values: readonly string[]) {
  return values.length === 0 ? {} : { [name]: [...values] }
}

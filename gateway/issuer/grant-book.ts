/** What is remembered of each authorization for as long as its tokens live, and how all of it ends. */
import { hash } from 'node:crypto'

import type { Adapter } from 'oidc-provider'

import { GRANT_LIFE_MS } from './accounts.ts'
import type { Rows } from './rows.ts'

export type GrantFacts = {
  readonly grant: string
  readonly account: string
  readonly client: string
  /** The session the person was in; when the person signs out, the tokens end. */
  readonly session: string
  /** When that session began, in epoch seconds; absent in facts of earlier versions. */
  readonly signedInAtSeconds?: number
}

export type GrantBook = {
  add(facts: GrantFacts): Promise<void>
  find(grant: string): Promise<GrantFacts | undefined>
  /** Ends every grant that a person gave this client: codes, refresh tokens, access tokens. */
  endAll(account: string, client: string): Promise<void>
  /** Ends every grant that was given in this session. */
  endSession(session: string): Promise<void>
}

export type GrantBookOptions = {
  readonly rows: Rows
  /** The adapter of a model of `oidc-provider`. */
  readonly adapter: (model: string) => Adapter
  /** Ends the access tokens of a grant. */
  readonly revokeGrant: (grant: string) => Promise<void>
}

const FACTS = 'grant-facts'

/** What may still be redeemed for tokens. */
const MODELS = ['AuthorizationCode', 'RefreshToken', 'DeviceCode']

export function createGrantBook({ rows, adapter, revokeGrant }: GrantBookOptions): GrantBook {
  const end = async ({ grant, account, client, session }: GrantFacts): Promise<void> => {
    for (const model of MODELS) await adapter(model).revokeByGrantId(grant)
    await adapter('Grant').destroy(grant)
    await revokeGrant(grant)
    await rows.remove(FACTS, grant)
    await rows.remove(areaOf(account, client), grant)
    await rows.remove(sessionArea(session), grant)
  }
  const endEach = async (area: string): Promise<void> => {
    // Each authorization is a grant of its own: there can be more than one list holds.
    for (;;) {
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- written by `add`
      const page = (await rows.list(area)) as readonly GrantFacts[]
      if (page.length === 0) return
      for (const facts of page) await end(facts)
    }
  }
  return {
    add: async (facts) => {
      const { grant, account, client, session } = facts
      for (const area of [FACTS, areaOf(account, client), sessionArea(session)]) {
        await rows.write(area, grant, facts, GRANT_LIFE_MS)
      }
    },
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- written by `add`
    find: async (grant) => (await rows.read(FACTS, grant))?.payload as GrantFacts | undefined,
    endAll: (account, client) => endEach(areaOf(account, client)),
    endSession: (session) => endEach(sessionArea(session)),
  }
}

function areaOf(account: string, client: string): string {
  return `grants/${hash('sha256', JSON.stringify([account, client]), 'base64url')}`
}

function sessionArea(session: string): string {
  return `grants-in/${session}`
}

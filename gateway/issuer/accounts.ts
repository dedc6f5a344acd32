/** The people who can sign in, by the id their tokens carry: the way they sign in, and their name there. */
import type { Payload, Rows } from './rows.ts'
import type { SignInProvider } from '../model/authorization-rules.ts'
import type { Setup } from './setup.ts'

/** A person as far as tokens and pages need it. */
export type Account = {
  /** `local|alice`, or an identity provider's name and its `sub`. Never an e-mail address. */
  readonly id: string
  readonly name: string
  readonly groups: readonly string[]
  /** Scopes the person can grant at most; undefined means all. */
  readonly scopes: readonly string[] | undefined
}

export type Accounts = {
  /** Undefined for somebody who is not, or no longer, known. */
  find(id: string): Promise<Account | undefined>
}

/** The way of signing in with a password at the gateway itself. */
export const LOCAL = 'local'

/** @param setup What is in force now; an account that is configured no more is found no more. */
export function createAccounts(
  setup: () => Pick<Setup, 'users' | 'signIn'>,
  rows: Pick<Rows, 'read'>,
): Accounts {
  return {
    find: async (id) => {
      const [way, name = ''] = splitId(id)
      if (way !== LOCAL) {
        const provider = setup().signIn.get(way)
        const row = await rows.read('account', id)
        return provider && row && fromRow(id, row.payload, provider)
      }
      const user = setup().users.get(name)
      return user && { id, name: user.name, groups: user.groups, scopes: user.scopes }
    },
  }
}

/** A person as their identity provider described them when they last signed in. */
function fromRow(id: string, payload: Payload, provider: SignInProvider): Account {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- written by `sign-on.ts` alone
  const { name, groups } = payload as { readonly name: string; readonly groups: readonly string[] }
  return { id, name, groups, scopes: scopesOfGroups(groups, provider) }
}

/** Scopes that members of these groups can grant at most; undefined means all. */
export function scopesOfGroups(
  groups: readonly string[],
  { groupScopes }: Pick<SignInProvider, 'groupScopes'>,
): readonly string[] | undefined {
  return groupScopes && [...new Set(groups.flatMap((group) => groupScopes.get(group) ?? []))]
}

/** The id of an account. */
export function accountId(way: string, name: string): string {
  return `${way}|${name}`
}

function splitId(id: string): readonly [string, string?] {
  const bar = id.indexOf('|')
  return bar === -1 ? [id] : [id.slice(0, bar), id.slice(bar + 1)]
}

/** A grant, and what is kept of it, ends after this long, in milliseconds: people are asked again. */
export const GRANT_LIFE_MS = 90 * 24 * 3_600_000

/** Whether this person may give a scope to a client. */
export function mayGrant({ scopes }: Account, scope: string): boolean {
  return scopes === undefined || scopes.includes(scope)
}

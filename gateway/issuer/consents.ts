/**
 * What people have allowed, remembered per person, client and redirect (R-CONS). A client that comes
 * back with the same redirect and asks for no more is not asked about again, where nobody else could
 * be behind that redirect.
 */
import { hash } from 'node:crypto'

import { GRANT_LIFE_MS } from './accounts.ts'
import type { Rows } from './rows.ts'

export type ConsentKey = {
  readonly account: string
  readonly client: string
  readonly redirect: string
}

/** Scopes by resource. */
export type Allowed = Readonly<Record<string, readonly string[]>>

export type Consents = {
  /** What was allowed; nothing for what never was, or too long ago. */
  find(key: ConsentKey): Promise<Allowed>
  /** Writes down what the person said to what was asked; what was not asked stays as it was. */
  note(key: ConsentKey, said: Said): Promise<void>
  /** What a person has allowed so far. */
  list(account: string): Promise<readonly Consent[]>
  /** Forgets it, so that the person is asked again. */
  forget(key: ConsentKey): Promise<void>
}

export type Said = {
  readonly allowed: Allowed
  /** Asked and not allowed: also what was allowed before. */
  readonly refused: Allowed
  /** The client, as it calls itself. */
  readonly name: string
}

export type Consent = ConsentKey & { readonly name: string; readonly allowed: Allowed }

export function createConsents(rows: Rows): Consents {
  const find = async (key: ConsentKey): Promise<Allowed> => {
    const row = await rows.read(areaOf(key.account), idOf(key))
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- written by `note`
    return (row?.payload['allowed'] ?? {}) as Allowed
  }
  return {
    find,
    note: async (key, { allowed, refused, name }) => {
      const before = await find(key)
      const resources = new Set([...Object.keys(before), ...Object.keys(allowed)])
      const merged = Object.fromEntries(
        Array.from(resources, (resource) => {
          const all = new Set([...(before[resource] ?? []), ...(allowed[resource] ?? [])])
          for (const scope of refused[resource] ?? []) all.delete(scope)
          return [resource, [...all]]
        }),
      )
      await rows.write(
        areaOf(key.account),
        idOf(key),
        { ...key, name, allowed: merged },
        GRANT_LIFE_MS,
      )
    },
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- written by `note`
    list: async (account) => (await rows.list(areaOf(account))) as readonly Consent[],
    forget: (key) => rows.remove(areaOf(key.account), idOf(key)),
  }
}

/** Whether everything asked for was allowed before. */
export function covers(before: Allowed, asked: Allowed): boolean {
  return Object.entries(asked).every(([resource, scopes]) =>
    scopes.every((scope) => before[resource]?.includes(scope) === true),
  )
}

/** All of one person are in one place, under the hash of who it is. */
function areaOf(account: string): string {
  return `consent/${hash('sha256', account, 'base64url')}`
}

function idOf({ client, redirect }: ConsentKey): string {
  return JSON.stringify([client, redirect])
}

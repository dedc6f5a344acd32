/**
 * What people have allowed, remembered per person, client and redirect (R-CONS). A client that comes
 * back with the same redirect and asks for no more is not asked about again, where nobody else could
 * be behind that redirect.
 */
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
  /** Adds what was allowed now. */
  add(key: ConsentKey, allowed: Allowed): Promise<void>
  /** Forgets it, so that the person is asked again. */
  forget(key: ConsentKey): Promise<void>
}

const AREA = 'consent'

export function createConsents(rows: Rows): Consents {
  const find = async (key: ConsentKey): Promise<Allowed> => {
    const row = await rows.read(AREA, idOf(key))
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- written by `add`
    return (row?.payload['allowed'] ?? {}) as Allowed
  }
  return {
    find,
    add: async (key, allowed) => {
      const before = await find(key)
      const merged = Object.fromEntries(
        [...new Set([...Object.keys(before), ...Object.keys(allowed)])].map((resource) => [
          resource,
          [...new Set([...(before[resource] ?? []), ...(allowed[resource] ?? [])])],
        ]),
      )
      await rows.write(AREA, idOf(key), { ...key, allowed: merged }, GRANT_LIFE_MS)
    },
    forget: (key) => rows.remove(AREA, idOf(key)),
  }
}

/** Whether everything asked for was allowed before. */
export function covers(before: Allowed, asked: Allowed): boolean {
  return Object.entries(asked).every(([resource, scopes]) =>
    scopes.every((scope) => before[resource]?.includes(scope) === true),
  )
}

function idOf({ account, client, redirect }: ConsentKey): string {
  return JSON.stringify([account, client, redirect])
}

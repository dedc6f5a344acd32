/** Signing in with a name and a password that the gateway knows itself. */
import { hash } from 'node:crypto'

import { isPassword, MAX_PASSWORD_CHARS } from '../identity/passwords.ts'
import type { Emit } from '../model/event.ts'
import { networkOf } from '../model/network-of.ts'
import type { Store } from '../model/store.ts'
import type { SignedIn } from '../sessions/sessions.ts'
import { accountId, LOCAL } from './accounts.ts'
import type { Setup } from './setup.ts'

/** Wrong passwords for one name, and from one address, in `WINDOW_MS`; beyond it nothing is looked at. */
const MAX_WRONG_FOR_NAME = 10
const MAX_WRONG_FROM_ADDRESS = 50
const WINDOW_MS = 15 * 60_000

/** Hashing takes a core: as many at once as leave the others to the calls. */
const MAX_AT_ONCE = 4

export type PasswordSignIn =
  | { readonly ok: true; readonly who: SignedIn }
  | { readonly ok: false; readonly why: 'wrong' | 'too_often' }

export type PasswordSignInOptions = {
  readonly setup: () => Pick<Setup, 'users' | 'issuer' | 'tenant'>
  readonly store: Pick<Store, 'count'>
  readonly emit: Emit
}

export type Attempt = {
  readonly name: string
  readonly password: string
  readonly address: string
}

/** Makes the function that judges an attempt. It tells nothing but whether name and password fit. */
export function createPasswordSignIn({ setup, store, emit }: PasswordSignInOptions) {
  let atOnce = 0
  return async ({ name, password, address }: Attempt): Promise<PasswordSignIn> => {
    const { users, issuer, tenant } = setup()
    const user = users.get(name)
    const refuse = (why: 'wrong' | 'too_often'): PasswordSignIn => {
      // Only a name that exists: people type passwords into the wrong field.
      emit({ type: 'signed_in', way: LOCAL, ok: false, subject: user && accountId(LOCAL, name) })
      return { ok: false, why }
    }
    const wrong = async (by: number): Promise<boolean> => {
      const forName = await store.count(`sign-in/name/${hash('sha256', name)}`, by, WINDOW_MS)
      const from = await store.count(`sign-in/from/${networkOf(address)}`, by, WINDOW_MS)
      return forName > MAX_WRONG_FOR_NAME || from > MAX_WRONG_FROM_ADDRESS
    }
    if (password.length > MAX_PASSWORD_CHARS) return refuse('wrong')
    // Counted before it is looked at, so that many at once are no way around the bound.
    if (atOnce >= MAX_AT_ONCE || (await wrong(1))) return refuse('too_often')
    atOnce += 1
    try {
      if (!(await isPassword(password, user?.passwordHash)) || user === undefined)
        return refuse('wrong')
    } finally {
      atOnce -= 1
    }
    await wrong(-1)
    const subject = accountId(LOCAL, name)
    emit({ type: 'signed_in', way: LOCAL, ok: true, subject })
    const { name: shown, groups } = user
    const who = { tenant, issuer, subject, name: shown, groups, kind: 'human', client: '' } as const
    return { ok: true, who: { ...who, methods: ['pwd'] } }
  }
}

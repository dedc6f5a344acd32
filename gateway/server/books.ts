/** The books of the registry, read from the store when the process starts. */
import { API_KEY_ISSUER } from '../identity/api-keys.ts'
import type { Emit } from '../model/event.ts'
import { type Approvals, createApprovals } from '../registry/approvals.ts'
import { createGrants, type Grants } from '../registry/grants.ts'
import { createPins, type Pins } from '../registry/pins.ts'
import { createRevocations, type Revocations } from '../registry/revocations.ts'
import type { Settings } from '../settings/settings.ts'
import type { SweptStore } from '../state/swept-store.ts'

export type Books = {
  readonly revocations: Revocations
  readonly pins: Pins
  readonly grants: Grants
  readonly approvals: Approvals
}

export type BooksOptions = {
  readonly store: SweptStore
  /** Epoch milliseconds. */
  readonly now: () => number
  readonly emit: Emit
}

/** Opens all of them. Rejects with the error of the store when one cannot be read. */
export async function openBooks(
  { authorizationServer }: Pick<Settings, 'authorizationServer'>,
  { store, now, emit }: BooksOptions,
): Promise<Books> {
  const revocations = createRevocations({
    store,
    now,
    emit,
    issuers: {
      lasting: [API_KEY_ISSUER],
      renewing: authorizationServer && [authorizationServer.issuer],
    },
  })
  await revocations.load()
  const pins = createPins({ store, now, emit })
  await pins.load()
  const grants = createGrants({ store, now, emit })
  await grants.load()
  const approvals = createApprovals({ store, now, emit })
  await approvals.load()
  return { revocations, pins, grants, approvals }
}

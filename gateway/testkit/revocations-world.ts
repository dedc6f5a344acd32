/** Lists of revocations of several processes on one store, with a clock of their own. */
import type { Caller } from '../model/caller.ts'
import type { GatehouseEvent } from '../model/event.ts'
import type { Store } from '../model/store.ts'
import type { RevocationProblem, RevokeRequest } from '../registry/revocation.ts'
import { RevocationError } from '../registry/revocation.ts'
import type { Revocations } from '../registry/revocations.ts'
import { createRevocations } from '../registry/revocations.ts'
import { createMemoryStore } from '../state/memory.ts'

/** Issuers: somebody's, our own, whose entries end with its last tokens, and that of API keys, which do not. */
export const ISSUER = 'https://idp.example'
export const OURS = 'https://gw.example'
export const API_KEYS = 'urn:test:api-key'

/** A store whose processes hear nothing of each other: each sees what the others did when it looks. */
export function silent(store: Store): Store {
  return { ...methods(store), publish: async () => undefined }
}

/** One store and a clock; `process` makes the list of one more process on that store. */
export function createWorld(wrap: (store: Store) => Store = silent) {
  const clock = { nowMs: 1_800_000_000_000 }
  const now = (): number => clock.nowMs
  const store = wrap(createMemoryStore({ now }))
  const events: GatehouseEvent[] = []
  const emit = (event: GatehouseEvent): void => void events.push(event)
  async function process(maxEntries = 1000): Promise<Revocations> {
    const issuers = { lasting: [API_KEYS], renewing: [OURS] }
    const revocations = createRevocations({ store, now, emit, issuers, maxEntries })
    await revocations.load()
    return revocations
  }
  return { clock, store, events, process }
}

/** A caller with a token of `ISSUER`, but for what is said. */
export function callerWith(fields: Partial<Caller>): Caller {
  return {
    tenant: 'default',
    issuer: ISSUER,
    subject: 'user-1',
    client: 'app-1',
    kind: 'agent',
    via: 'jwt',
    groups: new Set(),
    scopes: new Set(),
    actors: [],
    interactive: false,
    tokenId: undefined,
    grant: undefined,
    session: undefined,
    issuedAtSeconds: 1_799_999_990,
    expiresAtSeconds: Infinity,
    ...fields,
  }
}

/** The wish to revoke one token. */
export function token(jti: string): RevokeRequest {
  return { kind: 'token', issuer: ISSUER, value: jti, by: 'admin' }
}

/** Holds for the error with this code. */
export function refused(code: RevocationProblem): (error: unknown) => boolean {
  return (error) => error instanceof RevocationError && error.code === code
}

/** The methods of a store as own properties, so that some can be replaced. */
export function methods(store: Store): Store {
  return {
    get: (...args) => store.get(...args),
    put: (...args) => store.put(...args),
    cas: (...args) => store.cas(...args),
    consume: (...args) => store.consume(...args),
    delete: (...args) => store.delete(...args),
    lease: (...args) => store.lease(...args),
    release: (...args) => store.release(...args),
    count: (...args) => store.count(...args),
    list: (...args) => store.list(...args),
    publish: (...args) => store.publish(...args),
    subscribe: (...args) => store.subscribe(...args),
    close: () => store.close(),
  }
}

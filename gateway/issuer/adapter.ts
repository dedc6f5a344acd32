/**
 * What `oidc-provider` keeps, in our store. Codes are spent once by whoever is first on any replica;
 * a refresh token may be used again for some seconds, so that an agent that refreshes twice at once, or
 * never saw the answer, is not taken for a thief. It then gets the same one as before.
 */
import type { Adapter, AdapterPayload } from 'oidc-provider'
import { errors } from 'oidc-provider'

import type { Store } from '../model/store.ts'
import type { RequestMemory } from './request-memory.ts'
import type { Payload, Row, Rows } from './rows.ts'

/** How long after its first use a refresh token may be used again, in milliseconds. */
export const REFRESH_GRACE_MS = 10_000

/**
 * How long the row of a refresh token is kept after its first use, in milliseconds: its grace, and far longer than a
 * request may take that found it within. After that it is known by its name.
 */
export const SPENT_MS = 300_000

/** Refresh tokens of one grant that are noted: more than can come while one request is under way. */
const TURNS = 8

/** Rows of one grant removed at a time. */
const PAGE = 200

export type AdapterOptions = {
  readonly rows: Rows
  readonly store: Pick<Store, 'put' | 'list' | 'delete'>
  /** Rows of this request, by their keys. */
  readonly seen: RequestMemory<Row>
  /** Epoch milliseconds. */
  readonly now: () => number
  /** Configured and registered clients. */
  readonly clients: ClientBook
  /** Ends the access tokens of a grant, which are in no store. */
  readonly revokeGrant: (grant: string) => Promise<void>
  /** The access token that is being revoked or introspected, by its id; they are in no store. */
  readonly presentedToken: (id: string) => AdapterPayload | undefined
  /** The grant of a refresh token that was made here; undefined for any other text. */
  readonly grantOfRefresh: (token: string) => string | undefined
  /** Revokes one access token by its id. */
  readonly revokeToken: (id: string) => Promise<void>
}

/** Clients as `oidc-provider` reads and writes them. */
export type ClientBook = {
  find(id: string): Promise<AdapterPayload | undefined>
  write(id: string, metadata: AdapterPayload): Promise<void>
  remove(id: string): Promise<void>
  /**
   * Binds the row of a registration access token to the client it belongs to, and has it written with the
   * milliseconds that the client has left; not when it is gone.
   */
  attach(id: string, row: string, write: (leftMs: number) => Promise<void>): Promise<void>
}

/** The model of the tokens that clients manage their registration with (RFC 7592). */
const REGISTRATION = 'RegistrationAccessToken'

/** Returns the adapter of one model. */
export function createAdapter(model: string, options: AdapterOptions): Adapter {
  if (model === 'Client') return clientAdapter(options.clients)
  if (model === 'AccessToken') return accessTokenAdapter(options)
  if (model === REGISTRATION) return registrationAdapter(options)
  return rowAdapter(model, options)
}

function clientAdapter(clients: ClientBook): Adapter {
  return {
    ...NOT_KEPT,
    find: (id) => clients.find(id),
    upsert: (id, payload) => clients.write(id, payload),
    destroy: (id) => clients.remove(id),
  }
}

/** Access tokens are JWTs: nothing is kept of them but what was revoked. */
function accessTokenAdapter({ presentedToken, revokeToken, revokeGrant }: AdapterOptions): Adapter {
  return {
    ...NOT_KEPT,
    find: async (id) => presentedToken(id),
    destroy: revokeToken,
    revokeByGrantId: revokeGrant,
  }
}

const NOT_KEPT: Adapter = {
  upsert: async () => {},
  find: async () => undefined,
  findByUserCode: async () => undefined,
  findByUid: async () => undefined,
  consume: async () => {},
  destroy: async () => {},
  revokeByGrantId: async () => {},
}

/** A registration access token lives as long as its client: nobody takes it away when that ends by itself. */
function registrationAdapter(options: AdapterOptions): Adapter {
  const { rows, clients } = options
  const adapter = rowAdapter(REGISTRATION, options)
  return {
    ...adapter,
    upsert: async (id, payload) => {
      const row = rows.keyOf(REGISTRATION, id)
      await clients.attach(payload.clientId ?? '', row, async (leftMs) => {
        await adapter.upsert(id, payload, Math.ceil(leftMs / 1_000))
      })
    },
  }
}

function rowAdapter(model: string, options: AdapterOptions): Adapter {
  const { rows, store, now, seen } = options
  const find = async (id: string): Promise<AdapterPayload | undefined> => {
    const row = await rows.read(model, id)
    if (row === undefined)
      return model === 'RefreshToken' ? await findSpent(id, options) : undefined
    seen.keep(rows.keyOf(model, id), row)
    return reveal(id, row.payload, now())
  }
  const findBy = async (index: string, value: string) => {
    const pointer = await rows.read(index, value)
    const id = pointer?.payload['id']
    return typeof id === 'string' ? await find(id) : undefined
  }
  const revokeByGrantId = async (grant: string): Promise<void> => {
    const prefix = rows.keyOf(`by-grant-${model}`, grant)
    for (;;) {
      const page = await store.list(`${prefix}/`, { limit: PAGE })
      for (const { key, value } of page) {
        await store.delete(value)
        await store.delete(key)
      }
      if (page.length < PAGE) return
    }
  }
  return {
    find,
    findByUid: (uid) => findBy(`${model}-uid`, uid),
    findByUserCode: (code) => findBy(`${model}-user-code`, code),
    upsert: async (id, payload, expiresIn) => {
      const ttlMs = expiresIn === undefined ? undefined : Math.max(1, expiresIn * 1_000)
      // The id is what its holder knows; kept is what it stands for.
      const { jti: _id, ...kept } = payload
      const { uid, userCode, grantId } = payload
      const key = rows.keyOf(model, id)
      seen.forget(key)
      const writes: Promise<unknown>[] = [
        model === 'RefreshToken' && ttlMs !== undefined
          ? // Whoever had it made first may have used it already, and used it stays.
            rows.swap(model, id, { version: 0, payload: kept, ttlMs })
          : rows.write(model, id, kept, ttlMs),
      ]
      if (uid !== undefined) writes.push(rows.write(`${model}-uid`, uid, { id }, ttlMs))
      if (userCode !== undefined) {
        writes.push(rows.write(`${model}-user-code`, userCode, { id }, ttlMs))
      }
      if (grantId !== undefined && model !== 'Session') {
        const place = placeInGrant(model, key, payload)
        const index = `${rows.keyOf(`by-grant-${model}`, grantId)}/${place}`
        writes.push(store.put(index, key, ttlMs === undefined ? {} : { ttlMs }))
      }
      await Promise.all(writes)
    },
    consume: (id) => consume(id, model, options),
    destroy: async (id) => {
      const row = await rows.read(model, id)
      const uid = row?.payload['uid']
      if (typeof uid === 'string') await rows.remove(`${model}-uid`, uid)
      await rows.remove(model, id)
    },
    revokeByGrantId,
  }
}

/** As `oidc-provider` wrote it; a refresh token within its grace looks unused. */
function reveal(id: string, payload: Payload, nowMs: number): AdapterPayload {
  const { consumedAtMs, ...rest } = payload
  const isSpent =
    typeof consumedAtMs === 'number' &&
    (rest['kind'] !== 'RefreshToken' || nowMs - consumedAtMs > REFRESH_GRACE_MS)
  return { ...rest, jti: id, ...(isSpent && { consumed: Math.floor(consumedAtMs / 1_000) }) }
}

/**
 * Marks a row as used. Of several who use a code at once one is first; for the others it is a code that
 * was used twice, and what the first one got ends too (OAuth 2.1 §4.1.3).
 */
async function consume(id: string, model: string, options: AdapterOptions): Promise<void> {
  const { rows, now, seen } = options
  const key = rows.keyOf(model, id)
  for (;;) {
    // As it was found is good enough to begin with: it is written over that version and no other.
    const row = seen.find(key) ?? (await rows.read(model, id))
    seen.forget(key)
    if (row === undefined) throw new errors.InvalidGrant('it has ended')
    const { consumedAtMs, exp, grantId } = row.payload
    if (consumedAtMs !== undefined) {
      if (model === 'RefreshToken') return
      if (typeof grantId === 'string') await endGrant(grantId, options)
      throw new errors.InvalidGrant('it was used already')
    }
    const nowMs = now()
    const leftMs = typeof exp === 'number' ? Math.max(1, exp * 1_000 - nowMs) : 60_000
    const ttlMs = model === 'RefreshToken' ? Math.min(leftMs, SPENT_MS) : leftMs
    const payload = { ...row.payload, consumedAtMs: nowMs }
    if (await rows.swap(model, id, { version: row.version, payload, ttlMs })) return
  }
}

/**
 * A refresh token that has no row any more, while one that came after it has: it was used long ago, and whoever
 * brings it, or who got the later one, is a thief (RFC 9700 §4.14.2). One that ended unused is nobody's predecessor.
 */
async function findSpent(
  id: string,
  { rows, store, now, grantOfRefresh }: AdapterOptions,
): Promise<AdapterPayload | undefined> {
  const grant = grantOfRefresh(id)
  if (grant === undefined) return undefined
  const index = `${rows.keyOf('by-grant-RefreshToken', grant)}/`
  for (const { value: key } of await store.list(index, { limit: PAGE })) {
    const later = await rows.readAt(key)
    if (later === undefined) continue
    return { ...reveal(id, later.payload, now()), consumed: Math.floor(now() / 1_000) }
  }
  return undefined
}

/**
 * Where it is noted that a row is of a grant: refresh tokens take turns, so that of one that was used nothing is left
 * without another write. A token that is made again by a request under way takes the place of none that came later.
 */
function placeInGrant(model: string, key: string, { rotations = 0 }: AdapterPayload): string {
  return model === 'RefreshToken' ? `${rotations % TURNS}` : (key.split('/').at(-1) ?? '')
}

/** Ends whatever a grant has brought, and what whoever was first is just getting: without it nothing is refreshed. */
async function endGrant(grant: string, options: AdapterOptions): Promise<void> {
  await createAdapter('Grant', options).destroy(grant)
  await createAdapter('RefreshToken', options).revokeByGrantId(grant)
  await options.revokeGrant(grant)
}

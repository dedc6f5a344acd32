/** Clients as `oidc-provider` wants them: those of the configuration and those that registered. */
import { AsyncLocalStorage } from 'node:async_hooks'

import type { AdapterPayload } from 'oidc-provider'

import type { CallerKind } from '../model/caller.ts'
import { isLoopback } from '../model/loopback.ts'
import type { Clients, RegisteredClient } from '../registry/clients.ts'
import type { ClientBook } from './adapter.ts'
import type { RequestMemory } from './request-memory.ts'
import type { Rows } from './rows.ts'
import { TOKEN_EXCHANGE } from './exchange-names.ts'
import { JWT_BEARER } from './jwt-bearer-names.ts'
import type { ClientGrant, ConfiguredClient } from '../model/authorization-rules.ts'
import type { Setup } from './setup.ts'

/** What is known of a client while it registers. */
export type Newcomer = {
  readonly kind: CallerKind
  /** The registration token it came with. */
  readonly token: string | undefined
  /** Who vouched for its software, by name. */
  readonly statement: string | undefined
  readonly address: string
  readonly idleMs: number
}

/** The OAuth names of grants; a code brings refresh tokens along. */
const GRANT_TYPES: Readonly<Record<ClientGrant, readonly string[]>> = {
  authorization_code: ['authorization_code', 'refresh_token'],
  client_credentials: ['client_credentials'],
  device_code: ['urn:ietf:params:oauth:grant-type:device_code', 'refresh_token'],
  token_exchange: [TOKEN_EXCHANGE],
  jwt_bearer: [JWT_BEARER],
}

/** The `grant_types` that a client with these grants may have. */
export function grantTypesOf(grants: readonly ClientGrant[]): readonly string[] {
  return [...new Set(grants.flatMap((grant) => GRANT_TYPES[grant]))]
}

export type OauthClients = ClientBook & {
  /** Runs a registration: the client that is written within is this newcomer. */
  register<T>(newcomer: Newcomer, run: () => T): T
}

export type ClientBookOptions = {
  readonly setup: () => Setup
  readonly book: Clients
  readonly rows: Rows
  /** Epoch milliseconds. */
  readonly now: () => number
  /** A program that shows its assertion in this request; undefined for any other id. */
  readonly workload: (id: string) => AdapterPayload | undefined
  readonly onRegistered: (id: string, newcomer: Newcomer) => void
}

const AREA = 'Client'

type Found = RegisteredClient | undefined

/**
 * A registration under way. What is registered is written together with its registration token, which is made right
 * after it and lives as long: in one round to the store instead of one after the other.
 */
type Registering = {
  readonly newcomer: Newcomer
  metadata: AdapterPayload | undefined
}

type Registered = {
  readonly newcomer: Newcomer
  readonly metadata: AdapterPayload
  /** Of the registration token. */
  readonly row: string
}

export function createClientBook(options: ClientBookOptions): OauthClients {
  const { setup, book, rows, now } = options
  const registrations = new AsyncLocalStorage<Registering>()
  const enrol = async (id: string, { newcomer, metadata, row }: Registered): Promise<void> => {
    const nowMs = now()
    const { client_name: name } = metadata
    const client = {
      ...newcomer,
      id,
      name: typeof name === 'string' ? name : '',
      registeredAtMs: nowMs,
      usedAtMs: nowMs,
      rows: [rows.keyOf(AREA, id), row],
    }
    await Promise.all([rows.write(AREA, id, { ...metadata }, client.idleMs), book.add(client)])
  }
  return {
    register: (newcomer, run) => registrations.run({ newcomer, metadata: undefined }, run),
    find: async (id) => {
      const configured = setup().clients.get(id)
      if (configured !== undefined) return metadataOf(id, configured)
      const workload = options.workload(id)
      if (workload !== undefined) return workload
      const [registered, row] = await Promise.all([book.use(id), rows.read(AREA, id)])
      return registered && row?.payload
    },
    write: async (id, metadata) => {
      const registering = registrations.getStore()
      if (registering !== undefined) {
        registering.metadata = metadata
        return
      }
      const client = await book.get(id)
      // Only a registration makes a client, and only one that is there is changed.
      if (client !== undefined) await rows.write(AREA, id, { ...metadata }, client.idleMs)
    },
    remove: async (id) => {
      await book.remove(id)
    },
    attach: async (id, row, write) => {
      const registering = registrations.getStore()
      if (registering?.metadata !== undefined) {
        const { newcomer, metadata } = registering
        await Promise.all([enrol(id, { newcomer, metadata, row }), write(newcomer.idleMs)])
        return options.onRegistered(id, newcomer)
      }
      const leftMs = await book.attach(id, row)
      if (leftMs !== undefined) await write(leftMs)
    },
  }
}

/** The same book, in which each client is looked up once for one request. */
export function readOnce(book: Clients, seen: RequestMemory<Promise<Found>>): Clients {
  const note = (id: string, found: Promise<Found>): Promise<Found> => {
    seen.keep(id, found)
    return found
  }
  return {
    ...book,
    get: (id) => seen.find(id) ?? note(id, book.get(id)),
    use: (id) => note(id, book.use(id)),
    add: (client) => {
      seen.forget(client.id)
      return book.add(client)
    },
    remove: (id) => {
      seen.forget(id)
      return book.remove(id)
    },
  }
}

function metadataOf(id: string, client: ConfiguredClient): AdapterPayload {
  const { auth, name, redirectUris, grants } = client
  return {
    client_id: id,
    client_name: name ?? id,
    redirect_uris: [...redirectUris],
    application_type: applicationTypeOf(redirectUris),
    grant_types: [...grantTypesOf(grants)],
    response_types: grants.includes('authorization_code') ? ['code'] : [],
    token_endpoint_auth_method: AUTH_METHODS[auth.kind],
    ...(auth.kind === 'secret' && { client_secret: auth.secret.reveal() }),
    ...(auth.kind === 'keys' && { jwks: { keys: auth.keys.map((key) => ({ ...key })) } }),
  }
}

const AUTH_METHODS = {
  public: 'none',
  secret: 'client_secret_basic',
  keys: 'private_key_jwt',
} as const

/**
 * `native` is what makes any port of a loopback redirect match, and people be asked every time: nobody
 * can be sure who listens there (RFC 8252 §8.6).
 */
export function applicationTypeOf(redirectUris: readonly string[]): 'native' | 'web' {
  const isNative = redirectUris.some((uri) => {
    const { protocol, hostname } = new URL(uri)
    return protocol === 'http:' ? isLoopback(hostname) : protocol !== 'https:'
  })
  return isNative ? 'native' : 'web'
}

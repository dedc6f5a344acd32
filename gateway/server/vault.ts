/** The vault of one configuration: the connections of people, and the pages where they make them. */
import { setTimeout as pause } from 'node:timers/promises'

import { ACCESS_PATH, SIGN_IN_PATH } from '../issuer/routes.ts'
import type { Caller } from '../model/caller.ts'
import type { VaultCredential } from '../model/credential.ts'
import { hostCookie, SESSION_COOKIE } from '../pages/cookies.ts'
import type { PageAnswer } from '../pages/page.ts'
import type { Seals } from '../seal/seal.ts'
import type { Settings } from '../settings/settings.ts'
import type { Book } from '../vault/book.ts'
import { createBreaker } from '../vault/breaker.ts'
import { createConnectDesk, type ConnectRequest } from '../vault/connect-desk.ts'
import { createConnectLinks } from '../vault/connect-link.ts'
import type { Own } from '../vault/connect-pages.ts'
import { createConnect, type Connect } from '../vault/connect.ts'
import type { ConnectionId, Owner } from '../vault/connection.ts'
import type { Connectable } from '../vault/found.ts'
import { createKeeper, type Keeper } from '../vault/keeper.ts'
import { createProviders, isFrom } from '../vault/providers.ts'
import { createServices } from '../vault/services.ts'
import { tellLinkEnd } from './link-ends.ts'
import { createLiveSessions } from './live-sessions.ts'
import type { Plant } from './plant.ts'

/** Where the connect pages are, below the path of the public URL. */
export const CONNECT_PATH = '/connect'

/** Processes on one store tell each other which connection has changed. */
const TOPIC = 'vault'

/** For calls, for people, and for operators. */
export type Vault = {
  readonly keeper: Keeper
  readonly book: Book
  readonly connect: Connect
  readonly connectLink: (caller: Caller, wanted: Connectable, server: string) => string | undefined
  readonly desk: (request: ConnectRequest) => Promise<PageAnswer>
  /** Path of the connect pages; undefined where no provider is configured, and so there are none. */
  readonly path: string | undefined
  /** Hears of no changes any more. */
  close(): void
}

/** Path of the connect pages. */
export function connectPathOf({ publicUrl }: Pick<Settings, 'publicUrl'>): string {
  return new URL(publicUrl).pathname.replace(/\/$/, '') + CONNECT_PATH
}

/** @param seals Of the key ring of this configuration: links to the connect pages open with them. */
export function createVault(settings: Settings, plant: Plant, seals: Seals): Vault {
  const { book, clientAuth, emit, instance, now, store } = plant
  const { envelopes } = plant.vaultKeys
  const fetchesOf = plant.providerFetches.of
  const { publicUrl } = settings
  const url = new URL(publicUrl)
  const path = connectPathOf(settings)
  const services = createServices(fetchesOf, clientAuth)
  const redirectUri = (name: string): string => `${url.origin}${path}/${name}/callback`
  const providers = createProviders({
    configured: settings.providers,
    fetchesOf,
    store,
    envelopes,
    redirectUri,
    origin: url.origin,
    now,
    emit,
  })
  const keeper = createKeeper({
    book,
    services,
    store,
    providers,
    instance,
    now,
    emit,
    breaker: createBreaker(now),
    pause: (ms) => pause(ms),
    random: Math.random,
  })
  const changed = (id: ConnectionId): void => {
    keeper.forget(id)
    // A hint: whoever misses it reads the row again within seconds.
    store.publish(TOPIC, JSON.stringify(id)).catch(() => undefined)
  }
  const unsubscribe = store.subscribe(TOPIC, (message) => {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- published right above
    keeper.forget(JSON.parse(message) as ConnectionId)
  })
  const connect = createConnect({
    book,
    services,
    store,
    envelopes,
    providers,
    redirectUri,
    changed,
    now,
    emit,
  })
  const links = createConnectLinks({ seals, base: url.origin + path, now })
  const isSecure = url.protocol === 'https:'
  const desk = createConnectDesk({
    connect,
    links,
    providers,
    store,
    now,
    sessions: createLiveSessions(plant, { apiKeys: settings.apiKeys }),
    sessionCookie: hostCookie(SESSION_COOKIE, isSecure),
    connectCookie: hostCookie('gatehouse-connect', isSecure),
    scopesOf: (name, account) => scopesNeeded(settings, name, account),
    mine: (owner) => ownConnections(owner, { book, settings }),
    signIn: (back) => `${SIGN_IN_PATH}?back=${encodeURIComponent(back)}`,
    accessPath: settings.authorizationServer === undefined ? undefined : ACCESS_PATH,
    done: (asked, owner) => tellLinkEnd({ ...asked, ...owner }, store),
    origin: url.origin,
    base: path,
  })
  return {
    keeper,
    book,
    connect,
    // Nobody else can sign in on our pages as the caller of the call.
    connectLink: (caller, wanted, server) =>
      caller.issuer === settings.authorizationServer?.issuer
        ? links.make(caller, wanted, { server, client: caller.client })
        : undefined,
    desk,
    path: settings.providers.size > 0 ? path : undefined,
    close: unsubscribe,
  }
}

/** What one person has connected, and could: every provider, every account that a server asks for. */
async function ownConnections(
  owner: Owner,
  { book, settings }: { readonly book: Book; readonly settings: Settings },
): Promise<readonly Own[]> {
  const found: Own[] = []
  for (const provider of settings.providers.values()) {
    const accounts = new Set(
      vaultCredentials(settings, provider.name).map(({ account }) => account),
    )
    for (const account of accounts) {
      const entry = await book.read({ ...owner, provider: provider.name, account })
      const known = typeof entry === 'object' ? entry.connection : undefined
      const own = isFrom(provider, known?.grantor) ? known : undefined
      const { state, label } = own ?? { state: 'none' as const, label: '' }
      found.push({ provider, account, state, label })
    }
  }
  return found
}

/** What servers need of an account, all together; undefined where none works with it. */
function scopesNeeded(
  settings: Settings,
  provider: string,
  account: string,
): readonly string[] | undefined {
  const uses = vaultCredentials(settings, provider).filter((one) => one.account === account)
  if (uses.length === 0 && account !== 'default') return undefined
  return [...new Set(uses.flatMap(({ scopes }) => scopes))]
}

function vaultCredentials({ servers }: Settings, provider: string): readonly VaultCredential[] {
  const credentials = servers.flatMap(({ credential, toolCredentials, ruleCredentials }) => [
    credential,
    ...(toolCredentials?.values() ?? []),
    ...(ruleCredentials?.values() ?? []),
  ])
  return credentials.filter(
    (one): one is VaultCredential => one.kind === 'vault' && one.provider === provider,
  )
}

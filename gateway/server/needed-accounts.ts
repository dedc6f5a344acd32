/** Which accounts of a person the servers of one configuration work with, and where to connect them. */
import type { Setup } from '../issuer/setup.ts'
import type { Caller } from '../model/caller.ts'
import type { Credential, VaultCredential } from '../model/credential.ts'
import type { AccountUse, NeededAccount } from '../model/needed-account.ts'
import { Refusal } from '../model/refusal.ts'
import type { Settings } from '../settings/settings.ts'
import type { Book } from '../vault/book.ts'
import { createConnectLinks } from '../vault/connect-link.ts'
import { lackOf } from '../vault/keeper.ts'
import { isFrom } from '../vault/providers.ts'
import type { Plant } from './plant.ts'
import { connectPathOf } from './vault.ts'

type Wanted = { readonly caller: Caller; readonly server: string }

/** A credential of a server, and the tool it is for; undefined where it is for all the others. */
type Need = { readonly credential: Credential; readonly tool: string | undefined }

/** @param isShown Whether the policy would ever let this caller use the tool. */
export function createNeededAccounts(
  settings: Settings,
  plant: Pick<Plant, 'book' | 'seals' | 'now'>,
  isShown: (tool: string, wanted: Wanted) => boolean,
): Pick<Setup, 'accountsFor' | 'connectAt' | 'connectPath' | 'silentTargets'> {
  const { providers, publicUrl, authorizationServer } = settings
  const path = connectPathOf(settings)
  return {
    accountsFor: async (wanted) => {
      const found = new Map<string, NeededAccount>()
      for (const one of wanted) {
        for (const { credential, tool } of needsOf(one.server, settings)) {
          if (credential.kind !== 'vault') continue
          if (tool !== undefined && !isShown(tool, one)) continue
          const key = `${credential.provider} ${credential.account}`
          const title = providers.get(credential.provider)?.title ?? credential.provider
          found.set(key, joined(found.get(key), credential, { title, server: one.server, tool }))
        }
      }
      const owner = wanted[0]?.caller
      if (owner === undefined) return []
      const room = { book: plant.book, providers }
      return await Promise.all(Array.from(found.values(), (need) => look(owner, need, room)))
    },
    connectAt: (subject, { provider, account, scopes, uses }, detour) => {
      const { tenant, issuer } = authorizationServer ?? { tenant: '', issuer: '' }
      const base = new URL(publicUrl).origin + path
      const links = createConnectLinks({ seals: plant.seals(), base, now: plant.now })
      const server = [...new Set(uses.map((use) => use.server))].join(', ')
      const owner = { tenant, issuer, subject }
      return links.make(owner, { provider, account, scopes }, { server, detour })
    },
    silentTargets: [...providers.values()].flatMap((provider) =>
      provider.silent ? [new URL(provider.authorizeUrl).origin] : [],
    ),
    connectPath: providers.size > 0 ? path : undefined,
  }
}

function needsOf(name: string, { servers }: Settings): readonly Need[] {
  const server = servers.find((one) => one.name === name)
  if (server === undefined) return []
  const { credential, toolCredentials = new Map<string, Credential>() } = server
  const own = Array.from(toolCredentials, ([tool, credential]) => ({ tool, credential }))
  return [{ credential, tool: undefined }, ...own]
}

/** One account with one more use. */
function joined(
  before: NeededAccount | undefined,
  { provider, account, scopes }: VaultCredential,
  { title, server, tool }: { title: string; server: string; tool: string | undefined },
): NeededAccount {
  const uses = before?.uses ?? []
  return {
    provider,
    title,
    account,
    scopes: [...new Set([...(before?.scopes ?? []), ...scopes])],
    uses: withUse(uses, server, tool),
    isConnected: false,
  }
}

function withUse(
  uses: readonly AccountUse[],
  server: string,
  tool: string | undefined,
): readonly AccountUse[] {
  const old = uses.find((use) => use.server === server)
  if (old === undefined)
    return [...uses, { server, tools: tool === undefined ? undefined : [tool] }]
  // What all tools use, each of them does.
  if (old.tools === undefined || tool === undefined) return uses
  const next = { server, tools: [...old.tools, tool] }
  return uses.map((use) => (use === old ? next : use))
}

type Room = Pick<Settings, 'providers'> & { readonly book: Book }

async function look(
  owner: Caller,
  need: NeededAccount,
  { book, providers }: Room,
): Promise<NeededAccount> {
  const { tenant, issuer, subject } = owner
  const { provider, account } = need
  const id = { tenant, issuer, subject, provider, account }
  const entry = await book.read(id).catch((error: unknown) => {
    if (error instanceof Refusal) return 'unknown' as const
    throw error
  })
  // A key service that is away keeps nobody from signing in: the call that lacks an account says so.
  if (entry === 'unknown') return { ...need, isConnected: true }
  if (entry === undefined || entry === 'unreadable') return { ...need, isConnected: false }
  const isThere = isFrom(providers.get(provider), entry.connection.grantor)
  return { ...need, isConnected: isThere && lackOf(entry, need) === undefined }
}

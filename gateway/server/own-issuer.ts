/** Wires the embedded authorization server, where it is configured. */
import { setTimeout as pause } from 'node:timers/promises'
import { createPublicFetch } from '../egress/public-fetch.ts'
import type { Issuer } from '../issuer/issuer.ts'
import type { Setup } from '../issuer/setup.ts'
import type { AuthorizationRules } from '../model/authorization-rules.ts'
import type { Caller } from '../model/caller.ts'
import type { Occasion } from '../policy/occasion.ts'
import { occasionAt } from '../policy/occasion.ts'
import type { Rules } from '../policy/rules.ts'
import { scopesFor } from '../policy/rules.ts'
import { isUsable } from '../policy/visible.ts'
import { createClients } from '../registry/clients.ts'
import type { Settings } from '../settings/settings.ts'
import { describedTools } from './described-tools.ts'
import { createLiveSessions } from './live-sessions.ts'
import { createNeededAccounts } from './needed-accounts.ts'
import type { Plant } from './plant.ts'
import { createTake } from './take.ts'

/** Between two pages of clients that are counted, in milliseconds: 100,000 are counted in some 15 s. */
const REST_MS = 25

type Configuration = { readonly settings: Settings; readonly rules: Rules }

/** Undefined where there is none: then nothing of it is loaded either. */
export async function openIssuer(
  configuration: Configuration,
  plant: Plant,
): Promise<Issuer | undefined> {
  const setup = setupOf(configuration, plant)
  if (setup === undefined) return undefined
  const { createIssuer } = await import('../issuer/issuer.ts')
  const { store, now, emit, revocations, signingKeys, seals } = plant
  const book = createClients({ store, now })
  await book.sweep()
  return createIssuer({
    setup,
    store,
    book,
    rest: () => pause(REST_MS),
    sessions: createLiveSessions(plant, { apiKeys: [], issuer: setup.issuer }),
    revocations,
    keys: signingKeys,
    sealing: () => ({
      seal: (bound, text) => seals().seal('oauth', bound, text),
      open: (bound, sealed) => seals().open('oauth', bound, sealed),
    }),
    fetch: plant.oauthFetch,
    publicFetch: createPublicFetch(),
    keyLoading: {
      fetchKeys: plant.keyFetches.fetchKeys,
      readFile: plant.readFile,
    },
    cookieKeys: () => seals().keysFor('cookie'),
    refreshKeys: () => seals().keysFor('refresh-token'),
    take: createTake(plant),
    now,
    emit,
  })
}

/** What the authorization server is told of a configuration; undefined for one without it. */
export function setupOf({ settings, rules }: Configuration, plant: Plant): Setup | undefined {
  const own: AuthorizationRules | undefined = settings.authorizationServer
  if (own === undefined) return undefined
  const servers = settings.servers.filter(
    ({ issuers, anonymous }) => issuers?.includes(own.issuer) ?? !anonymous,
  )
  const occasion = (server: string): Occasion => ({
    ...occasionAt(server),
    nowMs: plant.now(),
  })
  const mayUse = (caller: Caller, server: string, name: string): boolean =>
    isUsable(rules, caller, { kind: 'tool', name }, occasion(server))
  return {
    ...own,
    ...createNeededAccounts(settings, plant, (tool, { caller, server }) =>
      mayUse(caller, server, tool),
    ),
    servers: servers.map(({ name, resource, scopes, initialScopes, consent }) => ({
      name,
      resource,
      initialScopes,
      words: consent,
      scopes: scopes.length > 0 ? scopes : scopesFor(rules, name),
    })),
    allowedOrigins: settings.allowedOrigins,
    toolsFor: async (caller, server) => {
      const known = await describedTools(plant, server)
      return known.filter(({ name }) => mayUse(caller, server, name))
    },
  }
}

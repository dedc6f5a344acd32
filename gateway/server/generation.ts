/**
 * One configuration at work: its desk, its public documents and its connections to servers. A reload
 * makes the next generation; visits keep the one they began with, and its connections close when the
 * last of them has left, so that no request fails because of a reload.
 */
import type { Identify } from '../identity/identify.ts'
import type { TrustedIssuer } from '../identity/trust.ts'
import { createBudgets } from '../limits/budgets.ts'
import type { McpServer } from '../model/server.ts'
import { metadataUrl } from '../oauth/metadata.ts'
import type { Desk } from '../pipeline/desk.ts'
import type { Eras } from '../pipeline/eras.ts'
import { createSessions } from '../pipeline/handles.ts'
import { createLookUp } from '../pipeline/look-up.ts'
import { buildRoutes } from '../pipeline/route.ts'
import { createTasks } from '../pipeline/tasks.ts'
import { createTickets } from '../pipeline/tickets.ts'
import type { Rules } from '../policy/rules.ts'
import { scopesFor } from '../policy/rules.ts'
import type { Settings } from '../settings/settings.ts'
import { formatTraceparent, parseTraceparent } from '../telemetry/traceparent.ts'
import type { Conversations } from '../upstream/conversations.ts'
import { createConversations } from '../upstream/conversations.ts'
import type { SideDoors } from '../upstream/side-doors.ts'
import { createSideDoors } from '../upstream/side-doors.ts'
import { createAskToken } from '../vault/ask-token.ts'
import { createSwaps, type Swaps } from '../vault/swaps.ts'
import type { ApprovalDoor } from './approval-door.ts'
import { createApprovalDoor } from './approval-door.ts'
import { buildDocuments } from './documents.ts'
import type { Documents } from './doors.ts'
import { factsOf } from './facts.ts'
import { identifyFor } from './identify-for.ts'
import type { Plant } from './plant.ts'
import { createAddressOf } from './proxies.ts'
import type { ReadQuota } from './read-quota.ts'
import { createReadQuota } from './read-quota.ts'
import { createServerEras } from './server-eras.ts'
import { createVault, type Vault } from './vault.ts'

/** A configuration at work, from `takeOver` to the end of its last visit. */
export type Generation = {
  readonly settings: Settings
  readonly rules: Rules
  readonly desk: Desk
  readonly documents: Documents
  readonly countReader: ReadQuota
  readonly approvalDoor: ApprovalDoor
  readonly conversations: Conversations
  readonly sides: SideDoors
  readonly identify: Identify
  readonly eras: Eras
  readonly vault: Vault
  /** Authority of the public URL. */
  readonly host: string
  /** Puts its keys in force, which cannot fail. Before that nothing of it is. */
  takeOver(): void
  /** A visit begins; call `leave` when it is over. */
  enter(): void
  leave(): void
  /** No new visits come; connections close once the last one has left. */
  retire(): void
  /** Retired, and the last visit has left. */
  readonly over: boolean
}

/** Makes one that is not in force yet. @throws {Error} when a file it needs cannot be read. */
export function createGeneration(options: {
  readonly settings: Settings
  readonly rules: Rules
  readonly plant: Plant
  readonly previous: Generation | undefined
  /** The desk in force whenever it is asked for. */
  readonly latest: () => Desk
  /** Our own authorization server, where there is one. */
  readonly own: TrustedIssuer | undefined
}): Generation {
  const { settings, rules, plant, previous, own } = options
  const conversations = createConversations(settings.servers.filter(isHttp), plant.tick)
  const sides = createSideDoors(settings.servers, plant.tick)
  const seals = plant.sealsOf(settings.keys)
  const taken = [plant.vaultKeys.prepare(settings), plant.providerFetches.prepare(settings)]
  const { scopeIncludes } = settings
  const ours = own === undefined ? [] : [{ ...own, scopeIncludes }]
  const trusted = [...ours, ...settings.issuers]
  const identify = identifyFor({ settings, trusted }, plant, previous?.identify)
  // What listens or asks by itself is begun once there is nothing left to be refused for.
  const vault = createVault(settings, plant, seals)
  const swaps = swapsFor(settings, plant, vault)
  const { servers } = settings
  const eras = createServerEras({ servers, conversations, plant, previous: previous?.eras })
  const routes = buildRoutes(settings.servers, settings.allowedOrigins)
  const scopesOf = (server: McpServer): readonly string[] =>
    server.scopes.length > 0 ? server.scopes : scopesFor(rules, server.name)
  const issuers = trusted.map(({ issuer }) => issuer)
  const approvalDoor = createApprovalDoor({
    settings,
    plant,
    signIn: identify.signIn,
    open: (id, sealed) => seals.open('approval', [id], sealed),
  })
  let visits = 0
  let retired = false
  const leaveIfEmpty = (): void => {
    if (!retired || visits > 0) return
    void conversations.close()
    sides.close()
    vault.close()
  }
  const generation: Generation = {
    settings,
    rules,
    conversations,
    sides,
    identify,
    eras,
    vault,
    host: new URL(settings.publicUrl).host,
    approvalDoor,
    countReader: createReadQuota(settings, plant),
    documents: buildDocuments({
      routes,
      issuers,
      scopesOf,
      publicUrl: settings.publicUrl,
      jwks: plant.signingKeys.jwks,
    }),
    desk: {
      latest: options.latest,
      version: settings.version,
      routes,
      rules,
      facts: factsOf(() => plant.grants.book, plant.catalogue),
      grants: plant.grants,
      approvals: plant.approvals,
      approvalUrl: approvalDoor.urlOf,
      identify,
      catalogue: plant.catalogue,
      lookUp: createLookUp({
        conversations,
        catalogue: plant.catalogue,
        pins: plant.pins,
        swaps,
        tick: plant.tick,
      }),
      pins: plant.pins,
      askPoint: plant.askPoint,
      eras,
      inFlight: plant.inFlight,
      budgets: createBudgets(settings.limits, plant.buckets),
      conversations,
      sides,
      swaps,
      seals,
      sessions: createSessions(seals),
      tasks: createTasks(seals, plant.recentTasks),
      now: plant.now,
      tick: plant.tick,
      newId: plant.newId,
      emit: plant.emit,
      parseTrace: parseTraceparent,
      formatTrace,
      startTrace: plant.startTrace,
      addressOf: createAddressOf(settings.trustedProxies),
      record: plant.audit.decision,
      notify: (name, notice) => {
        const to = settings.notifications.get(name)
        if (to !== undefined) plant.notifier.send(to, notice)
      },
      metadataUrl: (server) => metadataUrl(server.resource),
      scopesOf: (server) => server.initialScopes ?? scopesOf(server),
      settle: plant.settle,
      tickets: createTickets({ seals, store: plant.store, now: plant.now }),
      finish: plant.finish,
    },
    takeOver: () => {
      plant.useSeals(seals)
      for (const take of taken) take()
    },
    enter: () => {
      visits += 1
    },
    leave: () => {
      visits -= 1
      leaveIfEmpty()
    },
    retire: () => {
      retired = true
      leaveIfEmpty()
    },
    get over() {
      return retired && visits === 0
    },
  }
  return generation
}

function swapsFor({ publicUrl }: Settings, plant: Plant, { keeper, connectLink }: Vault): Swaps {
  const { clientAuth, emit, now, oauthFetch, sign } = plant
  return createSwaps({
    ask: createAskToken(oauthFetch, clientAuth),
    sign,
    issuer: new URL(publicUrl).origin,
    keeper,
    connectLink,
    now,
    emit,
  })
}

/** The others have a connection for each client instead of a pool. */
function isHttp({ upstream }: McpServer): boolean {
  return upstream.transport !== 'websocket'
}

/** Our own span when this visit is recorded, else what the caller sent, unchanged. */
function formatTrace(journey: Parameters<Desk['formatTrace']>[0]): string | undefined {
  const { traceId, spanId, trace } = journey
  if (traceId !== undefined && spanId !== undefined) {
    return formatTraceparent({ traceId, spanId, sampled: true })
  }
  if (trace === undefined) return undefined
  return formatTraceparent({
    traceId: trace.traceId,
    spanId: trace.parentId,
    sampled: trace.sampled,
  })
}

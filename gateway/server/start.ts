/** Wires the gateway from a loaded configuration, runs it, reloads it and stops it. */
import { erasOf } from '../mcp/spoken.ts'
import type { Desk } from '../pipeline/desk.ts'
import { createAdmin } from '../admin/admin.ts'
import type { Known } from '../admin/revocation-actions.ts'
import { grantRules } from '../policy/grant-rules.ts'
import type { Issuer } from '../issuer/issuer.ts'
import { isOauthTarget } from '../issuer/routes.ts'
import type { Settings } from '../settings/settings.ts'
import { receive, turnAway } from './doors.ts'
import type { Generation } from './generation.ts'
import { createGeneration } from './generation.ts'
import type { ListedTools } from './crew-talk.ts'
import type { HttpVisit } from './http-visit.ts'
import { refreshRegistries, startJobs } from './jobs.ts'
import type { Listener } from './listen.ts'
import { listen } from './listen.ts'
import type { OnRequest } from './listen.ts'
import type { Loaded, Source } from './load-all.ts'
import { formatProblem } from './load-all.ts'
import { announceChanges, announceHeld } from './list-changes.ts'
import { listenOf, type Membership } from './membership.ts'
import { type Hearer, hearersAmong } from './hearers.ts'
import { hearLinkEnds } from './link-ends.ts'
import type { Log } from './log.ts'
import type { Arrival } from './open-visit.ts'
import { addressOf, openVisit } from './open-visit.ts'
import type { OpsListener } from './ops.ts'
import { listenOps } from './ops.ts'
import { describePolicyChange } from './policy-change.ts'
import type { Plant } from './plant.ts'
import { openPlant } from './plant.ts'
import { type Readiness, readinessOf } from './readiness.ts'
import { erasText } from './server-eras.ts'
import type { Reloader, ReloadResult } from './reload.ts'
import { createReloader } from './reload.ts'
import type { Sockets } from './sockets.ts'
import { createSockets } from './sockets.ts'
import { drain } from './stop.ts'
import { createUnlistedTools } from './unlisted-tools.ts'
import { openIssuer, setupOf } from './own-issuer.ts'
import { countStreams } from './stream-counts.ts'
import { watchFiles } from './watch.ts'

type Ready = Extract<Loaded, { ok: true }>

export type StartOptions = {
  readonly source: Source
  readonly loaded: Ready
  readonly version: string
  readonly log: Log
  /** Where this is one of several workers. */
  readonly member?: Membership | undefined
  /** Opens the ops port; `listenOps` by default. */
  readonly listenOps?: typeof listenOps
}

export type Gatehouse = {
  readonly port: number
  readonly opsPort: number
  reload(): Promise<ReloadResult>
  /** Opens the audit log anew, after it was rotated. */
  reopenLogs(): Promise<void>
  /** As `gatehouse status` shows it; plain JSON values. */
  status(): Readonly<Record<string, unknown>>
  /** The tools that each server has listed, to whomever. */
  tools(): ListedTools
  /** Picks up at once what other processes have written, which is looked for each second anyway. */
  refresh(): Promise<void>
  /** Drains and closes everything; a second call waits for the first. */
  stop(): Promise<void>
}

/** Everything that is running. */
type House = {
  readonly options: StartOptions
  readonly plant: Plant
  readonly generations: Set<Generation>
  readonly answering: Set<HttpVisit>
  readonly sockets: Sockets
  readonly startedAtMs: number
  /** Our own authorization server, where there is one. */
  readonly issuer: Issuer | undefined
  current: Generation
  draining: boolean
}

/** Opens everything and listens. Rejects with an Error that says what could not be opened. */
export async function start(options: StartOptions): Promise<Gatehouse> {
  const { loaded, log, source } = options
  const { settings } = loaded
  const house = await open(options)
  const { plant, answering, generations, sockets } = house
  const listener = await listen(listenOf(settings.listen, options.member), {
    onRequest: serveFor(house),
    upgrades: sockets,
    rawCalls: {
      serves: (target) => house.issuer === undefined || !isOauthTarget(target),
      serve: (request, response) => serve({ request, response, expects: 'sends_at_once' }, house),
    },
  })
  const unlisted = createUnlistedTools(plant.catalogue)
  const reloader = createReloader({
    source,
    unlisted,
    started: settings,
    plant,
    log,
    current: () => house.current.settings,
    adopt: async (next) => {
      const { tls } = next.settings.listen
      if (tls !== undefined) listener.reloadCertificates(tls)
      const change = adopt(next, house)
      watcher.refresh(next.settings.files, next.settings.digests)
      return await change
    },
    alsoWatch: ({ files, digests }) =>
      watcher.refresh([...new Set([...house.current.settings.files, ...files])], digests),
  })
  const watcher = watchFiles({
    files: settings.files,
    digests: settings.digests,
    onChange: () => void reloader.reload(),
  })
  const stopJobs = startJobs({
    unlisted,
    plant,
    log,
    answering,
    sockets,
    closeIdle: listener.closeIdle,
    hearers: () => hearersIn(house),
    issuer: house.issuer,
    generations: () => generations,
    current: () => house.current,
  })
  const status = (): Readonly<Record<string, unknown>> => statusOf(house, reloader, listener)
  const ops = await openOps(house, reloader, status)
  plant.metrics.observeOpen({
    streams: () => [...countStreams(answering), ...sockets.counts()],
    connections: listener.connections,
    audit: plant.audit.health,
    eras: () => erasIn(house.current),
    connected: plant.connected,
    load: () => plant.load,
    sharedLimits: plant.sharedBuckets && (() => plant.sharedBuckets),
  })
  plant.pins.onHeld((server, tools) => {
    const { rules, desk, settings: now } = house.current
    // Where a change is only told, lists stay as they are.
    if (now.servers.find(({ name }) => name === server)?.pin !== 'hold') return
    const sight = { rules, nowMs: plant.now(), facts: desk.facts }
    void announceHeld(hearersIn(house), { server, tools, sight })
  })
  hearLinkEnds(plant.store, () => hearersIn(house))
  plant.emit({ type: 'started', version: options.version })

  let stopping: Promise<void> | undefined
  const stop = async (): Promise<void> => {
    house.draining = true
    plant.emit({ type: 'stopping', version: options.version })
    watcher.close()
    const { drainSeconds } = settings.listen
    await drain({ listener, answering, sockets, drainSeconds, generations: () => generations })
    stopJobs()
    await ops.close()
    await plant.close()
  }
  return {
    port: listener.port,
    opsPort: ops.port,
    reload: reloader.reload,
    reopenLogs: () => plant.audit.reopen(),
    status,
    tools: () => toolsIn(house),
    refresh: async () => {
      await Promise.all([refreshRegistries(plant), plant.signingKeys.refresh()])
    },
    stop: () => (stopping ??= stop()),
  }
}

async function open(options: StartOptions): Promise<House> {
  const { loaded, log, version, member } = options
  const plant = await openPlant({ settings: loaded.settings, version, log, member })
  const { settings, rules } = loaded
  const latest = (): Desk => house.current.desk
  const issuer = await openIssuer(loaded, plant)
  const own = issuer?.trust()
  const current = createGeneration({ settings, rules, plant, previous: undefined, latest, own })
  const house: House = {
    options,
    plant,
    current,
    generations: new Set([current]),
    answering: new Set(),
    sockets: createSockets({ plant, log, current: () => house.current }),
    startedAtMs: plant.now(),
    issuer,
    draining: false,
  }
  return house
}

/**
 * From here on visits belong to the new configuration; those under way keep theirs. Resolves with what the
 * new policy changes.
 */
function adopt({ settings, rules }: Ready, house: House): Promise<string | undefined> {
  const { plant, generations, current: previous, issuer } = house
  const latest = (): Desk => house.current.desk
  const own = issuer?.trust()
  house.current = createGeneration({ settings, rules, plant, previous, latest, own })
  const setup = setupOf({ settings, rules }, plant)
  if (setup !== undefined) issuer?.configure(setup)
  generations.add(house.current)
  previous.retire()
  for (const generation of generations) if (generation.over) generations.delete(generation)
  const sight = { nowMs: plant.now(), facts: house.current.desk.facts }
  const { catalogue } = plant
  const [before, after] = [
    { ...sight, rules: previous.rules },
    { ...sight, rules },
  ]
  void announceChanges(hearersIn(house), { before, after, catalogue })
  return describePolicyChange(plant.recentCalls.calls(), {
    before: previous.rules,
    after: rules,
    includes: { before: previous.settings.scopeIncludes, after: settings.scopeIncludes },
    occasion: sight,
  })
}

function hearersIn({ answering, sockets }: House): readonly Hearer[] {
  return [...hearersAmong(answering), ...sockets.hearers()]
}

/** What takes each request; one more look at its target where the authorization server is configured. */
function serveFor(house: House): OnRequest {
  const { issuer } = house
  const toPipeline: OnRequest = (request, response, expects) =>
    serve({ request, response, expects }, house)
  if (issuer === undefined) return toPipeline
  return (request, response, expects) => {
    const { sheds } = house.plant.load.pressure
    if (!isOauthTarget(request.url ?? '') || sheds === 'everything')
      return toPipeline(request, response, expects)
    if (house.draining) response.shouldKeepAlive = false
    if (expects === 'expects_continue') response.writeContinue()
    void issuer.handle(request, response, addressOf(request, house.current))
  }
}

function serve(arrival: Arrival, house: House): void {
  const generation = house.current
  generation.enter()
  if (house.draining) arrival.response.shouldKeepAlive = false
  const visit = openVisit(arrival, generation, house)
  const isShed = house.plant.load.pressure.sheds === 'everything'
  const served = isShed ? turnAway(visit, generation) : receive(visit, generation)
  served.then(generation.leave, (error: unknown) => {
    generation.leave()
    visit.drop()
    house.options.log('error', 'a visit failed', { detail: String(error) })
  })
}

/** As `gatehouse status` lists them. */
function serversIn({ settings, eras }: Generation): readonly object[] {
  return settings.servers.map((server) => {
    const { name, resource } = server
    return { name, resource, eras: erasText(eras.of(server)) }
  })
}

function erasIn({ settings, eras }: Generation): Iterable<{ server: string; eras: string }> {
  return settings.servers.map((server) => ({ server: server.name, eras: erasOf(eras.of(server)) }))
}

function knownTo({ authorizationServer, issuers, apiKeys }: Settings): Known {
  return {
    issuers: [
      ...(authorizationServer === undefined ? [] : [authorizationServer.issuer]),
      ...issuers.map(({ issuer }) => issuer),
    ],
    apiKeyPrefixes: apiKeys.map(({ prefix }) => prefix),
  }
}

/** Tools that are hidden because their definition has changed, as `server/tool`. */
function heldIn({ plant, current }: House): readonly string[] {
  return current.settings.servers.flatMap(({ name, pin }) =>
    pin === 'hold' ? plant.pins.heldAt(name).map((tool) => `${name}/${tool}`) : [],
  )
}

function toolsIn({ plant: { catalogue }, current }: House): ListedTools {
  return Object.fromEntries(
    current.settings.servers.map(({ name }) => [
      name,
      [...catalogue.names(name, 'tool')].toSorted(),
    ]),
  )
}

function readinessIn({ plant, draining }: House, { last }: Reloader): Readiness {
  return readinessOf({ plant, lastReload: last, draining })
}

function statusOf(
  house: House,
  reloader: Reloader,
  { connections }: Listener,
): Readonly<Record<string, unknown>> {
  const { plant, answering, options, startedAtMs, current, sockets } = house
  const open = [...countStreams(answering), ...sockets.counts()]
  return {
    version: options.version,
    config: current.settings.version,
    upSeconds: Math.round((plant.now() - startedAtMs) / 1_000),
    servers: serversIn(current),
    heldTools: heldIn(house),
    streams: open.reduce((sum, each) => sum + each.open, 0),
    connections: connections(),
    lastReload: reloader.last,
    ...readinessIn(house, reloader),
  }
}

async function openOps(
  house: House,
  reloader: Reloader,
  status: Gatehouse['status'],
): Promise<OpsListener> {
  const { plant, options } = house
  const { ops } = options.loaded.settings
  const open = options.listenOps ?? listenOps
  return await open({
    host: ops.host,
    port: ops.port,
    metrics: plant.metrics.render,
    readiness: () => readinessIn(house, reloader),
    admin: createAdmin({
      token: ops.adminToken,
      revocations: plant.revocations,
      vault: () => ({
        book: house.current.vault.book,
        connect: house.current.vault.connect,
        resealKeys: plant.signingKeys.reseal,
      }),
      pins: plant.pins,
      clients: house.issuer?.clients,
      rotateSigningKeys: async () => {
        await plant.signingKeys.rotate()
        await house.issuer?.refresh()
        return plant.signingKeys.all().length
      },
      grants: plant.grants,
      grantRules: () => grantRules(house.current.rules),
      known: () => knownTo(house.current.settings),
      now: plant.now,
      emit: plant.emit,
      reload: async () => {
        const { ok, problems, notices } = await reloader.reload()
        return { ok, problems: problems.map(formatProblem), notices }
      },
      tools: () => toolsIn(house),
      status,
    }),
  })
}

/** Wires the gateway from a loaded configuration, runs it, reloads it and stops it. */
import { isOauthTarget } from '../issuer/routes.ts'
import type { ListedTools } from './crew-talk.ts'
import { adopt, hearersIn, type House, type HouseOptions, openHouse } from './house.ts'
import { refreshRegistries, startJobs } from './jobs.ts'
import { hearLinkEnds } from './link-ends.ts'
import { announceHeld } from './list-changes.ts'
import { listen, type Listener } from './listen.ts'
import type { Source } from './load-all.ts'
import { listenOf } from './membership.ts'
import { openOps } from './open-ops.ts'
import { listenOps } from './ops.ts'
import type { ReloadResult } from './reload.ts'
import { createReloader } from './reload.ts'
import { requestHandler, serve } from './serve.ts'
import { erasIn, type Status, statusOf, toolsIn } from './status.ts'
import { drain } from './stop.ts'
import { countStreams } from './stream-counts.ts'
import { createUnlistedTools } from './unlisted-tools.ts'
import { watchFiles } from './watch.ts'

export type StartOptions = HouseOptions & {
  readonly source: Source
  /** Opens the ops port; `listenOps` by default. */
  readonly listenOps?: typeof listenOps
}

/** A gateway that listens. */
export type Gatehouse = {
  readonly port: number
  readonly opsPort: number
  reload(): Promise<ReloadResult>
  /** Opens the audit log anew, after it was rotated. */
  reopenLogs(): Promise<void>
  status(): Status
  /** The tools that each server has listed, to whomever. */
  tools(): ListedTools
  /** Picks up at once what other processes have written, which is looked for each second anyway. */
  refresh(): Promise<void>
  /** Drains and closes everything; a second call waits for the first. */
  stop(): Promise<void>
}

/** Opens everything and listens. Rejects with an Error that says what could not be opened. */
export async function start(options: StartOptions): Promise<Gatehouse> {
  const { loaded, log, source } = options
  const { settings } = loaded
  const house = await openHouse(options)
  const { plant, answering, generations, sockets } = house
  const listener = await listen(listenOf(settings.listen, options.member), {
    onRequest: requestHandler(house),
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
      const takeCertificates = tls && listener.prepareCertificates(tls)
      const change = adopt(next, house)
      takeCertificates?.()
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
    unread: house.unread,
    closeIdle: listener.closeIdle,
    hearers: () => hearersIn(house),
    issuer: house.issuer,
    generations: () => generations,
    current: () => house.current,
  })
  const status = (): Status =>
    statusOf(house, { lastReload: reloader.last, connections: listener.connections() })
  const ops = await openOps(house, {
    ops: settings.ops,
    listenOps: options.listenOps ?? listenOps,
    reloader,
    status,
  })
  observeOpen(house, listener)
  tellHearers(house)
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

/** The metrics ask for these when they are read. */
function observeOpen(house: House, { connections }: Listener): void {
  const { plant, answering, sockets } = house
  plant.metrics.observeOpen({
    streams: () => [...countStreams(answering), ...sockets.counts()],
    connections,
    audit: plant.audit.health,
    eras: () => erasIn(house.current),
    connected: plant.connected,
    load: () => plant.load,
    sharedLimits: plant.sharedBuckets && (() => plant.sharedBuckets),
  })
}

/** Whoever is connected is told when a tool is held back, and when a page it was sent to is done with. */
function tellHearers(house: House): void {
  const { plant } = house
  plant.pins.onHeld((server, tools) => {
    const { rules, desk, settings } = house.current
    // Where a change is only told, lists stay as they are.
    if (settings.servers.find(({ name }) => name === server)?.pin !== 'hold') return
    const sight = { rules, nowMs: plant.now(), facts: desk.facts }
    void announceHeld(hearersIn(house), { server, tools, sight })
  })
  hearLinkEnds(plant.store, () => hearersIn(house))
}

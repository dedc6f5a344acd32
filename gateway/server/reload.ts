/** From changed files to the next generation, or to a clear message and the old one kept. */
import { messageOf } from '../model/message-of.ts'
import type { Problem } from '../model/problem.ts'
import type { RingKey } from '../model/ring-key.ts'
import type { Settings } from '../settings/settings.ts'
import type { Ready, Source } from './load-all.ts'
import { formatProblem, loadAll } from './load-all.ts'
import type { Log } from './log.ts'
import { oneAtATime } from './one-at-a-time.ts'
import type { Plant } from './plant.ts'
import type { UnlistedTools } from './unlisted-tools.ts'

export type ReloadResult = {
  readonly ok: boolean
  readonly problems: readonly Problem[]
  /** What an operator should know of a configuration that was taken, one line each. */
  readonly notices: readonly string[]
}

export type LastReload = {
  readonly ok: boolean
  readonly atMs: number
  readonly problems: readonly string[]
}

export type Reloader = {
  /** Reads everything again. Calls that overlap share a run. */
  reload(): Promise<ReloadResult>
  readonly last: LastReload
}

export function createReloader(options: {
  readonly source: Source
  /** What the process started with: some settings stay as they were then. */
  readonly started: Settings
  readonly current: () => Settings
  /**
   * Puts the new configuration to work; throws when it cannot, with the old one still at work. Resolves with
   * what the new policy changes, if anything.
   */
  readonly adopt: (next: Ready) => Promise<string | undefined>
  /**
   * Says which files a refused configuration is made of, and what was in them: mending any of them is
   * noticed, and what was refused is not read again until then.
   */
  readonly alsoWatch: (refused: Pick<Settings, 'files' | 'digests'>) => void
  readonly unlisted: UnlistedTools
  readonly plant: Pick<Plant, 'emit' | 'now'>
  readonly log: Log
}): Reloader {
  const { plant, log, started } = options
  let last: LastReload = { ok: true, atMs: plant.now(), problems: [] }

  const succeed = (next: Ready, before: Settings, change: string | undefined): ReloadResult => {
    const restart = needsRestart(started, next.settings)
    const { version } = next.settings
    const detail = change === undefined ? {} : { detail: change }
    plant.emit({ type: 'reload', ok: true, version, ...detail, needsRestart: restart })
    const waiting = restart.length === 0 ? {} : { needsRestart: restart.join(', ') }
    log('info', 'configuration reloaded', { version, ...waiting })
    if (change !== undefined) log('warn', 'the new policy changes decisions', detail)
    const problems = [...next.warnings, ...options.unlisted(next.rules)]
    const warnings = [...problems.map(formatProblem), ...moves(before, next.settings)]
    for (const warning of warnings) log('warn', warning)
    const restarts = restart.map(
      (name) => `${name} has changed: it stays as it was until a restart`,
    )
    const ring = changeOfRing(before, next.settings)
    if (ring !== undefined) log('info', ring)
    const changes = change === undefined ? [] : [change]
    const rings = ring === undefined ? [] : [ring]
    return { ok: true, problems: [], notices: [...changes, ...warnings, ...rings, ...restarts] }
  }
  const fail = (problems: readonly Problem[]): ReloadResult => {
    const detail = problems.map(formatProblem).join('\n')
    plant.emit({ type: 'reload', ok: false, version: options.current().version, detail })
    log('error', 'the new configuration is not valid; the old one stays', { detail })
    return { ok: false, problems, notices: [] }
  }
  const run = async (): Promise<ReloadResult> => {
    const next = await loadAll(options.source)
    if (!next.ok) {
      options.alsoWatch(next)
      return fail(next.problems)
    }
    const before = options.current()
    let change: string | undefined
    try {
      change = await options.adopt(next)
    } catch (error) {
      const message = messageOf(error)
      options.alsoWatch(next.settings)
      return fail([{ file: options.source.file, line: 1, column: 1, message }])
    }
    return succeed(next, before, change)
  }

  return {
    reload: oneAtATime(async () => {
      const result = await run()
      last = { ok: result.ok, atMs: plant.now(), problems: result.problems.map(formatProblem) }
      return result
    }),
    get last() {
      return last
    },
  }
}

/**
 * Servers that clients find elsewhere now. The sole server of a host is at `/mcp`, and no longer when a
 * second one is added, which is easily overlooked.
 */
function moves(before: Settings, next: Settings): readonly string[] {
  const places = new Map(before.servers.map((server) => [server.name, server]))
  const prefix = new URL(next.publicUrl).pathname.replace(/\/$/, '')
  return next.servers.flatMap(({ name, resource, host }) => {
    const old = places.get(name)
    if (old === undefined || old.resource === resource) return []
    const moved = `server ${name} has moved from ${old.resource} to ${resource}`
    const isNear = old.host === host && before.publicUrl === next.publicUrl
    return [isNear ? `${moved}; "path: ${old.path.slice(prefix.length)}" would keep it` : moved]
  })
}

/** What the key ring is now, when it has changed: replicas must agree before a new key seals. */
function changeOfRing(before: Settings, { keys }: Settings): string | undefined {
  if (textOf(before.keys) === textOf(keys)) return undefined
  const [current, ...old] = keys.map(({ id }) => id)
  if (current === undefined) return 'the key ring is gone: sessions end when the gateway does'
  const opens = old.length === 0 ? 'no other opens' : `also opens ${old.join(', ')}`
  return `the key ring has changed: ${current} seals, ${opens}`
}

function textOf(ring: readonly RingKey[]): string {
  return ring.map(({ id, key }) => `${id}:${key.reveal()}`).join(',')
}

/** What only a restart can change, by its name in the configuration file. */
const FIXED: readonly { readonly name: string; readonly of: (settings: Settings) => unknown }[] = [
  { name: 'workers', of: ({ workers }) => workers },
  { name: 'listen.host', of: ({ listen }) => listen.host },
  { name: 'listen.port', of: ({ listen }) => listen.port },
  { name: 'listen.tls', of: ({ listen }) => listen.tls === undefined },
  { name: 'listen.max_connections', of: ({ listen }) => listen.maxConnections },
  { name: 'listen.max_in_flight_per_caller', of: ({ listen }) => listen.maxInFlightPerCaller },
  { name: 'listen.max_streams_per_caller', of: ({ listen }) => listen.maxStreamsPerCaller },
  { name: 'authorization_server', of: ({ authorizationServer: own }) => own?.issuer },
  { name: 'ops.host', of: ({ ops }) => ops.host },
  { name: 'ops.port', of: ({ ops }) => ops.port },
  { name: 'ops.admin_token', of: ({ ops }) => ops.adminToken?.reveal() },
  { name: 'limits.shared', of: ({ limits }) => limits.shared },
  { name: 'state', of: ({ state }) => JSON.stringify(state) },
  { name: 'audit', of: ({ audit }) => JSON.stringify(audit) },
  { name: 'telemetry.otlp.endpoint', of: ({ telemetry }) => telemetry.otlp?.endpoint },
]

/** Names of the settings that differ but stay as they were until the process starts anew. */
export function needsRestart(old: Settings, next: Settings): readonly string[] {
  return FIXED.filter(({ of }) => of(old) !== of(next)).map(({ name }) => name)
}

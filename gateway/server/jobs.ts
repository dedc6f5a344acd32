/** What the running gateway looks after on a timer. What is called lives in its own room and takes the time. */
import { AUDIT_TICK_MS } from '../audit/audit.ts'
import type { Issuer } from '../issuer/issuer.ts'
import type { McpServer } from '../model/server.ts'
import { sideOf } from '../pipeline/route.ts'
import { decide } from '../policy/decide.ts'
import { mayConnect } from '../policy/visible.ts'
import { isOpen } from '../policy/window.ts'
import type { Settings } from '../settings/settings.ts'
import { countConnections } from '../vault/census.ts'
import { factsOf } from './facts.ts'
import type { Generation } from './generation.ts'
import type { Hearer } from './hearers.ts'
import type { HttpVisit } from './http-visit.ts'
import { announceChanges } from './list-changes.ts'
import { isListening } from './listening.ts'
import { formatProblem } from './load-all.ts'
import type { Log } from './log.ts'
import type { Plant } from './plant.ts'
import type { Sockets } from './sockets.ts'
import type { UnreadAnswers } from './unread-answers.ts'
import type { UnlistedTools } from './unlisted-tools.ts'

/** Revocations, deadlines and slow readers are looked at this often. */
const EVERY_MS = 1_000

/**
 * Keys of issuers are looked after this often, so that a withdrawn key ends its tokens, and expired
 * entries leave the store.
 */
const SLOWLY_EVERY_MS = 60_000

export type JobsOptions = {
  readonly plant: Plant
  readonly log: Log
  /** The generations that may still have visits, the newest last. */
  readonly generations: () => Iterable<Generation>
  readonly current: () => Generation
  /** Visits that are being answered. */
  readonly answering: ReadonlySet<HttpVisit>
  readonly sockets: Pick<Sockets, 'look'>
  readonly unread: Pick<UnreadAnswers, 'look'>
  /** Lets connections go that wait for another request. */
  readonly closeIdle: () => void
  /** Those who can be told that their lists have changed. */
  readonly hearers: () => Iterable<Hearer>
  /** Our own authorization server, where there is one. */
  readonly issuer: Pick<Issuer, 'refresh'> | undefined
  readonly unlisted: UnlistedTools
}

/** Starts the timers; the returned function stops them. */
export function startJobs(options: JobsOptions): () => void {
  const { plant, log } = options
  let refreshing = false
  const announceSights = createSightAnnouncer(options)
  count(options)
  const everySecond = setInterval(() => {
    const tick = plant.tick()
    for (const { conversations, sides } of options.generations()) {
      conversations.sweep(tick)
      sides.sweep(tick)
    }
    for (const visit of options.answering) checkAnswer(visit, options, tick)
    options.sockets.look(tick)
    options.unread.look(tick)
    announceSights()
    options.current().eras.look(tick)
    plant.load.look()
    // What nobody uses makes room for what somebody does.
    if (plant.load.pressure.sheds === 'everything') options.closeIdle()
    void plant.sharedBuckets?.look()
    if (refreshing) return
    refreshing = true
    refreshRegistries(plant)
      .catch((error: unknown) =>
        log('error', 'revocations, pins or grants cannot be read', { detail: String(error) }),
      )
      .finally(() => (refreshing = false))
  }, EVERY_MS)
  const audit = setInterval(() => plant.audit.tick(), AUDIT_TICK_MS)
  const slowly = setInterval(() => {
    void options.current().identify.refreshKeys()
    count(options)
    for (const warning of options.unlisted(options.current().rules)) {
      log('warn', formatProblem(warning))
    }
    plant.signingKeys
      .refresh()
      .then(() => options.issuer?.refresh())
      .catch((error: unknown) =>
        log('error', 'signing keys cannot be read', { detail: String(error) }),
      )
    plant.store
      .sweep()
      .catch((error: unknown) => log('warn', 'the store was not swept', { detail: String(error) }))
  }, SLOWLY_EVERY_MS)
  return () => {
    for (const timer of [everySecond, audit, slowly]) clearInterval(timer)
  }
}

/** Picks up what other processes have changed; one read for each list when nothing has. */
export async function refreshRegistries(
  plant: Pick<Plant, 'revocations' | 'pins' | 'grants' | 'approvals'>,
): Promise<void> {
  const { revocations, pins, grants, approvals } = plant
  await Promise.all([revocations, pins, grants, approvals].map((list) => list.refresh()))
}

/** Nothing is looked for where nobody can connect anything. */
function count({ current, log, plant }: JobsOptions): void {
  const { vault } = current()
  if (vault.path === undefined) return
  countConnections(vault.book)
    .then(plant.setConnected)
    .catch((error: unknown) =>
      log('warn', 'connections cannot be counted', { detail: String(error) }),
    )
}

/**
 * A reader that stays away is cut off. A stream lives as long as its caller may have it: until revoked,
 * until policy no longer lets the caller onto the server, or, for a stream the caller opened to listen and
 * for what is not MCP, until its credential ends (a client then comes back with a fresh one). A running
 * answer is not cut by the end of a token.
 */
function checkAnswer(visit: HttpVisit, { plant, current }: JobsOptions, tick: number): void {
  visit.dropIfStalled(tick)
  visit.keepAlive(tick)
  const { caller, server, address, calls } = visit.journey
  if (caller === undefined || server === undefined) return
  const { identify, rules, settings, desk } = current()
  const revoked = plant.revocations.isRevoked(caller)
  const occasion = { server, nowMs: desk.now(), address, frame: undefined, facts: desk.facts }
  const first = calls[0]?.call
  const isRoute = first?.kind === 'route'
  const denied = isRoute
    ? decide(rules, caller, first, occasion).effect !== 'allow'
    : caller.via !== 'anonymous' && !mayConnect(rules, caller, occasion)
  const ended = calls.some(({ grant }) => grant !== undefined && !plant.grants.lives(grant))
  if (revoked || denied || ended) visit.endStream('revoked')
  else if (isRoute || isListening(calls[0])) {
    const now = serverNow(visit, settings)
    if (now === undefined || !identify.stillValid(caller, now)) visit.endStream('revoked')
  }
}

/** Tells open streams what changes with grants and with the time, a second later at most. */
function createSightAnnouncer({ plant, current, hearers }: JobsOptions): () => void {
  const { now, catalogue, grants } = plant
  let book = grants.book
  let lastMs = now()
  return () => {
    const { rules } = current()
    const [wasMs, nowMs] = [lastMs, now()]
    lastMs = nowMs
    const turned = rules.windows.some((window) => isOpen(window, wasMs) !== isOpen(window, nowMs))
    if (grants.book === book && !turned) return
    const was = book
    book = grants.book
    // What has ended by its time is not in the new book, and has to count as live in the old one.
    const before = { rules, nowMs: wasMs, facts: factsOf(() => was, catalogue) }
    const after = { rules, nowMs, facts: factsOf(() => grants.book, catalogue) }
    void announceChanges(hearers(), { before, after, catalogue })
  }
}

/** As it is configured now: what it asks of its callers may have changed. */
function serverNow({ journey, side }: HttpVisit, { servers }: Settings): McpServer | undefined {
  const server = servers.find(({ name }) => name === journey.server)
  if (server === undefined || side === undefined) return server
  const route = server.routes.find(({ path }) => path === side.path)
  return route && sideOf(server, route).server
}

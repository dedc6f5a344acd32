/** What lives as long as the process and is shared by all generations of configuration. */
import { randomUUID } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'

import type { Audit } from '../audit/audit.ts'
import { createAudit } from '../audit/audit.ts'
import type { Buckets } from '../limits/buckets.ts'
import type { InFlight } from '../limits/in-flight.ts'
import { createInFlight } from '../limits/in-flight.ts'
import type { SharedBuckets } from '../limits/shared-buckets.ts'
import type { Emit } from '../model/event.ts'
import type { Introspect } from '../model/introspection.ts'
import type { RingKey } from '../model/ring-key.ts'
import { signJwt } from '../oauth/sign-jwt.ts'
import { openSigningKeys, type SigningKeys } from '../oauth/signing-keys.ts'
import type { Catalogue } from '../pipeline/catalogue.ts'
import { createCatalogue } from '../pipeline/catalogue.ts'
import { type AskPoint, createAskPoint } from '../pipeline/decision-point.ts'
import type { RecentTasks } from '../pipeline/tasks.ts'
import { createSeals, temporaryKey, type Seals } from '../seal/seal.ts'
import type { Settings } from '../settings/settings.ts'
import type { SweptStore } from '../state/swept-store.ts'
import type { Metrics } from '../telemetry/metrics.ts'
import { createMetrics } from '../telemetry/metrics.ts'
import type { Tracer } from '../telemetry/tracing.ts'
import { openTracing } from '../telemetry/tracing.ts'
import { createBook, type Book } from '../vault/book.ts'
import type { Count } from '../vault/census.ts'
import { createClientAuth, type ClientAuth } from '../vault/client-auth.ts'
import { createIntrospect } from '../vault/introspect.ts'
import type { Sign } from '../vault/issue.ts'
import { type Books, openBooks } from './books.ts'
import { type CertificateOf, createClientCertificates } from './client-certificates.ts'
import { createJourneyRecords, type JourneyRecords } from './journey-records.ts'
import { openKeyFetches } from './key-fetches.ts'
import { createLoadWatch, type LoadWatch } from './load-watch.ts'
import { createEventLog } from './log-events.ts'
import type { Log } from './log.ts'
import { auditOf, type Membership } from './membership.ts'
import { createIds } from './new-id.ts'
import { createNotifier, type Notifier } from './notifier.ts'
import { openBuckets } from './open-buckets.ts'
import { openStore } from './open-store.ts'
import { closeOutgoing, createOutgoing, type Outgoing } from './outgoing.ts'
import { createRecentCalls, type RecentCalls } from './recent-calls.ts'
import { openResources } from './resources.ts'
import { createVaultKeys, type VaultKeys } from './vault-keys.ts'

/** How long the last records may take to be written, in milliseconds; a blocked pipe takes for ever. */
const AUDIT_CLOSE_MS = 5_000

/** How long notifications that wait may take to be delivered at the end, in milliseconds. */
const NOTIFIER_CLOSE_MS = 2_000

/** Made once by `openPlant` and handed to whoever needs a part of it. */
export type Plant = {
  readonly store: SweptStore
  readonly askPoint: AskPoint
  readonly notifier: Notifier
  readonly recentCalls: RecentCalls
  readonly audit: Audit
  readonly metrics: Metrics
  readonly tracer: Tracer | undefined
  readonly catalogue: Catalogue
  readonly recentTasks: RecentTasks
  readonly inFlight: InFlight
  /** Connections of people, as last counted. */
  readonly connected: () => readonly Count[]
  readonly setConnected: (counts: readonly Count[]) => void
  readonly buckets: Buckets
  /** Undefined where limits are shared with nobody. */
  readonly sharedBuckets: SharedBuckets | undefined
  readonly load: LoadWatch
  readonly emit: Emit
  /** Tells the processes apart that share a store. */
  readonly instance: string
  readonly newId: () => string
  /** The seals of a key ring; those of a key that ends with the process when it is empty. */
  readonly sealsOf: (keys: readonly RingKey[]) => Seals
  /** Those in use now. */
  readonly seals: () => Seals
  /** In use from now on. */
  readonly useSeals: (seals: Seals) => void
  /** What seals the keys of connections. */
  readonly vaultKeys: VaultKeys
  /** The connections of people. */
  readonly book: Book
  /** Epoch milliseconds. */
  readonly now: () => number
  /** Monotonic milliseconds. */
  readonly tick: () => number
  readonly readFile: (file: string) => Promise<string>
  readonly introspect: Introspect
  /** Undefined where clients are not asked for certificates. */
  readonly certificateOf: CertificateOf | undefined
  /** Signs claims with the key in force. */
  readonly sign: Sign
  /** How we say who we are to others' authorization servers. */
  readonly clientAuth: ClientAuth
  /** What we sign tokens with. */
  readonly signingKeys: SigningKeys
  close(): Promise<void>
} & Books &
  Outgoing &
  JourneyRecords

export type PlantOptions = {
  readonly settings: Settings
  /** Where this is one of several workers. */
  readonly member?: Membership | undefined
  readonly version: string
  readonly log: Log
}

/** Opens state, audit and tracing. Rejects with an Error that says what could not be opened. */
export async function openPlant(options: PlantOptions): Promise<Plant> {
  const { settings, version, log, member } = options
  const now = Date.now
  const instance = randomUUID()
  let configVersion = settings.version
  const audit = createAudit({
    ...auditOf(settings.audit, member),
    instance,
    version: () => configVersion,
    now,
  })
  await audit.open()
  const metrics = createMetrics({ version, now })
  const logEvent = createEventLog(log)
  const emit: Emit = (event) => {
    if (event.type === 'reload' && event.ok) configVersion = event.version
    metrics.event(event)
    audit.event(event)
    logEvent(event)
  }
  // Of several workers one says so.
  if (settings.keys.length === 0 && (member === undefined || member.slot === 1)) {
    const detail = 'sessions end when the gateway does; "gatehouse keys new" prints a key'
    log('warn', 'there is no key ring', { detail })
  }
  const store = await openStore(settings.state, {
    now,
    tick,
    emit,
    metrics,
    relayed: member?.store,
  })
  const books = await openBooks(settings, { store, now, emit })
  const { otlp } = settings.telemetry
  const tracer =
    otlp === undefined ? undefined : await openTracing({ ...otlp, version, instance, emit })
  const ephemeral = member?.temporaryKey ?? temporaryKey()
  const sealsOf: Plant['sealsOf'] = (keys) => createSeals(keys.length > 0 ? keys : [ephemeral])
  let seals = sealsOf(settings.keys)
  const signingKeys = await openSigningKeys({
    store,
    seal: (text) => seals.seal('signing-key', [], text),
    open: (sealed) => seals.open('signing-key', [], sealed),
    isLasting: settings.keys.length > 0,
    now,
  })
  const sign: Sign = (claims, type) => signJwt(claims, signingKeys.current(), type)
  const clientAuth = createClientAuth({ sign, now })
  const vaultKeys = createVaultKeys({ settings, ephemeral, now, emit })
  let connected: readonly Count[] = []
  const outgoing = createOutgoing(settings, member?.keyFetches ?? openKeyFetches(now))
  const notifier = createNotifier({
    post: outgoing.postNotice,
    emit,
    wait: (ms, signal) => sleep(ms, undefined, { ref: false, signal }).catch(() => undefined),
  })
  const recentCalls = createRecentCalls()
  const counted = await openBuckets(settings, { among: member?.budgets, tick, emit })
  const load = createLoadWatch(openResources(member?.workers ?? 1), emit)
  const inFlight = createInFlight({
    call: settings.listen.maxInFlightPerCaller,
    stream: settings.listen.maxStreamsPerCaller,
    shedsStreams: () => load.pressure.sheds !== 'nothing',
  })

  return {
    store,
    ...books,
    ...outgoing,
    askPoint: createAskPoint({ post: outgoing.postJson, tick }),
    notifier,
    audit,
    metrics,
    tracer,
    catalogue: createCatalogue(),
    recentTasks: new Map(),
    inFlight,
    connected: () => connected,
    setConnected: (counts) => void (connected = counts),
    buckets: counted.buckets,
    sharedBuckets: counted.shared,
    load,
    emit,
    instance,
    newId: createIds(),
    seals: () => seals,
    sealsOf,
    useSeals: (next) => void (seals = next),
    vaultKeys,
    book: createBook(store, vaultKeys.envelopes),
    now,
    tick,
    readFile: (file) => readFile(file, 'utf8'),
    introspect: createIntrospect(outgoing.introspectionFetch, clientAuth),
    certificateOf:
      settings.listen.tls?.clientCa === undefined ? undefined : createClientCertificates(),
    sign,
    clientAuth,
    signingKeys,
    ...createJourneyRecords({ audit, metrics, tracer, inFlight, recentCalls, tick }),
    recentCalls,
    close: async () => {
      await inTime(notifier.close(), NOTIFIER_CLOSE_MS).catch((error: unknown) =>
        log('warn', 'notifications were lost', { detail: String(error) }),
      )
      await closeOutgoing(outgoing)
      await vaultKeys.close()
      await tracer?.shutdown()
      await inTime(audit.close(), AUDIT_CLOSE_MS).catch((error: unknown) =>
        log('error', 'audit records were lost', { detail: String(error) }),
      )
      load.close()
      await counted.close()
      await books.pins.flush()
      await store.close()
    },
  }
}

async function inTime(work: Promise<void>, limitMs: number): Promise<void> {
  let late: NodeJS.Timeout | undefined
  const limit = new Promise<never>((_, reject) => {
    late = setTimeout(() => reject(new Error(`not done within ${limitMs} ms`)), limitMs)
  })
  await Promise.race([work, limit]).finally(() => clearTimeout(late))
}

function tick(): number {
  return performance.now()
}

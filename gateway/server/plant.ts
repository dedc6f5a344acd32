/** What lives as long as the process and is shared by all generations of configuration. */
import { randomUUID } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'

import type { Audit } from '../audit/audit.ts'
import { createAudit } from '../audit/audit.ts'
import { createOAuthFetch, type OAuthFetch } from '../egress/oauth-fetch.ts'
import type { FetchJson } from '../egress/fetch-json.ts'
import { createFetchJson } from '../egress/fetch-json.ts'
import { createPostJson } from '../egress/post-json.ts'
import { createPostNotice } from '../egress/post-notice.ts'
import { API_KEY_ISSUER } from '../identity/api-keys.ts'
import type { Buckets } from '../limits/buckets.ts'
import type { SharedBuckets } from '../limits/shared-buckets.ts'
import type { InFlight } from '../limits/in-flight.ts'
import { createInFlight } from '../limits/in-flight.ts'
import type { Emit } from '../model/event.ts'
import type { Introspect } from '../model/introspection.ts'
import type { Journey, JourneyCall } from '../model/journey.ts'
import type { Catalogue } from '../pipeline/catalogue.ts'
import { createCatalogue } from '../pipeline/catalogue.ts'
import { type AskPoint, createAskPoint } from '../pipeline/decision-point.ts'
import type { RecentTasks } from '../pipeline/tasks.ts'
import type { Visit } from '../pipeline/visit.ts'
import type { RingKey } from '../model/ring-key.ts'
import { signJwt } from '../oauth/sign-jwt.ts'
import { openSigningKeys, type SigningKeys } from '../oauth/signing-keys.ts'
import { createPins, type Pins } from '../registry/pins.ts'
import type { Approvals } from '../registry/approvals.ts'
import { createApprovals } from '../registry/approvals.ts'
import type { Grants } from '../registry/grants.ts'
import { createGrants } from '../registry/grants.ts'
import type { Revocations } from '../registry/revocations.ts'
import { createRevocations } from '../registry/revocations.ts'
import { createSeals, temporaryKey, type Seals } from '../seal/seal.ts'
import type { Settings } from '../settings/settings.ts'
import type { SweptStore } from '../state/swept-store.ts'
import type { Metrics } from '../telemetry/metrics.ts'
import { createMetrics } from '../telemetry/metrics.ts'
import { createClientAuth, type ClientAuth } from '../vault/client-auth.ts'
import { createIntrospect } from '../vault/introspect.ts'
import type { Sign } from '../vault/issue.ts'
import type { Tracer } from '../telemetry/tracing.ts'
import { openTracing } from '../telemetry/tracing.ts'
import { createBook, type Book } from '../vault/book.ts'
import type { Count } from '../vault/census.ts'
import { createLoadWatch, type LoadWatch } from './load-watch.ts'
import type { Log } from './log.ts'
import { createIds } from './new-id.ts'
import { createRecentCalls, type RecentCalls } from './recent-calls.ts'
import { auditOf, type Membership } from './membership.ts'
import { createEventLog } from './log-events.ts'
import { createNotifier, MAX_RUNNING, type Notifier } from './notifier.ts'
import { openBuckets } from './open-buckets.ts'
import { openStore } from './open-store.ts'
import { type CertificateOf, createClientCertificates } from './client-certificates.ts'
import { createProviderFetches, type ProviderFetches } from './provider-fetches.ts'
import { openResources } from './resources.ts'
import { createVaultKeys, type VaultKeys } from './vault-keys.ts'

/** How long the last records may take to be written, in milliseconds; a blocked pipe takes for ever. */
const AUDIT_CLOSE_MS = 5_000

/** A call waits for what an issuer says of its token, so it gets one second, in milliseconds (T-15). */
const INTROSPECTION_MS = 1_000
/** Connections to one decision point; `max_concurrent` is what bounds its questions. */
const POINT_CONNECTIONS = 64

/** How long notifications that wait may take to be delivered at the end, in milliseconds. */
const NOTIFIER_CLOSE_MS = 2_000

export type Plant = {
  readonly store: SweptStore
  readonly revocations: Revocations
  readonly pins: Pins
  readonly grants: Grants
  readonly askPoint: AskPoint
  readonly notifier: Notifier
  readonly recentCalls: RecentCalls
  readonly approvals: Approvals
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
  /** The seals of a key ring, in use from now on; those of a key that ends with the process when it is empty. */
  readonly sealsOf: (keys: readonly RingKey[]) => Seals
  /** Those in use now. */
  readonly seals: () => Seals
  /** What seals the keys of connections. */
  readonly vaultKeys: VaultKeys
  /** The connections of people. */
  readonly book: Book
  /** Epoch milliseconds. */
  readonly now: () => number
  /** Monotonic milliseconds. */
  readonly tick: () => number
  readonly readFile: (file: string) => Promise<string>
  /** For the keys of issuers; keys that a reload takes over are fetched with it too. */
  readonly fetchJson: FetchJson
  /** For token endpoints. */
  readonly oauthFetch: OAuthFetch
  /** For those of providers. */
  readonly providerFetches: ProviderFetches
  readonly introspect: Introspect
  /** Undefined where clients are not asked for certificates. */
  readonly certificateOf: CertificateOf | undefined
  /** Signs claims with the key in force. */
  readonly sign: Sign
  /** How we say who we are to others' authorization servers. */
  readonly clientAuth: ClientAuth
  /** What we sign tokens with. */
  readonly signingKeys: SigningKeys
  readonly startTrace: (journey: Journey) => void
  /** Ends a visit: gives its place back and makes metrics, trace and audit from its journey. */
  readonly settle: (journey: Journey, call: JourneyCall) => void
  readonly finish: (visit: Pick<Visit, 'journey' | 'occupies'>) => void
  close(): Promise<void>
}

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
  const revocations = createRevocations({
    store,
    now,
    emit,
    issuers: {
      lasting: [API_KEY_ISSUER],
      renewing: settings.authorizationServer && [settings.authorizationServer.issuer],
    },
  })
  await revocations.load()
  const pins = createPins({ store, now, emit })
  await pins.load()
  const grants = createGrants({ store, now, emit })
  await grants.load()
  const approvals = createApprovals({ store, now, emit })
  await approvals.load()
  const { otlp } = settings.telemetry
  const tracer =
    otlp === undefined ? undefined : await openTracing({ ...otlp, version, instance, emit })
  const ephemeral = member?.temporaryKey ?? temporaryKey()
  let seals = createSeals(settings.keys.length > 0 ? settings.keys : [ephemeral])
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
  const fetchJson = createFetchJson()
  const oauthFetch = createOAuthFetch()
  const providerFetches = createProviderFetches({ settings })
  const introspectionFetch = createOAuthFetch({ timeoutMs: INTROSPECTION_MS })
  const postJson = createPostJson(POINT_CONNECTIONS)
  const postNotice = createPostNotice(MAX_RUNNING)
  const notifier = createNotifier({
    post: postNotice,
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
    revocations,
    pins,
    grants,
    askPoint: createAskPoint({ post: postJson, tick }),
    notifier,
    approvals,
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
    sealsOf: (keys) => (seals = createSeals(keys.length > 0 ? keys : [ephemeral])),
    vaultKeys,
    book: createBook(store, vaultKeys.envelopes),
    now,
    tick,
    readFile: (file) => readFile(file, 'utf8'),
    fetchJson,
    oauthFetch,
    providerFetches,
    introspect: createIntrospect(introspectionFetch, clientAuth),
    certificateOf:
      settings.listen.tls?.clientCa === undefined ? undefined : createClientCertificates(),
    sign,
    clientAuth,
    signingKeys,
    startTrace: (journey) => {
      const started = tracer?.startTrace(journey.trace)
      journey.traceId = started?.traceId
      journey.spanId = started?.spanId
    },
    settle: (journey, call) => {
      const own = journeyOf(journey, call, tracer)
      own.durationMs = tick() - journey.startedTick
      audit.outcome(own)
      metrics.call(own, call)
      tracer?.journey(own)
    },
    recentCalls,
    finish: (visit) => {
      const { journey, occupies } = visit
      if (occupies !== undefined) inFlight.giveBack(occupies.caller, occupies.occupation)
      journey.durationMs = tick() - journey.startedTick
      recentCalls.note(journey)
      audit.outcome(journey)
      metrics.journey(journey)
      tracer?.journey(journey)
    },
    close: async () => {
      await inTime(notifier.close(), NOTIFIER_CLOSE_MS).catch((error: unknown) =>
        log('warn', 'notifications were lost', { detail: String(error) }),
      )
      await postNotice.close()
      await fetchJson.close()
      await postJson.close()
      await oauthFetch.close()
      await providerFetches.close()
      await vaultKeys.close()
      await introspectionFetch.close()
      await tracer?.shutdown()
      await inTime(audit.close(), AUDIT_CLOSE_MS).catch((error: unknown) =>
        log('error', 'audit records were lost', { detail: String(error) }),
      )
      load.close()
      await counted.close()
      await pins.flush()
      await store.close()
    },
  }
}

/** A call of a visit that goes on, as a record of its own; its span is a child of the visit's. */
function journeyOf(journey: Journey, call: JourneyCall, tracer: Tracer | undefined): Journey {
  const { traceId, spanId, trace } = journey
  if (traceId === undefined || spanId === undefined) return { ...journey, calls: [call] }
  const parent = { traceId, parentId: spanId, sampled: true, state: trace?.state }
  const own = tracer?.startTrace(parent)
  return { ...journey, calls: [call], trace: parent, spanId: own?.spanId }
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

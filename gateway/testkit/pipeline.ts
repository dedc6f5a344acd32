/** The parts of a desk that pipeline tests need, made from real rooms: rules, catalogue. */
import { NOTHING_KNOWN } from '../mcp/spoken.ts'
import type { Caller } from '../model/caller.ts'
import type { Journey, JourneyCall } from '../model/journey.ts'
import type { McpServer } from '../model/server.ts'
import type { Desk, JudgeDesk } from '../pipeline/desk.ts'
import { createCatalogue } from '../pipeline/catalogue.ts'
import type { Seat } from '../pipeline/frame.ts'
import { createTasks } from '../pipeline/tasks.ts'
import type { Head } from '../pipeline/admit.ts'
import { emptyHead } from '../pipeline/admit.ts'
import { compilePolicy } from './compile-policy.ts'
import { NO_FACTS } from '../policy/occasion.ts'
import { type Approvals, createApprovals } from '../registry/approvals.ts'
import { createGrants, type Grants } from '../registry/grants.ts'
import { createPins, type Pins } from '../registry/pins.ts'
import type { Seals } from '../seal/seal.ts'
import { createSeals, temporaryKey } from '../seal/seal.ts'
import { missing, type Found } from '../vault/found.ts'
import { newJourney } from '../server/new-journey.ts'
import { createMemoryStore } from '../state/memory.ts'

export type TestDesk = JudgeDesk & {
  readonly seals: Seals
  readonly now: () => number
  readonly settle: Desk['settle']
  /** Calls of servers whose outcome was written, in order. */
  readonly settled: JourneyCall[]
  /** Decisions handed to audit, in order. */
  readonly recorded: JourneyCall[]
  /** Names that were looked up at the server. */
  readonly lookedUp: string[]
  /** Notices that were sent, each with the name of whom they went to. */
  readonly notices: (readonly [name: string, notice: string])[]
}

/** A desk whose policy has these rules for the server `docs`. Every name looked up is listed. */
export function testDesk(rules: readonly Readonly<Record<string, unknown>>[]): TestDesk {
  const document = {
    ok: true as const,
    file: 'policy.yaml',
    data: { version: 1, default: 'deny', rules },
    at: () => ({ line: 1, column: 1 }),
  }
  const compiled = compilePolicy([document], ['docs'])
  if (!compiled.ok) throw new Error(compiled.problems.map(({ message }) => message).join('\n'))
  const recorded: JourneyCall[] = []
  const lookedUp: string[] = []
  const notices: (readonly [name: string, notice: string])[] = []
  const settled: JourneyCall[] = []
  const seals = createSeals([temporaryKey()])
  let ids = 0
  return {
    version: 'test',
    rules: compiled.rules,
    facts: NO_FACTS,
    approvals: noApprovals(),
    approvalUrl: (id) => `https://gw.test/approve/${id}`,
    grants: noGrants(),
    catalogue: createCatalogue(),
    budgets: undefined,
    eras: { of: () => NOTHING_KNOWN },
    lookUp: async ({ name }) => {
      lookedUp.push(name)
      return !name.startsWith('ghost')
    },
    record: (_journey, call) => {
      if (call !== undefined) recorded.push(call)
      return undefined
    },
    parseTrace: () => undefined,
    startTrace: () => undefined,
    notify: (name, notice) => void notices.push([name, notice]),
    notices,
    newId: () => `call-${(ids += 1)}`,
    tick: () => 0,
    now: () => 0,
    seals,
    pins: testPins(),
    askPoint: async () => ({ ok: false, why: 'nobody is asked here' }),
    tasks: createTasks(seals, new Map()),
    settle: (_journey, call) => void settled.push(call),
    settled,
    recorded,
    lookedUp,
  }
}

/** Nobody was granted anything. */
function noGrants(): JudgeDesk['grants'] {
  const book = { find: () => undefined, tasksOf: () => [] }
  return {
    use: async () => undefined,
    giveBack: async () => undefined,
    book,
    endServing: () => undefined,
  }
}

/** Nobody has approved anything, and whoever asks is told where to. */
function noApprovals(): JudgeDesk['approvals'] {
  const id = 'AAAAAAAAAAAAAAAAAAAAAA'
  return {
    any: false,
    find: () => undefined,
    spend: async () => false,
    giveBack: async () => undefined,
    ask: async (ask, { seal }) => ({ ...ask, id, sealed: seal(id), createdAtSeconds: 0 }),
    refresh: async () => undefined,
  }
}

/** Swaps that answer with what is given; by default there is nothing for anybody. */
export function testSwaps(found: Found = missing('nothing here')): Desk['swaps'] {
  return {
    find: () => found,
    renew: async () => found,
    widen: () => undefined,
    connectLink: () => undefined,
  }
}

/** A book of pins that nothing outlives. */
export function testPins(): Pins {
  const now = (): number => 0
  return createPins({ store: createMemoryStore({ now }), now, emit: () => undefined })
}

/** The same of grants. */
export function testGrants(): Grants {
  const now = (): number => 0
  return createGrants({ store: createMemoryStore({ now }), now, emit: () => undefined })
}

/** The same of approvals. */
export function testApprovals(): Approvals {
  const now = (): number => 0
  return createApprovals({ store: createMemoryStore({ now }), now, emit: () => undefined })
}

/** A desk stands in for the latest one, too. */
export function withLatest<D extends object>(desk: D): D & { latest(): D } {
  return Object.assign(desk, { latest: () => desk })
}

export function testServer(over: Partial<McpServer> = {}): McpServer {
  return {
    name: 'docs',
    host: '127.0.0.1:8787',
    path: '/mcp',
    resource: 'http://127.0.0.1:8787/mcp',
    audiences: ['http://127.0.0.1:8787/mcp'],
    issuers: undefined,
    scopes: [],
    initialScopes: undefined,
    upstream: {
      transport: 'http',
      origin: 'http://127.0.0.1:1',
      path: '/mcp',
      tls: undefined,
      connectTimeoutMs: 1_000,
      headersTimeoutMs: 1_000,
      totalTimeoutMs: 1_000,
      idleTimeoutMs: 1_000,
      maxConnections: 8,
    },
    credential: { kind: 'none' },
    toolCredentials: undefined,
    ruleCredentials: undefined,
    fallback: undefined,
    anonymous: false,
    methods: new Set(),
    resourceUris: 'canonical',
    unlisted: 'deny',
    eras: 'probe',
    refusals: 'jsonrpc',
    pin: 'watch',
    decisionPoint: undefined,
    consent: undefined,
    maxBodyBytes: 1_048_576,
    routes: [],
    ...over,
  }
}

export function testCaller(over: Partial<Caller> = {}): Caller {
  return {
    tenant: 'default',
    issuer: 'http://issuer.test',
    subject: 'agent-1',
    client: 'agent-1',
    kind: 'agent',
    via: 'jwt',
    groups: new Set(),
    scopes: new Set(),
    actors: [],
    interactive: false,
    tokenId: 'jti-1',
    grant: undefined,
    session: undefined,
    issuedAtSeconds: 0,
    expiresAtSeconds: 1e10,
    ...over,
  }
}

export function testSeat(over: { server?: McpServer; head?: Partial<Head> } = {}): Seat {
  return {
    journey: testJourney(),
    head: { ...emptyHead(), ...over.head },
    server: over.server ?? testServer(),
  }
}

export function testJourney(): Journey {
  return newJourney({
    id: 'visit-1',
    nowMs: 0,
    tick: 0,
    httpMethod: 'POST',
    address: '127.0.0.1',
    config: 'test',
  })
}

/**
 * Everything the path of a request needs, built once by `server/generation.ts` for one configuration
 * and never changed: a reload makes a new desk, and a visit keeps the one it began with.
 */
import type { Identify } from '../identity/identify.ts'
import type { Budgets } from '../limits/budgets.ts'
import type { InFlight } from '../limits/in-flight.ts'
import type { Emit } from '../model/event.ts'
import type { Journey, JourneyCall, TraceContext } from '../model/journey.ts'
import type { McpServer } from '../model/server.ts'
import type { Facts } from '../policy/occasion.ts'
import type { Rules } from '../policy/rules.ts'
import type { Approvals } from '../registry/approvals.ts'
import type { Grants } from '../registry/grants.ts'
import type { Seals } from '../seal/seal.ts'
import type { Swaps } from '../vault/swaps.ts'
import type { Conversations } from '../upstream/conversations.ts'
import type { SideDoors } from '../upstream/side-doors.ts'
import type { Catalogue } from './catalogue.ts'
import type { AskPoint } from './decision-point.ts'
import type { KnownEras } from './check-era.ts'
import type { Sessions } from './handles.ts'
import type { LookUp } from './look-up.ts'
import type { Pins } from './pins.ts'
import type { Routes } from './route.ts'
import type { Tasks } from './tasks.ts'
import type { Tickets } from './tickets.ts'
import type { Visit } from './visit.ts'

export type Desk = {
  /**
   * The desk of the configuration in force now. A stream may outlive the configuration it began with, and
   * what it shows must not.
   */
  readonly latest: () => Desk
  /** Configuration version; audit records carry it. */
  readonly version: string
  readonly routes: Routes
  readonly rules: Rules
  /** What conditions of rules depend on beside the call. */
  readonly facts: Facts
  /** What people have approved, and are asked to approve. */
  readonly approvals: Pick<Approvals, 'any' | 'find' | 'spend' | 'giveBack' | 'ask' | 'refresh'>
  /** Where a person decides on a request. */
  readonly approvalUrl: (id: string) => string
  /** Grants that rules ask for, whose uses are counted, and which end with their tasks. */
  readonly grants: Pick<Grants, 'use' | 'giveBack' | 'book' | 'endServing'>
  readonly identify: Identify
  readonly catalogue: Catalogue
  readonly lookUp: LookUp
  readonly pins: Pins
  readonly askPoint: AskPoint
  /** Which versions each server speaks, as far as it is known. */
  readonly eras: KnownEras
  readonly inFlight: InFlight
  /** Undefined where nothing is limited. */
  readonly budgets: Budgets | undefined
  readonly conversations: Conversations
  /** To what of servers is not MCP. */
  readonly sides: SideDoors
  readonly swaps: Swaps
  readonly seals: Seals
  readonly sessions: Sessions
  readonly tasks: Tasks
  /** Epoch milliseconds. */
  readonly now: () => number
  /** Monotonic milliseconds. */
  readonly tick: () => number
  readonly newId: () => string
  readonly emit: Emit
  readonly parseTrace: (
    traceparent: string | undefined,
    tracestate: string | undefined,
  ) => TraceContext | undefined
  readonly formatTrace: (journey: Journey) => string | undefined
  /** Chooses ids for a span and writes them into the journey; none when tracing is off or not for this trace. */
  readonly startTrace: (journey: Journey) => void
  /** The caller's address: the socket's, unless a trusted proxy says otherwise. */
  readonly addressOf: (socketAddress: string, forwardedFor: string | undefined) => string
  /**
   * Hands a decision to audit before anything goes up; a promise when it must be waited for.
   * @throws {Refusal} `audit_unavailable`.
   */
  readonly record: (journey: Journey, call: JourneyCall | undefined) => Promise<void> | undefined
  /** Tells a notification, by its name, of a decision; returns at once and never throws. */
  readonly notify: (name: string, notice: string) => void
  /** Where a client finds this server's protected resource metadata (RFC 9728). */
  readonly metadataUrl: (server: McpServer) => string
  /** Scopes for the 401 challenge: what a client asks for first. */
  readonly scopesOf: (server: McpServer) => readonly string[]
  /**
   * Writes the outcome of what the server asked of the client, which is over once it was passed on or
   * refused. The journey must not hold this call any more: streams have no end, and memory has one.
   */
  readonly settle: (journey: Journey, call: JourneyCall) => void
  /** For WebSocket handshakes from browsers. */
  readonly tickets: Tickets
  /** Called once when a visit is over, however it ended. */
  readonly finish: (visit: Pick<Visit, 'journey' | 'occupies'>) => void
}

/** What judging needs of the desk. */
export type JudgeDesk = Pick<
  Desk,
  | 'version'
  | 'rules'
  | 'facts'
  | 'grants'
  | 'approvals'
  | 'approvalUrl'
  | 'seals'
  | 'catalogue'
  | 'pins'
  | 'askPoint'
  | 'lookUp'
  | 'eras'
  | 'budgets'
  | 'tasks'
  | 'parseTrace'
  | 'startTrace'
  | 'record'
  | 'notify'
  | 'newId'
  | 'now'
  | 'tick'
>

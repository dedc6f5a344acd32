import type { Call, Target } from './call.ts'
import type { Caller } from './caller.ts'
import type { Decision, DenyReason, ShadowDecision } from './decision.ts'
import type { PointAnswer } from './decision-point.ts'
import type { RefusalCode } from './refusal.ts'
import type { Obligations } from './terms.ts'

/** W3C trace context as it came in (`traceparent` version 00), already validated. */
export type TraceContext = {
  readonly traceId: string
  readonly parentId: string
  readonly sampled: boolean
  readonly state: string | undefined
}

/** One judged call of a visit. */
export type JourneyCall = {
  readonly id: string
  readonly call: Call
  effect: Decision['effect']
  rule: string | undefined
  reason: DenyReason | undefined
  /** What rules in shadow mode would have made of it; undefined where they would change nothing. */
  shadow: ShadowDecision | undefined
  /** What an external decision point said; undefined where none was asked. */
  decisionPoint: PointAnswer | undefined
  dropped: readonly Target[]
  /** The grant it is a use of, or asks about; absent where its rule needs none. */
  grant?: string | undefined
  /** Who approved it, in the order rules ask; absent where nobody had to. */
  approvedBy?: readonly string[] | undefined
  /** What the rules that decided ask to be done about it; absent where they ask nothing. */
  obligations?: Obligations | undefined
  /** Its arguments as they are recorded, in JSON, redacted and not cut yet; absent where they are not. */
  recordedArguments?: string | undefined
  /** Name of the credential that its rule chose; absent where it chose none. */
  credential?: string | undefined
  /** The tool or prompt name as a metric label: itself when the catalogue knows it, else `other`. */
  label: string
  /** Version of the configuration it was decided by; a stream may outlive the one its visit began with. */
  readonly config: string | undefined
  /** What audit wrote about the decision, for the outcome to repeat; undefined until it was recorded. */
  decision: string | undefined
}

/** How a visit ended. */
export type Ending =
  | 'complete'
  | 'refused'
  | 'client_gone'
  | 'upstream_failed'
  | 'revoked'
  | 'shutdown'

/** Milliseconds spent per stage, for the overhead histogram. */
export type Stage = 'route' | 'authenticate' | 'judge' | 'record' | 'swap' | 'upstream'

/**
 * The one record of a visit. Steps write into it; metrics, the trace, the audit records and the
 * access log are made from it once, when the visit ends.
 */
export type Journey = {
  readonly id: string
  /** Epoch milliseconds. */
  readonly startedAtMs: number
  /** Monotonic milliseconds (`performance.now`). */
  readonly startedTick: number
  readonly httpMethod: string
  /** Socket address of the peer, or what a trusted proxy reported. */
  readonly address: string
  /** Thumbprint of the certificate the client showed on its connection; undefined where it was not asked for one. */
  readonly certificate: string | undefined
  server: string | undefined
  /** Version of the settings this visit is judged by, whole; running visits keep theirs over a reload. */
  readonly config: string | undefined
  caller: Caller | undefined
  trace: TraceContext | undefined
  /** Our span id, sent up in `traceparent`; set when tracing samples this visit. */
  spanId: string | undefined
  /** The span's trace id; equals `trace.traceId` when a trace came in. */
  traceId: string | undefined
  readonly calls: JourneyCall[]
  readonly spentMs: { [stage in Stage]: number }
  refusal: RefusalCode | undefined
  /** Why, for operators: never a secret. */
  detail: string | undefined
  /** HTTP status of our answer; 0 until there is one. */
  status: number
  upstreamStatus: number
  /** How often the call was sent up: 0 refused, 2 after a refreshed credential. */
  attempts: number
  bytesIn: number
  bytesOut: number
  /** JSON-RPC error code of the answer where the gateway saw or made one. */
  rpcError: number | undefined
  ending: Ending
  durationMs: number
}

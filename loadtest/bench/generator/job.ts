/** What the bench and its load generator say to each other. */
import type { ClosedLoopPlan, ClosedLoopResult } from './closed-loop.ts'
import type { Endpoint } from './connection.ts'
import type { OpenLoopPlan, OpenLoopResult } from './open-loop.ts'

/** Where requests go. */
export type Target = Endpoint & { readonly path: string }

/** What requests are made of: one per token of a file (one a line), all with the same body. */
type Load = { readonly target: Target; readonly tokensFile: string; readonly body: string }

/** Requests byte for byte, as a JSON list of texts in a file. */
type Prepared = { readonly target: Target; readonly requestsFile: string }

/** One thing the generator can be told to do. */
export type Job =
  | ({
      readonly kind: 'open_loop'
      readonly plan: Omit<OpenLoopPlan, 'endpoint' | 'requests'>
    } & (Load | Prepared))
  | ({
      readonly kind: 'closed_loop'
      readonly plan: Omit<ClosedLoopPlan, 'endpoint' | 'requests'>
    } & (Load | Prepared))
  | ({ readonly kind: 'hold_streams'; readonly count: number } & Omit<Load, 'body'>)
  | { readonly kind: 'release_streams' }

/** What each kind of job answers. */
export type JobResults = {
  readonly open_loop: OpenLoopResult
  readonly closed_loop: ClosedLoopResult
  readonly hold_streams: { readonly opened: number; readonly refused: number }
  readonly release_streams: Record<string, never>
}

/** An answer as it travels: the result, or why there is none. */
export type Reply<Kind extends keyof JobResults> =
  | { readonly result: JobResults[Kind] }
  | { readonly error: string }

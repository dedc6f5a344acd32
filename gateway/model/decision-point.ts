import type { Secret } from './secret.ts'

/** An external decision point (OpenID AuthZEN Authorization API 1.0) that is asked about calls. */
export type DecisionPoint = {
  /** The access evaluation endpoint. */
  readonly url: string
  /** Sent as `Authorization: Bearer`; undefined where none is needed. */
  readonly token: Secret | undefined
  /**
   * `and`: what the rules allow needs its yes as well. `override`: its answer takes the place of the allow
   * rules; what a deny rule denies stays denied.
   */
  readonly mode: 'and' | 'override'
  /** From the question to the last byte of the answer. */
  readonly timeoutMs: number
  /** Questions open at once; above it calls are denied. */
  readonly maxConcurrent: number
  /** How long an answer may be used again for the same question; 0: never. */
  readonly cacheMs: number
  /** Whether it is told the arguments of tools and prompts. */
  readonly sendsArguments: boolean
}

/** What a decision point said of a call. `error`: nothing that could be understood, in time. */
export type PointAnswer = 'allow' | 'deny' | 'error'

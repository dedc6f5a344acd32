import type { Journey } from '../model/journey.ts'

/** An empty record of a visit that begins now. */
export function newJourney(facts: {
  readonly id: string
  readonly nowMs: number
  readonly tick: number
  readonly httpMethod: string
  readonly address: string
  readonly certificate?: string | undefined
  /** Version of the configuration the visit is judged by. */
  readonly config: string | undefined
}): Journey {
  return {
    id: facts.id,
    startedAtMs: facts.nowMs,
    startedTick: facts.tick,
    httpMethod: facts.httpMethod,
    address: facts.address,
    certificate: facts.certificate,
    config: facts.config,
    server: undefined,
    caller: undefined,
    trace: undefined,
    spanId: undefined,
    traceId: undefined,
    calls: [],
    spentMs: { route: 0, authenticate: 0, judge: 0, record: 0, swap: 0, upstream: 0 },
    refusal: undefined,
    detail: undefined,
    status: 0,
    upstreamStatus: 0,
    attempts: 0,
    bytesIn: 0,
    bytesOut: 0,
    rpcError: undefined,
    ending: 'complete',
    durationMs: 0,
  }
}

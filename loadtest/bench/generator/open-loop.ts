/**
 * Open loop: requests leave at moments drawn beforehand (Poisson), whether or not earlier ones were
 * answered, and latency counts from the moment a request was meant to leave. A stalled proxy therefore
 * pays for every request it kept waiting (no coordinated omission).
 */
import { createRandom } from '../random.ts'
import { quantile } from '../statistics.ts'
import { openConnections } from './connection.ts'
import type { Connection, Endpoint } from './connection.ts'
import { startPacer } from './pacer.ts'
import { countAnswer, emptyTally } from './tally.ts'
import type { Tally } from './tally.ts'

/** How long answers may come in after the last request was due. */
const GRACE_MS = 1500
/** From the start of the pacer's thread to the first moment. */
const LEAD_MS = 150

/** What to send, how often and for how long. */
export type OpenLoopPlan = {
  readonly endpoint: Endpoint
  readonly requests: readonly Buffer[]
  readonly connections: number
  readonly ratePerSecond: number
  readonly seconds: number
  /** Part of `seconds` at the start whose latencies are thrown away. */
  readonly warmupSeconds: number
  readonly seed: number
  readonly expectedBytes: number | undefined
}

/** What came back and how late, warm-up left out of the latencies. */
export type OpenLoopResult = {
  readonly tally: Tally
  readonly p50Ms: number
  readonly p99Ms: number
  readonly maxMs: number
  /** Share of requests still unsent for want of a free connection when the last was due. */
  readonly backlogShare: number
}

/** Runs the whole schedule; requests without an answer `GRACE_MS` after its end count as lost. */
export async function runOpenLoop(plan: OpenLoopPlan): Promise<OpenLoopResult> {
  const count = Math.round(plan.ratePerSecond * plan.seconds)
  const latenciesMs = new Float64Array(count)
  const tally = emptyTally()
  const idle: Connection[] = []
  let next = 0
  let measured = 0
  let backlog = 0
  const { promise: done, resolve: finish } = Promise.withResolvers<void>()

  const sendDue = (): void => {
    const now = performance.now()
    while (next < count && (moments[next] ?? Infinity) <= now) {
      const connection = idle.pop()
      if (connection === undefined) break
      connection.intendedAtMs = moments[next] ?? 0
      const request = plan.requests[next % plan.requests.length]
      if (request !== undefined) connection.send(request)
      next++
    }
  }
  const settle = (connection: Connection): void => {
    idle.push(connection)
    sendDue()
    if (next === count && idle.length === connections.length) finish()
  }
  const connections = await openConnections(plan.endpoint, plan.connections, {
    onAnswer: (connection) => {
      if (connection.intendedAtMs >= measureFromMs) {
        latenciesMs[measured++] = performance.now() - connection.intendedAtMs
      }
      countAnswer(tally, connection.reader, plan.expectedBytes)
      settle(connection)
    },
    onLost: (connection) => {
      tally.lost++
      settle(connection)
    },
  })
  idle.push(...connections)
  const startMs = performance.now() + LEAD_MS
  const measureFromMs = startMs + plan.warmupSeconds * 1000
  const moments = arrivals(count, startMs, plan)
  const pacer = startPacer(moments, sendDue)
  const endMs = moments.at(-1) ?? startMs
  const lastDue = setTimeout(() => (backlog = count - next), endMs - performance.now())
  const deadline = setTimeout(finish, endMs - performance.now() + GRACE_MS)
  await done
  clearTimeout(lastDue)
  clearTimeout(deadline)
  await pacer.stop()
  tally.lost += count - tally.good - tally.otherStatus - tally.otherBody - tally.lost
  for (const connection of connections) connection.close()
  const sample = latenciesMs.subarray(0, measured)
  return {
    tally,
    p50Ms: quantile(sample, 0.5),
    p99Ms: quantile(sample, 0.99),
    maxMs: quantile(sample, 1),
    backlogShare: backlog / count,
  }
}

/** Poisson arrivals: exponential gaps at the wanted mean rate. */
function arrivals(count: number, startMs: number, plan: OpenLoopPlan): Float64Array {
  const random = createRandom(plan.seed)
  const meanGapMs = 1000 / plan.ratePerSecond
  let moment = startMs
  return Float64Array.from({ length: count }, () => {
    moment -= Math.log(1 - random()) * meanGapMs
    return moment
  })
}

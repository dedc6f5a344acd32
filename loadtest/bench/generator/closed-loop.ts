/**
 * Closed loop: every connection sends its next request as soon as it has its answer. Stands in for wrk
 * where there is none, and sends each of a list once where that is what is measured.
 */
import { openConnections } from './connection.ts'
import type { Connection, Endpoint } from './connection.ts'
import { badOnes, countAnswer, emptyTally } from './tally.ts'
import type { Tally } from './tally.ts'

/** A run that goes wrong this often is given up. */
const MAX_BAD_ANSWERS = 5000

/** What to send and when to stop. */
export type ClosedLoopPlan = {
  readonly endpoint: Endpoint
  readonly requests: readonly Buffer[]
  readonly connections: number
  /** `each` sends every request once; a number of seconds sends them in turn for so long. */
  readonly until: 'each' | number
  readonly expectedBytes: number | undefined
}

/** What came back, and how long it took from the first request to the last answer. */
export type ClosedLoopResult = { readonly tally: Tally; readonly seconds: number }

/** Runs until the plan says so, and until every connection has its last answer. */
export async function runClosedLoop(plan: ClosedLoopPlan): Promise<ClosedLoopResult> {
  const { until, requests } = plan
  const tally = emptyTally()
  let next = 0
  let idle = 0
  const { promise: done, resolve: finish } = Promise.withResolvers<void>()

  const mayGoOn = (): boolean =>
    (until === 'each' ? next < requests.length : performance.now() < endMs) &&
    badOnes(tally) < MAX_BAD_ANSWERS
  const advance = (connection: Connection): void => {
    const request = requests[next % requests.length]
    if (request !== undefined && mayGoOn()) {
      next++
      connection.send(request)
    } else if (++idle === connections.length) finish()
  }
  const connections = await openConnections(plan.endpoint, plan.connections, {
    onAnswer: (connection) => {
      countAnswer(tally, connection.reader, plan.expectedBytes)
      advance(connection)
    },
    onLost: (connection) => {
      tally.lost++
      advance(connection)
    },
  })
  const startMs = performance.now()
  const endMs = until === 'each' ? Infinity : startMs + until * 1000
  for (const connection of connections) advance(connection)
  await done
  for (const connection of connections) connection.close()
  return { tally, seconds: (performance.now() - startMs) / 1000 }
}

import type { Ending, Journey, JourneyCall } from './journey.ts'

/** `error`: the server itself answered with a JSON-RPC error or an HTTP status of 400 or above. */
export type Outcome = 'ok' | 'error' | Exclude<Ending, 'complete'>

/**
 * How one call of an ended visit came out, in the word that both metrics and audit use. Without a
 * call: how the visit did.
 */
export function outcomeOf(journey: Journey, call: JourneyCall | undefined): Outcome {
  if (call !== undefined && call.effect !== 'allow') return 'refused'
  if (journey.ending !== 'complete') return journey.ending
  return journey.rpcError !== undefined || journey.upstreamStatus >= 400 ? 'error' : 'ok'
}

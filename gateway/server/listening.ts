import type { JourneyCall } from '../model/journey.ts'

/**
 * Whether a visit only listens: nothing is lost when it ends, and its client comes back. A GET of the legacy
 * revisions, or a subscription of the modern ones.
 */
export function isListening(call: JourneyCall | undefined): boolean {
  return call?.call.kind === 'open_stream' || call?.call.method === 'subscriptions/listen'
}

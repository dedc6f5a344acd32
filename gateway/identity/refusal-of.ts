/** Why a credential was refused -> the refusal that says no. */
import type { TokenRefusal } from '../model/event.ts'
import { Refusal } from '../model/refusal.ts'

/** Flooding is over within a second; an issuer that is down is asked again every 30. */
const RETRY_AFTER_SECONDS = {
  flooded: 1,
  keys_unavailable: 5,
  replay_unknown: 5,
  revocations_stale: 5,
  introspection_unavailable: 1,
}

/**
 * Returns the refusal for a reason. Everything that is wrong with a token looks alike to the caller
 * (code, message, no data): only `detail`, which is never sent, tells an unknown issuer from a bad
 * signature.
 */
export function refusalOf(reason: TokenRefusal): Refusal {
  switch (reason) {
    case 'missing':
      return new Refusal('unauthenticated', { detail: reason })
    case 'keys_unavailable':
    case 'replay_unknown':
    case 'introspection_unavailable':
    case 'revocations_stale':
      return new Refusal('keys_unavailable', {
        detail: reason,
        retryAfterSeconds: RETRY_AFTER_SECONDS[reason],
      })
    case 'bad_proof':
      return new Refusal(reason, { detail: reason })
    case 'flooded':
      return new Refusal('overloaded', {
        detail: reason,
        retryAfterSeconds: RETRY_AFTER_SECONDS.flooded,
      })
    default:
      return new Refusal('invalid_token', { detail: reason })
  }
}

/** Failures answered and recorded at once; then one a second. */
const BURST = 20
const PER_SECOND = 1

/**
 * Bounds what requests without the right token can cause: records in the audit log, whose buffer
 * the gateway's calls need. It does not lock out: the right token, of 256 bits, is not guessed at
 * any rate, and whoever floods the port must not be able to keep an operator from revoking.
 */
export type FailureMeter = {
  /** Whether this failure may be recorded; otherwise it is counted. */
  take(): boolean
  /** How many were counted since the last call. */
  takeUnrecorded(): number
}

/** @param now Epoch milliseconds. */
export function createFailureMeter(now: () => number): FailureMeter {
  let left = BURST
  let filledAtMs = now()
  let unrecorded = 0
  return {
    take() {
      const nowMs = now()
      // A clock that was set back refills nothing, and starts counting from where it is.
      const earned = Math.max(0, ((nowMs - filledAtMs) / 1000) * PER_SECOND)
      left = Math.min(BURST, left + earned)
      filledAtMs = nowMs
      if (left < 1) {
        unrecorded += 1
        return false
      }
      left -= 1
      return true
    },
    takeUnrecorded() {
      const count = unrecorded
      unrecorded = 0
      return count
    },
  }
}

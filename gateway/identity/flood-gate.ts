/**
 * Keeps token verification from being a way to stop the gateway: a bound on verifications at once, and
 * a bucket of failures per address. Successes cost nothing, so many honest callers behind one shared
 * address are not locked out.
 */
import { networkOf } from '../model/network-of.ts'
import { createBoundedMap } from './bounded-map.ts'

export type FloodGate = {
  /**
   * Takes a place for one verification, to be given back with `leave`. Returns false when all places
   * are taken or the address has no failures left.
   */
  enter(address: string): boolean
  leave(): void
  /** Whether the address has failures left; nothing is taken. */
  mayFail(address: string): boolean
  /** Charges one failed authentication. Returns false when the address had none left. */
  countFailure(address: string): boolean
}

/** New tokens verified at once: 100 µs of CPU each at worst, so 64 hold a core for 7 ms. */
export const MAX_AT_ONCE = 64

/** Failed authentications an address gets back per second, and the most it can save up. */
export const FAILURES_PER_SECOND = 20
export const FAILURE_BURST = 100

/** Addresses remembered. A bucket is full again 5 s after its last failure and then means nothing. */
export const MAX_ADDRESSES = 10_000

type Bucket = { failuresLeft: number; updatedMs: number }

/** Returns a gate with all places free. `now` is epoch milliseconds. */
export function createFloodGate(now: () => number): FloodGate {
  const buckets = createBoundedMap<Bucket>(MAX_ADDRESSES)
  let atOnce = 0

  const refill = (bucket: Bucket) => {
    const nowMs = now()
    const seconds = Math.max(0, nowMs - bucket.updatedMs) / 1000
    const failuresLeft = bucket.failuresLeft + seconds * FAILURES_PER_SECOND
    bucket.failuresLeft = Math.min(FAILURE_BURST, failuresLeft)
    bucket.updatedMs = nowMs
    return bucket
  }

  return {
    enter: (address) => {
      if (atOnce >= MAX_AT_ONCE) return false
      const bucket = buckets.get(networkOf(address))
      if (bucket !== undefined && refill(bucket).failuresLeft < 1) return false
      atOnce += 1
      return true
    },
    leave: () => {
      atOnce -= 1
    },
    mayFail: (address) => {
      const bucket = buckets.get(networkOf(address))
      return bucket === undefined || refill(bucket).failuresLeft >= 1
    },
    countFailure: (address) => {
      const network = networkOf(address)
      const bucket = buckets.get(network) ?? { failuresLeft: FAILURE_BURST, updatedMs: now() }
      buckets.set(network, bucket)
      if (refill(bucket).failuresLeft < 1) return false
      bucket.failuresLeft -= 1
      return true
    },
  }
}

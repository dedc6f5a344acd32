import type { Store } from '../model/store.ts'

/**
 * A store whose expired entries this process has to clear away. They are never returned; sweeping
 * gives back their room.
 */
export type SweptStore = Store & {
  /** Removes expired entries, leases and counters, a bounded number at a time; returns how many. */
  sweep(): Promise<number>
}

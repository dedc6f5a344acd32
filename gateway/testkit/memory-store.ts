/** A store in memory with a clock of its own, for tests of rooms that are handed a store. */
import { createMemoryStore } from '../state/memory.ts'

export function memoryStore(nowMs = 1_700_000_000_000) {
  const clock = { nowMs }
  const store = createMemoryStore({ now: () => clock.nowMs })
  return { clock, store, now: () => clock.nowMs }
}

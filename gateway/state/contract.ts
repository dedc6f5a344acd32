/**
 * What every driver promises, as tests: the test file of a driver calls `testStoreContract` once.
 * Times are told, never waited for.
 */
import { describe, test } from 'node:test'
import { testBounds, testSweepAndClose } from './contract-bounds.ts'
import { testLists } from './contract-lists.ts'
import type { Rule, ToldClock } from './contract-rule.ts'
import { testCounters, testLeases, testMessages } from './contract-sharing.ts'
import { testCompareAndSet, testConsume, testValues } from './contract-values.ts'
import type { SweptStore } from './swept-store.ts'

/** Runs the suite against one driver; `open` makes an empty store that reads the clock. */
export function testStoreContract(
  driver: string,
  open: (clock: ToldClock) => Promise<SweptStore>,
): void {
  const rule: Rule = (text, check) => {
    test(`${driver}: ${text}`, async () => {
      const clock = { nowMs: 1_800_000_000_000 }
      const store = await open(clock)
      try {
        await check(store, clock)
      } finally {
        await store.close()
      }
    })
  }

  describe(`${driver}: the store contract`, () => {
    testValues(rule)
    testCompareAndSet(rule)
    testConsume(rule)
    testLeases(rule)
    testCounters(rule)
    testLists(rule)
    testMessages(rule)
    testBounds(rule)
    testSweepAndClose(rule)
  })
}

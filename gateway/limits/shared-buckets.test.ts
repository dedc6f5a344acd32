import assert from 'node:assert/strict'
import { test } from 'node:test'

import type { Draw, Drawn, SharedBudgets } from '../model/limits.ts'
import type { Expense, Shortage } from './buckets.ts'
import { createBuckets } from './buckets.ts'
import { createSharedBuckets } from './shared-buckets.ts'

const budget = { perSecond: 0.01, burst: 40 }

function expense(more: Partial<Expense> = {}): Expense {
  return { key: 'a', budget, cost: 1, ...more }
}

/** Processes that share one set of buckets, which can be away. */
function openHouse(processes: number) {
  const clock = { nowMs: 0 }
  const place = { away: false, questions: 0, notices: [] as string[] }
  const buckets = createBuckets()
  const answer = async <T>(value: () => T): Promise<T> => {
    if (place.away) throw new Error('gone')
    return value()
  }
  const shared: SharedBudgets = {
    draw: (draws: readonly Draw[]): Promise<Drawn> => {
      place.questions += 1
      return answer(() => buckets.draw(draws, clock.nowMs))
    },
    attend: () => answer(() => processes),
    close: async () => undefined,
  }
  const each = Array.from({ length: processes }, () =>
    createSharedBuckets({
      shared,
      tick: () => clock.nowMs,
      notice: (what, detail) => place.notices.push(`${what}: ${detail}`),
    }),
  )
  const look = (): Promise<unknown> => Promise.all(each.map((one) => one.look()))
  return { clock, place, each, look }
}

type House = ReturnType<typeof openHouse>

/** How many calls pass when the processes take turns, one call a millisecond. */
async function countPaid({ clock, each }: House, calls: number, own = expense()): Promise<number> {
  let paid = 0
  for (let at = 0; at < calls; at += 1) {
    clock.nowMs += 1
    const over: Shortage<Expense> | undefined = await each[at % each.length]!.spend(
      [own],
      clock.nowMs,
    )
    if (over === undefined) paid += 1
  }
  return paid
}

test('together processes let through what one may, and most calls ask nobody', async () => {
  for (const processes of [1, 2, 3]) {
    const house = openHouse(processes)
    assert.equal(await countPaid(house, 200), 40, `${processes} processes`)
    assert.ok(house.place.questions <= 12 * processes, `${house.place.questions} questions`)
  }
})

test('the rate is that of one, however many share it', async () => {
  const house = openHouse(3)
  const own = expense({ budget: { perSecond: 100, burst: 40 } })
  const paid = await countPaid(house, 5_000, own)
  assert.ok(paid <= 40 + 500 + 25, `${paid} in five seconds`)
  assert.ok(paid >= 40 + 500 - 25, `${paid} in five seconds`)
})

test('whoever is over the limit is told when to come again, and asks once', async () => {
  const house = openHouse(2)
  await countPaid(house, 100)
  const { questions } = house.place
  for (let at = 0; at < 50; at += 1) {
    const over = house.each[0]!.spend([expense()], house.clock.nowMs)
    assert.ok(!(over instanceof Promise))
    assert.equal(over?.retryAfterSeconds, 100)
  }
  assert.equal(house.place.questions, questions)
})

test('all expenses are paid or none, also where one of them is held in advance', async () => {
  const house = openHouse(1)
  const { each, clock } = house
  await countPaid(house, 3)
  const scarce = expense({ key: 'scarce', budget: { perSecond: 0.01, burst: 1 } })
  assert.equal(await each[0]!.spend([expense(), scarce], clock.nowMs), undefined)
  for (let at = 0; at < 20; at += 1) {
    const over = await each[0]!.spend([expense(), scarce], clock.nowMs)
    assert.equal(over?.expense.key, 'scarce')
  }
  assert.equal(await countPaid(house, 100), 40 - 4)
})

test('while nobody answers each counts its part for itself, says so once, and nobody waits', async () => {
  const house = openHouse(2)
  const { place, each, look, clock } = house
  await look()
  place.away = true
  assert.equal(await countPaid(house, 200), 40, 'half of the burst at each of two')
  const away = 'limits_away: each of 2 counts its part for itself: gone'
  assert.deepEqual(place.notices, [away, away], 'each says it once')
  const { questions } = place
  const over = each[0]!.spend([expense()], clock.nowMs)
  assert.ok(!(over instanceof Promise))
  assert.equal(over?.retryAfterSeconds, 200)
  assert.equal(place.questions, questions)
  assert.deepEqual(each[0]!.health, { away: true, processes: 2 })
})

test('one that never learned how many there are counts everything for itself, and never without a limit', async () => {
  const house = openHouse(1)
  house.place.away = true
  assert.equal(await countPaid(house, 200), 40)
})

test('what was held when nobody answered any more is still spent, once', async () => {
  const house = openHouse(1)
  const { place, clock } = house
  clock.nowMs += 1
  await house.each[0]!.spend([expense()], clock.nowMs)
  clock.nowMs += 1
  await house.each[0]!.spend([expense()], clock.nowMs)
  place.away = true
  assert.equal(await countPaid(house, 200), 4 + 40, 'four taken in advance, then its part')
})

test('an outage is over when somebody looks, and a second one gives no second burst', async () => {
  const house = openHouse(2)
  const { place, look } = house
  await look()
  place.away = true
  await countPaid(house, 200)
  place.away = false
  await look()
  assert.equal(place.notices.at(-1), 'limits_back: 2 share their limits again')
  assert.deepEqual(house.each[0]!.health, { away: false, processes: 2 })
  assert.equal(await countPaid(house, 200), 40, 'what was let through alone is not known here')
  place.away = true
  assert.equal(await countPaid(house, 200), 0)
})

test('how the questions ended is counted', async () => {
  const house = openHouse(1)
  await countPaid(house, 100)
  house.place.away = true
  await countPaid(house, 3, expense({ key: 'b' }))
  const { granted, refused, failed, alone } = house.each[0]!.counts
  assert.ok(granted > 0)
  assert.deepEqual([refused, failed, alone], [1, 1, 3])
})

test('what is given back can be spent again, here, whether or not somebody answers', async () => {
  const house = openHouse(1)
  const { each, clock, place, look } = house
  for (const key of ['a', 'b']) {
    const own = expense({ key })
    assert.equal(await countPaid(house, 50, own), 40)
    each[0]!.giveBack([own, own], clock.nowMs, clock.nowMs)
    assert.equal(await countPaid(house, 50, own), 2)
    await look()
    place.away = true
    await look()
  }
})

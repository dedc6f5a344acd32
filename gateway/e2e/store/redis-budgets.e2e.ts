/** Budgets in Redis give what buckets of one process would, whoever else draws, and fail in time when it hangs. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { createBuckets } from '../../limits/buckets.ts'
import type { Draw } from '../../model/limits.ts'
import { Secret } from '../../model/secret.ts'
import { eventually } from '../../testkit/eventually.ts'
import type { TestRedis } from '../../testkit/redis.ts'
import { startRedis } from '../../testkit/redis.ts'
import { stopAll } from '../../testkit/stop-all.ts'
import { openRedisBudgets } from '../../state/redis-budgets.ts'
import { connectRedis } from '../../state/redis-connection.ts'
import type { RedisStoreOptions } from '../../state/redis.ts'

let server: TestRedis

before(async () => {
  server = await startRedis()
})

after(() => stopAll(server))

function place(prefix: string): RedisStoreOptions {
  const { port, password } = server
  const where = { host: '127.0.0.1', port, database: 0, prefix, tls: undefined }
  return { ...where, user: undefined, password: new Secret(password) }
}

/** With as much time for an answer as a busy machine may take. */
const open = (at: RedisStoreOptions) => openRedisBudgets(at, 20_000)

/** So slow that no time passes. */
const budget = { perSecond: 0.000_1, burst: 40 }
const scarce = { perSecond: 0.000_1, burst: 1 }

function draw(more: Partial<Draw> = {}): Draw {
  return { key: 'a', budget, need: 1, want: 1, ...more }
}

test('Redis gives what a process would give that has the buckets to itself', async () => {
  const shared = await open(place('same'))
  const local = createBuckets()
  const questions: readonly (readonly Draw[])[] = [
    [draw()],
    [draw({ want: 10 }), draw({ key: 'b', need: 2, want: 5 })],
    [draw({ need: 0.5, want: 0.5 }), draw({ key: 'free', need: 0, want: 0 })],
    [draw(), draw({ key: 'scarce', budget: scarce })],
    [draw({ want: 4 }), draw({ key: 'scarce', budget: scarce })],
    [draw({ need: 5, want: 60 })],
    [draw()],
    [draw({ key: 'large', need: 100, want: 100 })],
    [draw({ key: 'large' })],
    [draw({ key: 'b' })],
  ]
  for (const [at, draws] of questions.entries()) {
    const [found, expected] = [await shared.draw(draws), local.draw(draws, 0)]
    assert.equal(found.ok, expected.ok, `question ${at}`)
    if (found.ok && expected.ok) assert.deepEqual(found.granted, expected.granted, `question ${at}`)
    else if (!found.ok && !expected.ok) {
      assert.equal(found.at, expected.at, `question ${at}`)
      assert.ok(Math.abs(found.waitMs - expected.waitMs) < 60_000, `question ${at}`)
    }
  }
  await shared.close()
})

test('of many that draw at once no more is given than there is', async () => {
  const each = await Promise.all([1, 2, 3].map(() => open(place('race'))))
  const drawn = await Promise.all(
    Array.from({ length: 90 }, (_, at) => each[at % 3]!.draw([draw()])),
  )
  assert.equal(drawn.filter(({ ok }) => ok).length, 40)
  await Promise.all(each.map((one) => one.close()))
})

test('a budget recovers with time, and is forgotten once it has', async () => {
  const shared = await open(place('time'))
  const quick = { perSecond: 20, burst: 2 }
  const ask = () => shared.draw([draw({ budget: quick })])
  // At once, or some of it might be there again.
  const over = (await Promise.all(Array.from({ length: 20 }, ask))).find(({ ok }) => !ok)
  assert.ok(over !== undefined && !over.ok && over.waitMs <= 50)
  await eventually(async () => assert.equal((await ask()).ok, true))
  const direct = await connectRedis(place('time'))
  await eventually(async () => {
    assert.deepEqual(await direct.command('KEYS', '*time}:b:*'), [])
  })
  await direct.close()
  await shared.close()
})

test('no name stands in Redis, and prefixes share nothing', async () => {
  const [one, other] = await Promise.all([place('one'), place('other')].map(open))
  const named = draw({ key: 'caller alice@example.com', budget: scarce })
  assert.equal((await one!.draw([named])).ok, true)
  assert.equal((await one!.draw([named])).ok, false)
  assert.equal((await other!.draw([named])).ok, true)
  const direct = await connectRedis(place('one'))
  assert.doesNotMatch(JSON.stringify(await direct.command('KEYS', '*')), /alice/)
  await direct.close()
  await Promise.all([one!.close(), other!.close()])
})

test('processes that share are counted until they leave', async () => {
  const each = await Promise.all([1, 2].map(() => open(place('who'))))
  assert.equal(await each[0]!.attend(), 1)
  assert.equal(await each[1]!.attend(), 2)
  assert.equal(await each[0]!.attend(), 2)
  await each[1]!.close()
  assert.equal(await each[0]!.attend(), 1)
  await each[0]!.close()
})

test('a question that is not answered in time fails, and one after a restart finds its script again', async () => {
  const shared = await openRedisBudgets(place('away'))
  await shared.draw([draw()])
  server.freeze()
  await assert.rejects(shared.draw([draw()]), { code: 'timeout' })
  server.thaw()
  await server.kill()
  await assert.rejects(shared.draw([draw()]))
  await server.start()
  await eventually(async () => assert.equal((await shared.draw([draw()])).ok, true))
  await shared.close()
})

/**
 * What drivers promise whose data is in a server that several processes share: one sees what the other
 * writes and says, and a crash of the server loses nothing that was acknowledged.
 */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { MAX_KEY_BYTES, MAX_MESSAGE_BYTES } from './arguments.ts'
import { storeError } from './contract-rule.ts'
import type { RemoteOptions } from './remote.ts'
import type { SweptStore } from './swept-store.ts'

export type SharedDriver = {
  /** Names an empty place in the server. */
  readonly newPlace: () => string
  readonly open: (
    place: string,
    options: Pick<RemoteOptions, 'notice' | 'timeoutMs'>,
  ) => Promise<SweptStore>
  /** Ends the server with SIGKILL. */
  readonly crash: () => Promise<void>
  readonly restart: () => Promise<void>
}

/** How often the server is killed while it is written to. */
const CRASHES = Number(process.env['GATEHOUSE_KILL_ROUNDS'] ?? '3')

/** Milliseconds for a message to arrive, and for a store to find its server again. */
const SOON_MS = 5_000

/** Runs the suite; the driver's own file starts and stops the server. */
export function testSharedContract(name: string, driver: SharedDriver): void {
  describe(`${name}: stores of several processes`, () => {
    testTwoStores(name, driver)
    testCrashes(name, driver)
  })
}

function testTwoStores(name: string, { newPlace, open }: SharedDriver): void {
  test(`${name}: two stores on one server see the same, and share what can be had once`, async () => {
    const place = newPlace()
    const [one, two] = [await open(place, {}), await open(place, {})]
    const both = Array.from({ length: 50 }, (_, i) => (i % 2 === 0 ? one : two))
    await one.put('code/1', 'once')
    assert.equal((await two.get('code/1'))?.value, 'once')
    const consumed = await Promise.all(both.map((store) => store.consume('code/1')))
    assert.deepEqual(
      consumed.filter((value) => value !== undefined),
      ['once'],
    )
    const set = await Promise.all(both.map((store, i) => store.cas('a/b', 0, `writer ${i}`)))
    assert.equal(set.filter(Boolean).length, 1)
    const { version } = (await one.get('a/b'))!
    const again = await Promise.all(both.map((store) => store.cas('a/b', version, 'second')))
    assert.equal(again.filter(Boolean).length, 1)
    const totals = await Promise.all(both.map((store) => store.count('seen/a', 1, 60_000)))
    assert.deepEqual(new Set(totals), new Set(Array.from({ length: 50 }, (_, i) => i + 1)))
    const leased = await Promise.all(both.map((store, i) => store.lease('job', `${i}`, 60_000)))
    assert.equal(leased.filter(Boolean).length, 1)
    await one.close()
    assert.equal((await two.get('a/b'))?.value, 'second')
    await two.close()
  })

  test(`${name}: a message reaches the subscribers of other processes, once and whole`, async () => {
    const place = newPlace()
    const [one, two] = [await open(place, {}), await open(place, {})]
    const topic = 't'.repeat(MAX_KEY_BYTES)
    const heard: string[] = []
    one.subscribe(topic, (message) => heard.push(`one ${message}`))
    two.subscribe(topic, (message) => heard.push(`two ${message}`))
    two.subscribe('other', (message) => heard.push(`other ${message}`))
    const longest = 'm'.repeat(MAX_MESSAGE_BYTES)
    for (const message of ['', '🗝️ it"s\n$1', longest]) await one.publish(topic, message)
    await until(() => heard.length >= 6)
    for (const who of ['one', 'two']) {
      const own = heard.filter((text) => text.startsWith(who))
      assert.deepEqual(own, [`${who} `, `${who} 🗝️ it"s\n$1`, `${who} ${longest}`])
    }
    await one.close()
    await two.close()
  })
}

function testCrashes(name: string, { newPlace, open, crash, restart }: SharedDriver): void {
  test(`${name}: a server that is killed while it is written to loses nothing it acknowledged`, async () => {
    const place = newPlace()
    const store = await open(place, {})
    const acknowledged: string[] = []
    for (let round = 0; round < CRASHES; round += 1) {
      const writers = Array.from({ length: 20 }, async (_, writer) => {
        // Until the server is gone, which the write after that shows.
        for (let i = 0; ; i += 1) {
          const key = `w/${round}/${writer}/${i}`
          try {
            await store.put(key, `value of ${key}`)
            acknowledged.push(key)
          } catch {
            return
          }
        }
      })
      const enough = acknowledged.length + 20 + ((round * 37) % 200)
      await until(() => acknowledged.length >= enough)
      await crash()
      await Promise.all(writers)
      await restart()
      await until(() =>
        store.get('w').then(
          () => true,
          () => false,
        ),
      )
    }
    const found = await Promise.all(acknowledged.map((key) => store.get(key)))
    const lost = acknowledged.filter((key, i) => found[i]?.value !== `value of ${key}`)
    assert.deepEqual(lost, [])
    assert.ok(acknowledged.length >= CRASHES * 20)
    await store.close()
  })

  test(`${name}: while the server is away everything is refused at once, and it is found again`, async () => {
    const place = newPlace()
    const notices: string[] = []
    const options = { notice: (what: string) => notices.push(what), timeoutMs: 3_000 }
    const [store, other] = [await open(place, options), await open(place, {})]
    await store.put('a/b', 'value')
    const version = (await store.get('a/b'))?.version
    await crash()
    const from = performance.now()
    await assert.rejects(store.put('a/b', 'lost'))
    await assert.rejects(store.put('a/b', 'lost'), storeError('away'))
    await assert.rejects(store.consume('a/b'), storeError('away'))
    assert.ok(performance.now() - from < 3_000)
    await restart()
    await until(() =>
      store.get('a/b').then(
        () => true,
        () => false,
      ),
    )
    assert.deepEqual(await store.get('a/b'), { value: 'value', version })
    assert.deepEqual(notices, ['store_away', 'store_back'])
    const heard: string[] = []
    store.subscribe('news', (message) => heard.push(message))
    // The connection that hears comes back by itself, a moment later.
    await until(async () => {
      await other.publish('news', 'again').catch(() => undefined)
      return heard.length > 0
    })
    await store.close()
    await other.close()
  })

  test(`${name}: a server that is not there is an error that says so`, async () => {
    await crash()
    try {
      await assert.rejects(open(newPlace(), {}), storeError('away'))
    } finally {
      await restart()
    }
  })
}

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  const started = performance.now()
  while (!(await condition())) {
    assert.ok(performance.now() - started < SOON_MS, 'not within the time promised')
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

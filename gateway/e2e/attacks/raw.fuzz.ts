/**
 * Bent requests against a running gateway, as bytes. Whatever it makes of them, the server behind must
 * see only what policy allows, in every reading; nothing is answered with a fault, and a good call in
 * between is always served.
 */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'

import { BENT_CONFIG, BENT_RULES, bentRequests, inParallel } from '../../testkit/bent-requests.ts'
import { eventually } from '../../testkit/eventually.ts'
import { forbidden, show } from '../../testkit/forbidden.ts'
import { fuzzOptions } from '../../testkit/fuzz.ts'
import type { TestGatehouse } from '../../testkit/gatehouse.ts'
import { startGatehouse } from '../../testkit/gatehouse.ts'
import type { RawClient } from '../../testkit/raw-client.ts'
import { createRawClient } from '../../testkit/raw-client.ts'
import { openRaw } from '../../testkit/raw-http.ts'
import type { RecordingServer } from '../../testkit/recording-server.ts'
import { startRecordingServer } from '../../testkit/recording-server.ts'
import { stopAll } from '../../testkit/stop-all.ts'

const RUNS = fuzzOptions({
  what: 'bent HTTP requests to a live gateway',
  test: 5_000,
  prove: 50_000,
})
const COUNT = Number(process.env['GATEHOUSE_HTTP_FUZZ_RUNS'] ?? RUNS.numRuns)

/** A good call is made after so many bent requests. */
const BATCH = 100
/** Connections at a time: fewer than new tokens are verified at once, else some are told to come again. */
const PARALLEL = 50
/** Silence that means that the gateway waits for more of a request. */
const SILENCE_MS = 60

let server: RecordingServer
let gateway: TestGatehouse
let client: RawClient
let token: string

before(async () => {
  server = await startRecordingServer()
  gateway = await startGatehouse({
    servers: { docs: server.url },
    rules: BENT_RULES,
    config: BENT_CONFIG,
  })
  token = await gateway.token('docs')
  client = createRawClient(gateway.url('docs'), token)
  assert.equal((await client.send({})).reply.status, 200)
})

after(() => stopAll(server, gateway))

test(`of ${COUNT} bent requests the server sees only what policy allows, and every good call is served`, async () => {
  const cases = bentRequests(client, { count: COUNT, seed: RUNS.seed })
  const statuses = new Map<number, number>()
  let passed = 0
  for (let from = 0; from < cases.length; from += BATCH) {
    const batch = cases.slice(from, from + BATCH)
    const said = await inParallel(batch, PARALLEL, speak)
    for (const [at, all] of said.entries()) {
      for (const status of all) {
        statuses.set(status, (statuses.get(status) ?? 0) + 1)
        // 505 is what an older or newer version of HTTP is told.
        assert.ok(
          status < 500 || status === 505,
          `${status} for case ${from + at}: ${JSON.stringify(batch[at])}`,
        )
      }
    }
    const good = await client.send({})
    assert.equal(good.reply.status, 200, `after case ${from}`)
    for (const seen of server.seen.splice(0)) {
      passed += 1
      const why = forbidden(seen, { origin: server.origin, token })
      assert.equal(why, undefined, `cases ${from} to ${from + BATCH}: ${show(seen)}`)
    }
  }
  console.log(
    `${passed} of ${COUNT} went up; answers ${JSON.stringify(Object.fromEntries(statuses))}`,
  )
  assert.ok(passed > COUNT / 20, 'enough was served to show something')
  assert.ok((statuses.get(400) ?? 0) > COUNT / 10, 'enough was refused to show something')
  assert.doesNotMatch(gateway.child.output(), /fault|"level":"error"|UnhandledPromise/)
  await eventually(async () => {
    const open = /^gatehouse_connections_open (\d+)$/m.exec(await gateway.metrics())?.[1]
    assert.ok(Number(open) < PARALLEL, `${open} connections are still open`)
  })
})

/** Sends bytes and returns the statuses that came back before the close or a silence. */
async function speak(text: string): Promise<readonly number[]> {
  const connection = await openRaw(gateway.origin)
  connection.write(Buffer.from(text, 'latin1'))
  let length = -1
  while (connection.rest.length > length) {
    length = connection.rest.length
    if (await connection.closes(length === 0 ? SILENCE_MS : SILENCE_MS / 4)) break
  }
  const { rest } = connection
  connection.end()
  return Array.from(rest.matchAll(/HTTP\/1\.1 (\d{3}) /g), ([, status]) => Number(status))
}

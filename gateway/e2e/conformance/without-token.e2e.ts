/**
 * The control of the conformance runs: without a token the suite gets no further than it does against
 * a server that answers 401 to everything, and nothing of it reaches the server.
 */
import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, test } from 'node:test'

import { runSuite } from '../../testkit/conformance-suite.ts'
import { scoreOf } from '../../testkit/conformance-report.ts'
import type { TestGatehouse } from '../../testkit/gatehouse.ts'
import { allowAll, startGatehouse } from '../../testkit/gatehouse.ts'
import type { RecordingServer } from '../../testkit/recording-server.ts'
import { startRecordingServer } from '../../testkit/recording-server.ts'
import { stopAll } from '../../testkit/stop-all.ts'

let recording: RecordingServer
let gateway: TestGatehouse
let wall: Server
let wallUrl: string

before(async () => {
  recording = await startRecordingServer()
  gateway = await startGatehouse({
    servers: { docs: recording.url },
    rules: [allowAll('docs')],
  })
  wall = createServer((_, response) => {
    response.writeHead(401, { 'www-authenticate': 'Bearer' }).end()
  })
  await new Promise<void>((resolve) => wall.listen(0, '127.0.0.1', resolve))
  wallUrl = `http://127.0.0.1:${(wall.address() as AddressInfo).port}/mcp`
})

after(() => stopAll(gateway, recording, wall))

for (const revision of ['2025-11-25', '2026-07-28']) {
  test(`without a token no scenario of ${revision} passes that passes nowhere without one, and the server sees nothing`, async () => {
    const refused = await runSuite({ url: wallUrl, revision })
    const through = await runSuite({ url: gateway.url('docs'), revision })
    console.log(`401 to everything ${revision}: ${scoreOf(refused)}`)
    console.log(`without a token ${revision}:   ${scoreOf(through)}`)
    assert.deepEqual(
      [...through.passing].filter((name) => !refused.passing.has(name)),
      [],
    )
    assert.equal(through.scored.length, refused.scored.length)
    assert.equal(through.conforms, false)
    assert.deepEqual(recording.seen, [])
  })
}

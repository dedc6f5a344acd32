/**
 * Limits that gateways share through Redis: together they let through what one may, and without Redis each
 * its part, never all and never nothing.
 */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'

import { eventually } from '../../testkit/eventually.ts'
import type { TestGatehouse } from '../../testkit/gatehouse.ts'
import { allowAll, ISSUER, startGatehouse } from '../../testkit/gatehouse.ts'
import type { RecordingServer } from '../../testkit/recording-server.ts'
import { startRecordingServer } from '../../testkit/recording-server.ts'
import type { TestRedis } from '../../testkit/redis.ts'
import { startRedis } from '../../testkit/redis.ts'
import { callTool, post } from '../../testkit/rpc.ts'
import { stopAll } from '../../testkit/stop-all.ts'

const BURST = 20

/**
 * No call may be held up for longer while Redis answers nothing, in milliseconds: a fiftieth of it is waited, and
 * the machine may be busy.
 */
const HELD_UP_MS = 5_000

let redis: TestRedis
let server: RecordingServer
let gateways: readonly TestGatehouse[]

before(async () => {
  ;[redis, server] = await Promise.all([startRedis(), startRecordingServer()])
  const section = { url: `redis://127.0.0.1:${redis.port}`, password: '${env:STATE_PASSWORD}' }
  const start = (more: Readonly<Record<string, unknown>> = {}): Promise<TestGatehouse> =>
    startGatehouse({
      servers: { docs: { upstream: server.url, unlisted: 'allow', audiences: ['docs'] } },
      rules: [allowAll('docs')],
      config: {
        state: { driver: 'redis', redis: section },
        limits: { shared: true, callers: { agent: { rate: '1/h', burst: BURST } } },
        ...more,
      },
      env: { STATE_PASSWORD: redis.password },
    })
  const one = await start()
  const jwks = { keys: [one.signer.jwk] }
  gateways = [one, await start({ issuers: [{ issuer: ISSUER, jwks, kind: 'agent' }] })]
  await know(2)
})

after(() => stopAll(...gateways, server, redis))

/** Resolves once each gateway knows that so many share. */
async function know(processes: number): Promise<void> {
  const known = new RegExp(`^gatehouse_shared_limit_processes ${processes}$`, 'm')
  for (const gateway of gateways) {
    await eventually(async () => assert.match(await gateway.metrics(), known))
  }
}

/** How many of so many calls pass that alternate between the gateways, a few at once, and the slowest. */
async function call(count: number, subject: string) {
  const token = await gateways[0]!.token('docs', { audience: 'docs', subject })
  let slowestMs = 0
  const callOnce = async (at: number): Promise<boolean> => {
    const from = performance.now()
    const { status, json } = await post(gateways[at % 2]!.url('docs'), callTool('echo'), { token })
    slowestMs = Math.max(slowestMs, performance.now() - from)
    assert.equal(status, 200)
    if (json?.result === undefined) assert.equal(json?.error?.code, 1002)
    return json?.result !== undefined
  }
  let passed = 0
  for (let at = 0; at < count; at += 4) {
    const four = await Promise.all([0, 1, 2, 3].map((more) => callOnce(at + more)))
    passed += four.filter((ok) => ok).length
  }
  return { passed, slowestMs }
}

test('two gateways let a caller spend what one would', async () => {
  assert.equal((await call(3 * BURST, 'alice')).passed, BURST)
  const [metrics] = await Promise.all(gateways.map((gateway) => gateway.metrics()))
  assert.match(metrics ?? '', /^gatehouse_shared_limit_draws_total\{result="granted"\} [1-9]/m)
})

test('while Redis hangs each gateway lets through its half, and no call waits for long', async () => {
  redis.freeze()
  const { passed, slowestMs } = await call(3 * BURST, 'bob')
  assert.equal(passed, BURST)
  assert.ok(slowestMs < HELD_UP_MS, `${slowestMs} ms`)
  redis.thaw()
})

test('while Redis is gone too, it is said, and what was spent before stays spent', async () => {
  await eventually(async () => {
    for (const gateway of gateways) {
      const { json } = await gateway.ready()
      assert.match(JSON.stringify(json['checks']), /"limits":\{"state":"ok"/)
    }
  })
  await redis.kill()
  const { passed, slowestMs } = await call(3 * BURST, 'carol')
  assert.equal(passed, BURST)
  assert.ok(slowestMs < HELD_UP_MS, `${slowestMs} ms`)
  assert.equal((await call(BURST, 'bob')).passed, 0, 'a second outage is no second burst')
  for (const gateway of gateways) {
    await eventually(() => assert.match(gateway.child.output(), /"limits_away"/))
    const { status, json } = await gateway.ready()
    assert.equal(status, 200)
    assert.match(JSON.stringify(json['checks']), /"limits":\{"state":"warn"/)
    assert.match(await gateway.metrics(), /^gatehouse_shared_limit_alone_total [1-9]/m)
  }
})

test('when Redis is back it counts for both again, and has forgotten nothing', async () => {
  await redis.start()
  for (const gateway of gateways) {
    await eventually(async () =>
      assert.match(
        JSON.stringify((await gateway.ready()).json['checks']),
        /"limits":\{"state":"ok"/,
      ),
    )
  }
  assert.equal((await call(BURST, 'alice')).passed, 0)
  assert.equal((await call(3 * BURST, 'dave')).passed, BURST)
})

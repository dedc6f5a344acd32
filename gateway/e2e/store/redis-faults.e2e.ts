/**
 * Two gateways on one Redis under load, while Redis is slowed, killed and started again, and then one of the
 * gateways is killed: nothing is decided otherwise, only the killed gateway breaks off calls, and whatever the
 * server saw is on record.
 */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'

import { eventually } from '../../testkit/eventually.ts'
import type { TestGatehouse } from '../../testkit/gatehouse.ts'
import { ISSUER, startGatehouse } from '../../testkit/gatehouse.ts'
import type { RecordingServer } from '../../testkit/recording-server.ts'
import { startRecordingServer } from '../../testkit/recording-server.ts'
import type { TestRedis } from '../../testkit/redis.ts'
import { startRedis } from '../../testkit/redis.ts'
import { callTool, post } from '../../testkit/rpc.ts'
import { runCli } from '../../testkit/run-cli.ts'
import { stopAll } from '../../testkit/stop-all.ts'

const CALLERS = 6

/** Rounds that must have ended between two faults. */
const ROUNDS = 2 * CALLERS

/** A slow Redis stands still so often, and answers in between; milliseconds. */
const STOPS = { count: 10, stillMs: 60, answersMs: 20 }

let redis: TestRedis
let server: RecordingServer
let gateways: readonly [TestGatehouse, TestGatehouse]
/** The same, as far as they were reached. */
const started: TestGatehouse[] = []
/** Of somebody who was revoked before anything broke. */
let revoked = ''

before(async () => {
  redis = await startRedis()
  server = await startRecordingServer()
  const one = await start({})
  const jwks = { keys: [one.signer.jwk] }
  gateways = [one, await start({ issuers: [{ issuer: ISSUER, jwks, kind: 'agent' }] })]
  revoked = await tokenOf('mallory')
  await revoke('mallory')
  await eventually(async () => assert.deepEqual(await statuses(revoked), [401, 401]))
})

after(() => stopAll(...started, server, redis))

async function start(more: Readonly<Record<string, unknown>>): Promise<TestGatehouse> {
  const section = { url: `redis://127.0.0.1:${redis.port}`, password: '${env:STATE_PASSWORD}' }
  const gateway = await startGatehouse({
    servers: { docs: { upstream: server.url, unlisted: 'allow', audiences: ['docs'] } },
    rules: [{ id: 'any', effect: 'allow', subjects: [{ any: true }], tools: ['docs/call-*'] }],
    config: {
      state: { driver: 'redis', redis: section },
      audit: { sink: 'audit.jsonl', mode: 'strict' },
      limits: { shared: true, callers: { agent: { rate: '10000/s' } } },
      ...more,
    },
    env: { STATE_PASSWORD: redis.password },
  })
  started.push(gateway)
  return gateway
}

const tokenOf = (subject: string): Promise<string> =>
  gateways[0].token('docs', { audience: 'docs', subject })

const call = (at: number, tool: string, token: string) =>
  post(gateways[at % 2]!.url('docs'), callTool(tool), { token })

const statuses = async (token: string): Promise<readonly number[]> =>
  (await Promise.all([0, 1].map((at) => call(at, 'call-once', token)))).map(({ status }) => status)

async function revoke(value: string): Promise<void> {
  const body = { kind: 'subject', issuer: ISSUER, value }
  const answered = await gateways[0].admin('POST', '/admin/revocations', { body })
  assert.equal(answered.status, 201)
}

const load = { running: true, rounds: 0, broken: [0, 0] }

/** One caller: calls what it may and what it may not, by turns at both gateways, until the load ends. */
async function keepCalling(name: string): Promise<void> {
  const token = await tokenOf(name)
  for (let at = 0; load.running; at += 1) {
    try {
      const allowed = await call(at, `call-${name}-${at}`, token)
      assert.notEqual(allowed.json?.result, undefined, allowed.text)
      const denied = await call(at, 'secret', token)
      assert.notEqual(denied.json?.error, undefined, denied.text)
      assert.equal((await call(at, 'call-revoked', revoked)).status, 401)
      load.rounds += 1
    } catch (error) {
      // What `fetch` throws when the connection breaks.
      if (!(error instanceof TypeError)) throw error
      load.broken[at % 2]! += 1
    }
  }
}

async function moreRounds(): Promise<void> {
  const from = load.rounds
  await eventually(() => assert.ok(load.rounds >= from + ROUNDS), 20_000)
}

test('a Redis that is slow, gone and back, and a gateway that is killed, change no decision and lose no record', async () => {
  const callers = Promise.all(Array.from({ length: CALLERS }, (_, at) => keepCalling(`c${at}`)))
  callers.catch(() => (load.rounds = Number.POSITIVE_INFINITY))
  await moreRounds()
  for (let stop = 0; stop < STOPS.count; stop += 1) {
    redis.freeze()
    await pause(STOPS.stillMs)
    redis.thaw()
    await pause(STOPS.answersMs)
  }
  await moreRounds()
  await redis.kill()
  await moreRounds()
  await redis.start()
  await moreRounds()
  const eve = await tokenOf('eve')
  await eventually(() => revoke('eve'))
  await eventually(async () => assert.deepEqual(await statuses(eve), [401, 401]))
  assert.deepEqual(load.broken, [0, 0])

  gateways[1].child.signal('SIGKILL')
  await moreRounds()
  load.running = false
  await callers
  assert.equal(load.broken[0], 0)

  const seen = server.calls('tools/call').map(({ json }) => String(json?.params?.['name']))
  assert.ok(seen.length > 4 * ROUNDS)
  assert.ok(seen.every((name) => name !== 'secret' && name !== 'call-revoked'))
  const records = (await Promise.all(gateways.map((gateway) => gateway.audit()))).flat()
  const decided = new Set(
    records.flatMap(({ type, targets }) =>
      type === 'decision' ? [/"name":"(call-[^"]+)"/.exec(JSON.stringify(targets))?.[1]] : [],
    ),
  )
  assert.deepEqual(
    seen.filter((name) => !decided.has(name)),
    [],
  )
  for (const { auditFile } of gateways) {
    const { code, out } = await runCli(['audit', 'verify', auditFile])
    assert.equal(code, 0, out)
  }
})

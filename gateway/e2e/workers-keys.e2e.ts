/** The keys of an issuer are fetched once for all workers, whichever meets a token of it first. */
import assert from 'node:assert/strict'
import type { Server } from 'node:http'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, test } from 'node:test'

import { MIN_INTERVAL_MS } from '../identity/key-documents.ts'
import { auditFiles, auditLines } from '../testkit/crew.ts'
import { eventually } from '../testkit/eventually.ts'
import type { TestGatehouse } from '../testkit/gatehouse.ts'
import { allowAll, startGatehouse } from '../testkit/gatehouse.ts'
import type { MovedClock } from '../testkit/moved-clock.ts'
import { startMovedClock } from '../testkit/moved-clock.ts'
import type { RecordingServer } from '../testkit/recording-server.ts'
import { startRecordingServer } from '../testkit/recording-server.ts'
import { callTool, post } from '../testkit/rpc.ts'
import type { Signer } from '../testkit/signer.ts'
import { createSigner } from '../testkit/signer.ts'
import { stopAll } from '../testkit/stop-all.ts'
import { takeTurns } from '../testkit/turns.ts'

const WORKERS = 2

let clock: MovedClock
let upstream: RecordingServer
let gateway: TestGatehouse

/** The issuer: what it publishes, undefined while it fails, and how often it was asked. */
let issuer: Server
let published: readonly Signer[] | undefined
let asked = 0

before(async () => {
  takeTurns()
  clock = startMovedClock()
  published = [await createSigner('ES256', 'first')]
  issuer = createServer((_request, response) => {
    asked += 1
    response.statusCode = published === undefined ? 500 : 200
    response.end(JSON.stringify({ keys: published?.map(({ jwk }) => jwk) }))
  })
  await new Promise<void>((resolve) => issuer.listen(0, '127.0.0.1', resolve))
  upstream = await startRecordingServer()
  gateway = await startGatehouse({
    servers: { docs: upstream.url },
    rules: [allowAll('docs')],
    config: {
      workers: WORKERS,
      issuers: [{ issuer: origin(), jwks: { url: `${origin()}/jwks` }, kind: 'agent' }],
    },
    nodeArgs: clock.nodeArgs,
  })
})

after(async () => {
  await stopAll(gateway, upstream)
  issuer.closeAllConnections()
  issuer.close()
  clock.stop()
})

const origin = (): string => `http://127.0.0.1:${(issuer.address() as AddressInfo).port}`

/** Lets the time pass after which an issuer may be asked again; records that waited for so long would count as lost. */
async function letIntervalPass(): Promise<void> {
  await gateway.audit()
  clock.advance(MIN_INTERVAL_MS + 1_000)
}

/** A token of the issuer, another one each time. */
async function tokenBy(signer: Signer | undefined, subject: string): Promise<string> {
  const nowSeconds = Math.floor(clock.now() / 1_000)
  const times = { iat: nowSeconds, exp: nowSeconds + 300, jti: crypto.randomUUID() }
  const claims = { iss: origin(), aud: gateway.url('docs'), sub: subject, client_id: 'agent' }
  return (await signer?.sign({ ...claims, ...times })) ?? ''
}

/** What calls with tokens of this key are answered, each token new and on a connection of its own. */
async function statusesOf(signer: Signer | undefined, subject: string): Promise<number[]> {
  const calls = Array.from({ length: 3 * WORKERS }, async () => {
    const token = await tokenBy(signer, subject)
    return (await post(gateway.url('docs'), callTool('echo'), { token })).status
  })
  return await Promise.all(calls)
}

/** The same, until each worker has had some of them: it has then written of `record`. */
async function statusesAtAll(
  signer: Signer | undefined,
  subject: string,
  record = `"subject":"${subject}"`,
): Promise<readonly number[]> {
  const statuses = new Set<number>()
  await eventually(async () => {
    for (const status of await statusesOf(signer, subject)) statuses.add(status)
    for (const file of auditFiles(gateway, WORKERS)) {
      assert.ok(
        (await auditLines(file)).some((line) => line.includes(record)),
        file,
      )
    }
  })
  return [...statuses]
}

test('the first tokens at all workers cost one request to their issuer', async () => {
  assert.deepEqual(await statusesAtAll(published?.[0], 'early'), [200])
  assert.equal(asked, 1)
  assert.match(await gateway.metrics(), /^gatehouse_key_fetches_total\{.*"ok"\} 1$/m)
})

test('a rotated key costs one request', async () => {
  published = [await createSigner('ES256', 'second')]
  await letIntervalPass()
  assert.deepEqual(await statusesAtAll(published[0], 'rotated'), [200])
  assert.equal(asked, 2)
})

test('an issuer that fails is asked once in 30 seconds by all workers, and what they know counts on', async () => {
  const [known] = published ?? []
  const unknown = await createSigner('ES256', 'third')
  published = undefined
  for (const times of [3, 4]) {
    await letIntervalPass()
    const statuses = [...(await statusesOf(unknown, 'a')), ...(await statusesOf(unknown, 'b'))]
    assert.deepEqual(new Set(statuses), new Set([401]))
    assert.equal(asked, times)
  }
  assert.deepEqual(await statusesAtAll(unknown, 'c', 'answered with status 500'), [401])
  assert.equal(asked, 4)
  assert.match(await gateway.metrics(), /^gatehouse_key_fetches_total\{.*"failed"\} 2$/m)
  assert.deepEqual(await statusesAtAll(known, 'known'), [200])

  published = [unknown]
  await letIntervalPass()
  assert.deepEqual(await statusesAtAll(unknown, 'recovered'), [200])
  assert.equal(asked, 5)
})

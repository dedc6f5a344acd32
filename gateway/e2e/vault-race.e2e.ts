/**
 * Many processes and one connection whose provider ends the whole family when an old refresh token comes
 * again: one refresh for each expiry, whoever calls.
 */
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'

import { temporaryKey } from '../seal/seal.ts'
import { openSqliteStore } from '../state/sqlite.ts'
import { allowAll, ISSUER, startGatehouse, type TestGatehouse } from '../testkit/gatehouse.ts'
import { startRecordingServer, type RecordingServer } from '../testkit/recording-server.ts'
import {
  ACME_SECRET,
  startRotatingProvider,
  type RotatingProvider,
} from '../testkit/rotating-provider.ts'
import { callTool, post } from '../testkit/rpc.ts'
import { createBook } from '../vault/book.ts'
import { createEnvelopes } from '../vault/envelope.ts'

const PROCESSES = 3
const CALLERS = 20
/** A token is refreshed after 2.4 of these seconds. */
const LIFE_SECONDS = 3
const RUN_MS = 6_500

const RING = [temporaryKey()]
const KEYS = RING.map(({ id, key }) => `${id}:${key.reveal()}`).join()

let upstream: RecordingServer
let acme: RotatingProvider
let directory: string
let gateways: TestGatehouse[]
/** Tokens that went up and were not good. */
let bad = 0

before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'gatehouse-race-'))
  acme = await startRotatingProvider({
    lifeSeconds: LIFE_SECONDS,
    redirectUris: ['http://127.0.0.1/x'],
  })
  upstream = await startRecordingServer(async ({ headers, json }, response) => {
    if (json?.method !== 'tools/call') return false
    if ((await acme.userOf(headers.authorization?.replace('Bearer ', '') ?? '')) === 'alice')
      return false
    bad += 1
    response.writeHead(401).end()
    return true
  })
  gateways = await Promise.all(Array.from({ length: PROCESSES }, () => start()))
})

after(async () => {
  for (const gateway of gateways) await gateway.stop()
  await upstream.stop()
  await acme.stop()
  await rm(directory, { recursive: true, force: true })
})

async function start(): Promise<TestGatehouse> {
  return await startGatehouse({
    servers: { files: { upstream: upstream.url, credential: { mode: 'vault', provider: 'acme' } } },
    rules: [allowAll('files')],
    config: {
      state: { driver: 'sqlite', file: join(directory, 'state.db') },
      providers: { acme: acme.entry },
      authorization_server: 'embedded',
    },
    env: { ACME_SECRET, GATEHOUSE_KEYS: KEYS },
  })
}

/** Connects Alice with tokens that the provider gave, as the pages do. */
async function connect(): Promise<void> {
  const store = await openSqliteStore({ file: join(directory, 'state.db'), now: Date.now })
  const id = {
    tenant: 'default',
    issuer: ISSUER,
    subject: 'alice',
    provider: 'acme',
    account: 'default',
  }
  const now = Date.now()
  const facts = {
    ...({ state: 'live', scopes: ['openid'], label: '', reason: undefined } as const),
    connectedAtMs: now,
    refreshedAtMs: now,
    expiresAtMs: now + LIFE_SECONDS * 1_000,
  }
  const envelopes = createEnvelopes(RING)
  await createBook(store, () => envelopes).connect(id, facts, await acme.grant('alice'))
  await store.close()
}

async function call(gateway: TestGatehouse, token: string): Promise<boolean> {
  const reply = await post(gateway.url('files'), callTool('echo'), { token })
  return reply.json?.result !== undefined && reply.json.result['isError'] !== true
}

test('Three processes with twenty callers each refresh once for each expiry, and no call fails', async () => {
  await connect()
  const failed: unknown[] = []
  let calls = 0
  const endMs = Date.now() + RUN_MS
  await Promise.all(
    gateways.flatMap((gateway) =>
      Array.from({ length: CALLERS }, async (_, at) => {
        const token = await gateway.token('files', { subject: 'alice', client: `agent-${at}` })
        while (Date.now() < endMs) {
          if (!(await call(gateway, token))) failed.push(at)
          calls += 1
          await pause(20)
        }
      }),
    ),
  )
  const { refreshed, failed: refused, revoked } = acme.counts
  assert.deepEqual(failed, [])
  assert.deepEqual([refused, revoked, bad], [0, 0, 0])
  assert.ok(calls > 100, `${calls} calls`)
  // 2.4 seconds each, jitter and the time between two calls aside.
  assert.ok(refreshed >= 2 && refreshed <= 3, `${refreshed} refreshes`)
})

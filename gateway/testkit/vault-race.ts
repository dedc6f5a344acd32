/**
 * The race for one connection: many processes on one store, and a provider that ends the whole family when
 * an old refresh token comes again.
 */
import assert from 'node:assert/strict'
import { setTimeout as pause } from 'node:timers/promises'

import type { Store } from '../model/store.ts'
import { temporaryKey } from '../seal/seal.ts'
import { createBook } from '../vault/book.ts'
import { createEnvelopes } from '../vault/envelope.ts'
import { createRingWrap } from '../vault/key-wrap.ts'
import { ACME_SECRET } from './acme.ts'
import { allowAll, ISSUER, startGatehouse, type TestGatehouse } from './gatehouse.ts'
import { startRecordingServer } from './recording-server.ts'
import { startRotatingProvider, type RotatingProvider } from './rotating-provider.ts'
import { callTool, post } from './rpc.ts'

const PROCESSES = 3
const CALLERS = 20
/** All callers call at the same moment, so often, in milliseconds: a race at every expiry, and rests between. */
const WAVE_MS = 100
const LIFE_SECONDS = 3
/** How old a token is at least when it is refreshed, in milliseconds. */
const REFRESHED_AFTER_MS = 2_200

/** The store that all of them share. */
export type Arena = {
  /** Section `state` of the configuration. */
  readonly state: Readonly<Record<string, unknown>>
  readonly env?: Readonly<Record<string, string>>
  readonly runMs: number
  /** Opens it for the test itself. */
  readonly open: () => Promise<Store>
}

/** Runs it. Rejects when a call failed, or the provider was asked more often than tokens ended. */
export async function raceForConnection(arena: Arena): Promise<void> {
  const ring = [temporaryKey()]
  const keys = ring.map(({ id, key }) => `${id}:${key.reveal()}`).join()
  const acme = await startRotatingProvider({
    lifeSeconds: LIFE_SECONDS,
    redirectUris: ['http://127.0.0.1/x'],
  })
  let bad = 0
  const upstream = await startRecordingServer(async ({ headers, json }, response) => {
    if (json?.method !== 'tools/call') return false
    const user = await acme.userOf(headers.authorization?.replace('Bearer ', '') ?? '')
    if (user === 'alice') return false
    bad += 1
    response.writeHead(401).end()
    return true
  })
  const credential = { mode: 'vault', provider: 'acme' }
  const start = (): Promise<TestGatehouse> =>
    startGatehouse({
      servers: { files: { upstream: upstream.url, credential } },
      rules: [allowAll('files')],
      config: {
        state: arena.state,
        providers: { acme: acme.entry },
        authorization_server: 'embedded',
      },
      env: { ACME_SECRET, GATEHOUSE_KEYS: keys, ...arena.env },
    })
  const gateways = await Promise.all(Array.from({ length: PROCESSES }, start))
  try {
    const store = await arena.open()
    await connectAlice(store, ring, acme)
    await store.close()
    const { calls, failed, ranMs } = await callAll(gateways, arena.runMs)
    const { refreshed, failed: refused, revoked } = acme.counts
    assert.equal(failed, 0)
    assert.deepEqual([refused, revoked, bad], [0, 0, 0])
    assert.ok(calls > 100, `${calls} calls`)
    const most = Math.ceil(ranMs / REFRESHED_AFTER_MS)
    assert.ok(refreshed >= 1 && refreshed <= most, `${refreshed} refreshes in ${ranMs} ms`)
  } finally {
    for (const gateway of gateways) await gateway.stop()
    await upstream.stop()
    await acme.stop()
  }
}

/** Connects Alice with tokens that the provider gave, as the pages do. */
async function connectAlice(
  store: Store,
  ring: Parameters<typeof createRingWrap>[0],
  acme: RotatingProvider,
): Promise<void> {
  const owner = { tenant: 'default', issuer: ISSUER, subject: 'alice' }
  const id = { ...owner, provider: 'acme', account: 'default' }
  const now = Date.now()
  const facts = {
    state: 'live',
    scopes: ['openid'],
    label: '',
    reason: undefined,
    connectedAtMs: now,
    refreshedAtMs: now,
    expiresAtMs: now + LIFE_SECONDS * 1_000,
  } as const
  const envelopes = createEnvelopes([createRingWrap(ring)])
  await createBook(store, () => envelopes).connect(id, facts, await acme.grant('alice'))
}

async function callAll(gateways: readonly TestGatehouse[], runMs: number) {
  const counts = { calls: 0, failed: 0 }
  const beganMs = Date.now()
  const endMs = beganMs + runMs
  await Promise.all(
    gateways.flatMap((gateway) =>
      Array.from({ length: CALLERS }, async (_, at) => {
        const token = await gateway.token('files', { subject: 'alice', client: `agent-${at}` })
        while (Date.now() < endMs) {
          const { json } = await post(gateway.url('files'), callTool('echo'), { token })
          const isDone = json?.result !== undefined && json.result['isError'] !== true
          if (!isDone) counts.failed += 1
          counts.calls += 1
          await pause(WAVE_MS - (Date.now() % WAVE_MS))
        }
      }),
    ),
  )
  // The last calls of a busy machine come late.
  return { ...counts, ranMs: Date.now() - beganMs }
}

/**
 * A process that refreshes one connection without end, for a test that kills it: says `refreshed` each
 * time, and `dead` when the provider gives no more tokens.
 */
import { setTimeout as pause } from 'node:timers/promises'

import { createOAuthFetch } from '../egress/oauth-fetch.ts'
import { Secret } from '../model/secret.ts'
import { parseKeyRing } from '../settings/key-ring.ts'
import { openSqliteStore } from '../state/sqlite.ts'
import { createBook } from '../vault/book.ts'
import { createBreaker } from '../vault/breaker.ts'
import { createClientAuth } from '../vault/client-auth.ts'
import type { ConnectionId } from '../vault/connection.ts'
import { createEnvelopes } from '../vault/envelope.ts'
import { createRingWrap } from '../vault/key-wrap.ts'
import { createRefresh } from '../vault/refresh.ts'
import { createServices } from '../vault/services.ts'
import { ACME, ACME_SECRET, testProviders } from './acme.ts'

/** How the test says what to do, as JSON in the environment variable `REFRESH_LOOP`. */
export type RefreshLoop = {
  readonly file: string
  readonly keys: string
  readonly tokenUrl: string
  readonly id: ConnectionId
}

async function run({ file, keys, tokenUrl, id }: RefreshLoop): Promise<void> {
  const now = Date.now
  const store = await openSqliteStore({ file, now })
  const envelopes = createEnvelopes([createRingWrap(parseKeyRing(keys).keys)])
  const book = createBook(store, () => envelopes)
  const fetch = createOAuthFetch()
  // It has a secret and signs nothing.
  const clientAuth = createClientAuth({ sign: () => '', now })
  const client = { id: 'gateway', secret: new Secret(ACME_SECRET), auth: 'basic' } as const
  const provider = { ...ACME, tokenUrl, refreshUrl: tokenUrl, client }
  const refresh = createRefresh({
    book,
    services: createServices(() => ({ any: fetch, public: fetch }), clientAuth),
    store,
    breaker: createBreaker(now),
    providers: testProviders(new Map([['acme', provider]])),
    instance: crypto.randomUUID(),
    now,
    pause: (ms) => pause(ms),
    // The lease of a process that was killed is waited for.
    leaseMs: 300,
    emit: () => undefined,
  })
  for (;;) {
    const entry = await book.read(id)
    if (entry === undefined || entry === 'unreadable')
      throw new Error(`the row is ${String(entry)}`)
    if (entry.connection.state === 'dead') {
      process.stdout.write(`dead ${entry.connection.reason}\n`)
      return
    }
    await refresh(entry)
    process.stdout.write('refreshed\n')
  }
}

if (import.meta.main) await run(JSON.parse(process.env['REFRESH_LOOP'] ?? '') as RefreshLoop)

/**
 * Processes killed at any moment of a refresh (C-08): no row is ever half written, and all that can be lost is
 * an answer of the provider that nobody has written yet, after which the connection says that it is over.
 */
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'

import type { Store } from '../../model/store.ts'
import { temporaryKey } from '../../seal/seal.ts'
import { openSqliteStore } from '../../state/sqlite.ts'
import { NODE, ROOT, startChild } from '../../testkit/child.ts'
import type { RefreshLoop } from '../../testkit/refresh-loop.ts'
import { startRotatingProvider, type RotatingProvider } from '../../testkit/rotating-provider.ts'
import { stopAll } from '../../testkit/stop-all.ts'
import { createBook, type Book } from '../../vault/book.ts'
import type { ConnectionId } from '../../vault/connection.ts'
import { createEnvelopes } from '../../vault/envelope.ts'
import { createRingWrap } from '../../vault/key-wrap.ts'

const RING = [temporaryKey()]
const KEYS = RING.map(({ id, key }) => `${id}:${key.reveal()}`).join()
const KILLS = process.env['GATEHOUSE_PROVE'] === undefined ? 20 : 200
/** Connections refreshed and killed side by side. */
const AT_ONCE = 4
/** A refresh takes some milliseconds here; a kill falls anywhere in a few of them. */
const WITHIN_MS = 40
let acme: RotatingProvider
let directory: string
let store: Store
let book: Book

before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'gatehouse-kill-'))
  acme = await startRotatingProvider({ lifeSeconds: 600, redirectUris: ['http://127.0.0.1/x'] })
  store = await openSqliteStore({ file: join(directory, 'state.db'), now: Date.now })
  const envelopes = createEnvelopes([createRingWrap(RING)])
  book = createBook(store, () => envelopes)
})

after(async () => {
  await stopAll(store, acme)
  await rm(directory, { recursive: true, force: true })
})

async function connect(id: ConnectionId): Promise<void> {
  const now = Date.now()
  const facts = {
    state: 'live',
    scopes: [],
    label: '',
    reason: undefined,
    connectedAtMs: now,
    refreshedAtMs: now,
    expiresAtMs: now + 600_000,
  } as const
  await book.connect(id, facts, await acme.grant(id.subject))
}

/** Lets one process refresh, and kills it in the middle. @returns whether the connection was over. */
async function killOnce(id: ConnectionId): Promise<boolean> {
  const loop: RefreshLoop = {
    file: join(directory, 'state.db'),
    keys: KEYS,
    tokenUrl: `${acme.origin}/token`,
    id,
  }
  const child = startChild({
    command: NODE,
    args: [join(ROOT, 'gateway/testkit/refresh-loop.ts')],
    env: { REFRESH_LOOP: JSON.stringify(loop) },
  })
  await child.waitFor(/refreshed|dead/)
  await pause(Math.random() * WITHIN_MS)
  child.signal('SIGKILL')
  await child.exited
  assert.doesNotMatch(child.output(), /the row is/)
  const entry = await book.read(id)
  assert.ok(typeof entry === 'object', 'the row is gone or does not open')
  if (entry.connection.state === 'live') return false
  assert.equal(entry.connection.reason, 'invalid_grant')
  return true
}

test('Killed in the middle of refreshes, no process leaves half a row, and a lost answer is a connection that says so', async () => {
  const over = await Promise.all(
    Array.from({ length: AT_ONCE }, async (_, at) => {
      const id: ConnectionId = {
        tenant: 'default',
        issuer: 'https://idp.example',
        subject: `user-${at}`,
        provider: 'acme',
        account: 'default',
      }
      await connect(id)
      let lost = 0
      for (let kill = 0; kill < KILLS / AT_ONCE; kill++) {
        if (!(await killOnce(id))) continue
        lost += 1
        await connect(id)
      }
      return lost
    }),
  )
  const lost = over.reduce((sum, one) => sum + one, 0)
  assert.ok(lost <= KILLS / 2, `${lost} of ${KILLS} answers were lost`)
  assert.ok(acme.counts.refreshed >= KILLS / 2)
})

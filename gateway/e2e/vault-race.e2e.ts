/**
 * Many processes and one connection whose provider ends the whole family when an old refresh token comes
 * again: one refresh for each expiry, whoever calls (C-06).
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'

import { openSqliteStore } from '../state/sqlite.ts'
import { raceForConnection } from '../testkit/vault-race.ts'

test('Three processes with twenty callers each refresh once for each expiry on SQLite, and no call fails', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'gatehouse-race-'))
  const file = join(directory, 'state.db')
  try {
    await raceForConnection({
      runMs: 4_500,
      state: { driver: 'sqlite', file },
      open: () => openSqliteStore({ file, now: Date.now }),
    })
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
})

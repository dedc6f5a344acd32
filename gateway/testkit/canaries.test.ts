import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'

import { findLeaks, secretsOf } from './canaries.ts'

test('Secrets are found in logs, audit logs and state, and not in the configuration', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'gatehouse-canaries-'))
  const secret = 'a-secret-that-is-long'
  for (const name of ['audit.jsonl', 'state.db', 'state.db-wal', 'gatehouse.yaml']) {
    await writeFile(join(directory, name), `{"x":"${secret}"}`)
  }
  const leaks = await findLeaks({ directory, log: `oops ${secret}` }, [secret, 'not-there'])
  assert.deepEqual(leaks.toSorted(), [
    'a-secret… in audit.jsonl',
    'a-secret… in state.db',
    'a-secret… in state.db-wal',
    'a-secret… in the log',
  ])
  await rm(directory, { recursive: true })
})

test('Of an environment the secrets are looked for, and neither addresses nor words', () => {
  const env = {
    ADMIN: 'an-admin-token-of-some-length',
    KEYS: 'k1:0123456789abcdefghij,old:ABCDEFGHIJ0123456789',
    URL: 'redis://127.0.0.1:6379/0',
    FILE: '/etc/gatehouse/a-long-path',
    WORD: 'short',
  }
  assert.deepEqual(secretsOf(env), [
    'an-admin-token-of-some-length',
    '0123456789abcdefghij',
    'ABCDEFGHIJ0123456789',
  ])
})

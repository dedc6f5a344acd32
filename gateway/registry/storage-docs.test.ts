import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { createMemoryStore } from '../state/memory.ts'
import { createRevocations } from './revocations.ts'

const STORAGE = readFileSync(join(import.meta.dirname, '../../docs/storage.md'), 'utf8')

test('docs/storage.md lists every key that is written, and no others', async () => {
  const clock = { nowMs: 1_800_000_000_000 }
  const now = (): number => clock.nowMs
  const store = createMemoryStore({ now })
  const revocations = createRevocations({ store, now, emit: () => undefined })
  const { id } = await revocations.revoke({ kind: 'client', value: 'app', by: 'test' })
  const written = (await store.list('')).map(({ key }) => key.replace(id, '{id}'))
  const documented = Array.from(STORAGE.matchAll(/^\| `(\S+\/\S+)` /gm), ([, key]) => key)
  assert.deepEqual(documented, written)
})

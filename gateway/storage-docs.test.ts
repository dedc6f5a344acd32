import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { createTickets } from './pipeline/tickets.ts'
import { createPins } from './registry/pins.ts'
import { createGrants } from './registry/grants.ts'
import { createRevocations } from './registry/revocations.ts'
import { createSeals, temporaryKey } from './seal/seal.ts'
import { createMemoryStore } from './state/memory.ts'

const STORAGE = readFileSync(join(import.meta.dirname, '../docs/storage.md'), 'utf8')

test('docs/storage.md lists every key that is written, and no others', async () => {
  const clock = { nowMs: 1_800_000_000_000 }
  const now = (): number => clock.nowMs
  const store = createMemoryStore({ now })
  const revocations = createRevocations({ store, now, emit: () => undefined })
  const tickets = createTickets({ seals: createSeals([temporaryKey()]), store, now })
  const place = { resource: 'https://gw.example/mcp', origin: undefined }
  const ticket = tickets.issue({ authorization: 'Bearer x', apiKey: undefined }, place)
  await tickets.redeem(ticket, place)
  const grants = createGrants({ store, now, emit: () => undefined })
  const request = { rule: 'r', issuer: 'i', subject: 's' }
  const terms = { ttlMs: 1_000, task: undefined, maxUses: undefined }
  const { id: grant } = await grants.create(request, terms, 'test')
  const { id } = await revocations.revoke({ kind: 'client', value: 'app', by: 'test' })
  const pins = createPins({ store, now, emit: () => undefined })
  await pins.prepare('docs', 'anna')
  const definitions = () => new Map([['read', '{}']])
  pins.observe({ server: 'docs', holds: true, audience: 'anna', page: undefined, definitions })
  await pins.flush()
  const written = (await store.list('')).map(({ key }) =>
    key
      .replace(id, '{id}')
      .replace(grant, '{id}')
      .replace(/^(ws-ticket\/).*/, '$1{id}')
      .replace(/^(pin\/(?:seen|tool)\/).*/, '$1{server}/{id}')
      .replace(/^(pin\/text\/).*/, '$1{server}/{hash}'),
  )
  const documented = Array.from(STORAGE.matchAll(/^\| `(\S+\/\S+)` /gm), ([, key]) => key)
  assert.deepEqual(new Set(documented), new Set(written))
})

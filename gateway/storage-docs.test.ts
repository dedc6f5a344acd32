import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { openSigningKeys } from './oauth/signing-keys.ts'
import { createTestVault } from './testkit/vault.ts'
import { createTickets } from './pipeline/tickets.ts'
import { createPins } from './registry/pins.ts'
import type { Approvals } from './registry/approvals.ts'
import { createApprovals } from './registry/approvals.ts'
import { createGrants } from './registry/grants.ts'
import { createRevocations } from './registry/revocations.ts'
import { createSeals, temporaryKey } from './seal/seal.ts'
import { createSessions } from './sessions/sessions.ts'
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
  const approvals = createApprovals({ store, now, emit: () => undefined })
  await approve(approvals)
  const who = { tenant: 't', issuer: 'i', subject: 's', name: 'n', groups: [], client: '' }
  await createSessions({ store, now }).open({ ...who, kind: 'human', methods: [] })
  const { id: grant } = await grants.create(request, terms, 'test')
  const { id } = await revocations.revoke({ kind: 'client', value: 'app', by: 'test' })
  const pins = createPins({ store, now, emit: () => undefined })
  await pins.prepare('docs', 'anna')
  const definitions = () => new Map([['read', '{}']])
  pins.observe({ server: 'docs', holds: true, audience: 'anna', page: undefined, definitions })
  await pins.flush()
  const own = createSeals([temporaryKey()])
  await openSigningKeys({
    store,
    seal: (text) => own.seal('signing-key', [], text),
    open: (sealed) => own.open('signing-key', [], sealed),
    isLasting: true,
    now,
  })
  await createTestVault({ store, clock }).begin()
  const written = (await store.list('')).map(({ key }) =>
    key
      .replace(id, '{id}')
      .replace(grant, '{id}')
      .replace(/^(approval\/ask\/).*/, '$1{id}')
      .replace(/^(approval\/(?:call|entry)\/).*/, '$1{hash}')
      .replace(/^(session\/|connecting\/).*/, '$1{hash}')
      .replace(/^(vault\/).*/, '$1{hash}/{provider}/{account}')
      .replace(/^(ws-ticket\/).*/, '$1{id}')
      .replace(/^(pin\/(?:seen|tool)\/).*/, '$1{server}/{id}')
      .replace(/^(pin\/text\/).*/, '$1{server}/{hash}'),
  )
  const documented = Array.from(STORAGE.matchAll(/^\| `(\S+\/\S+)` /gm), ([, key]) => key)
  assert.deepEqual(new Set(documented), new Set(written))
})

/** A request for approval, and what comes of it. */
async function approve(approvals: Approvals): Promise<void> {
  const who = { tenant: 't', issuer: 'i', subject: 's', client: 'c' }
  const call = { ...who, server: 'docs', method: 'tools/call', targets: [], arguments: '' }
  const terms = { by: { kind: 'subject' }, forMs: undefined } as const
  const needs = [{ rule: 'r', terms, state: 'waiting', by: undefined } as const]
  const { id } = await approvals.ask(
    { call, kind: 'agent', personal: true, needs },
    { seal: () => 'sealed', opens: () => true },
  )
  await approvals.decide(id, { rules: ['r'], by: 'b', decision: { kind: 'once' } })
}

import assert from 'node:assert/strict'
import { test } from 'node:test'

import { Refusal } from '../model/refusal.ts'
import { createSeals, temporaryKey } from '../seal/seal.ts'
import type { TicketPlace } from './tickets.ts'
import { createTickets, TICKET_MS } from './tickets.ts'

const PLACE: TicketPlace = { resource: 'https://gw.example/mcp', origin: 'https://app.example' }
const BEARER = { authorization: 'Bearer a.b.c', apiKey: undefined }

function bench() {
  const clock = { nowMs: 1_000 }
  const rows = new Set<string>()
  const seals = createSeals([temporaryKey()])
  const store = {
    cas: async (key: string) => {
      const isNew = !rows.has(key)
      rows.add(key)
      return isNew
    },
  }
  return { clock, rows, seals, tickets: createTickets({ seals, store, now: () => clock.nowMs }) }
}

async function refusedBecause(work: Promise<unknown>): Promise<string | undefined> {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  assert.ok(error instanceof Refusal)
  assert.equal(error.code, 'invalid_token')
  return error.extra.detail
}

test('a ticket is worth what it was given for, once', async () => {
  const { tickets } = bench()
  const ticket = tickets.issue(BEARER, PLACE)
  assert.match(ticket, /^[A-Za-z0-9_-]+$/)
  assert.deepEqual(await tickets.redeem(ticket, PLACE), BEARER)
  assert.equal(await refusedBecause(tickets.redeem(ticket, PLACE)), 'a ticket that was used before')
})

test('while nobody can say whether a ticket was used it does not count', async () => {
  const cas = async (): Promise<boolean> => {
    throw new Error('away')
  }
  const seals = createSeals([temporaryKey()])
  const tickets = createTickets({ seals, store: { cas }, now: () => 1_000 })
  const ticket = tickets.issue(BEARER, PLACE)
  await assert.rejects(tickets.redeem(ticket, PLACE), { code: 'keys_unavailable' })
})

test('of two uses at the same time one counts', async () => {
  const { tickets } = bench()
  const ticket = tickets.issue({ authorization: undefined, apiKey: 'k' }, PLACE)
  const uses = await Promise.allSettled([
    tickets.redeem(ticket, PLACE),
    tickets.redeem(ticket, PLACE),
  ])
  assert.deepEqual(uses.map(({ status }) => status).toSorted(), ['fulfilled', 'rejected'])
})

test('a ticket for another server or another origin is refused and not used up', async () => {
  const { tickets, rows } = bench()
  const ticket = tickets.issue(BEARER, PLACE)
  for (const place of [
    { ...PLACE, resource: 'https://gw.example/mcp/other' },
    { ...PLACE, origin: 'https://evil.example' },
    { ...PLACE, origin: undefined },
  ]) {
    await refusedBecause(tickets.redeem(ticket, place))
  }
  assert.equal(rows.size, 0)
  assert.deepEqual(await tickets.redeem(ticket, PLACE), BEARER)
})

test('a ticket ends', async () => {
  const { tickets, clock } = bench()
  const ticket = tickets.issue(BEARER, PLACE)
  clock.nowMs += TICKET_MS
  assert.equal(await refusedBecause(tickets.redeem(ticket, PLACE)), 'a ticket that has ended')
})

test('a handle for another purpose is no ticket', async () => {
  const { tickets, seals } = bench()
  const bound = [PLACE.resource, PLACE.origin ?? '']
  const handle = seals.seal('session', bound, JSON.stringify({ i: 'x', e: 1e15, a: 'Bearer x' }))
  await refusedBecause(tickets.redeem(handle, PLACE))
  await refusedBecause(tickets.redeem('', PLACE))
})

test('a credential that would not fit into a header gets no ticket', () => {
  const { tickets } = bench()
  const long = { authorization: `Bearer ${'a'.repeat(8_000)}`, apiKey: undefined }
  assert.throws(() => tickets.issue(long, PLACE), { code: 'head_too_large' })
})

/** An admin API over an empty revocation list, for tests of it and of its clients. No sockets. */
import assert from 'node:assert/strict'
import type { AdminOptions, AdminRequest } from '../admin/admin.ts'
import { createAdmin } from '../admin/admin.ts'
import type { AdminAnswer } from '../admin/answer.ts'
import type { GatehouseEvent } from '../model/event.ts'
import { Secret } from '../model/secret.ts'
import { createClients } from '../registry/clients.ts'
import { createPins, type Pins } from '../registry/pins.ts'
import type { Revocations } from '../registry/revocations.ts'
import { createGrants } from '../registry/grants.ts'
import { createRevocations } from '../registry/revocations.ts'
import { temporaryKey } from '../seal/seal.ts'
import { createMemoryStore } from '../state/memory.ts'
import { createBook } from '../vault/book.ts'
import { createEnvelopes } from '../vault/envelope.ts'
import { createRingWrap } from '../vault/key-wrap.ts'

/** The token of every admin API made here. */
export const ADMIN_TOKEN = 'b3BlcmF0b3JzLW9ubHktb3BlcmF0b3JzLW9ubHktMQ'

/** A request of which only what matters is said; the rest is `GET /admin/status` with the token. */
export type AdminAsk = Partial<Omit<AdminRequest, 'body' | 'query'>> & {
  readonly query?: string
  readonly body?: string | (() => Promise<string>)
}

export type AdminDesk = {
  readonly ask: (request: AdminAsk) => Promise<AdminAnswer>
  /** What the admin API told, in order. */
  readonly events: readonly GatehouseEvent[]
  readonly clock: { nowMs: number }
  readonly revocations: Revocations
  readonly pins: Pins
}

/** Makes one; `options` replace what it is made of. */
export function createAdminDesk(options: Partial<AdminOptions> = {}): AdminDesk {
  const clock = { nowMs: 1_800_000_000_000 }
  const now = (): number => clock.nowMs
  const events: GatehouseEvent[] = []
  const store = createMemoryStore({ now })
  const revocations = createRevocations({ store, now, emit: () => undefined })
  const book = createBook(store, () => createEnvelopes([createRingWrap([temporaryKey()])]))
  const pins = createPins({ store, now, emit: () => undefined })
  const admin = createAdmin({
    token: new Secret(ADMIN_TOKEN),
    revocations,
    pins,
    clients: createClients({ store, now }),
    rotateSigningKeys: async () => 2,
    grants: createGrants({ store, now, emit: (event) => events.push(event) }),
    grantRules: () => new Map(),
    vault: () => ({
      book,
      connect: { disconnect: async () => false },
      resealKeys: async () => undefined,
    }),
    known: () => ({ issuers: ['https://idp.example'], apiKeyPrefixes: ['abcd1234'] }),
    status: () => ({ version: '1.2.3', ready: true }),
    tools: () => ({}),
    reload: async () => ({ ok: true, problems: [], notices: [] }),
    emit: (event) => events.push(event),
    now,
    ...options,
  })
  const ask: AdminDesk['ask'] = ({ query = '', body = '', ...request }) =>
    admin({
      method: 'GET',
      path: '/admin/status',
      authorization: `Bearer ${ADMIN_TOKEN}`,
      actor: undefined,
      address: '127.0.0.1',
      ...request,
      query: new URLSearchParams(query),
      body: typeof body === 'string' ? async () => body : body,
    })
  return { ask, events, clock, revocations, pins }
}

/** Status and code of a refusal. */
export function errorOf(answer: { readonly status: number; readonly body: unknown }) {
  const { error } = answer.body as { readonly error: string }
  return { status: answer.status, error }
}

/** What was recorded, without the address at the end. */
export function recordsOf(events: readonly GatehouseEvent[]): readonly unknown[] {
  return events.map((event) => {
    assert.ok(event.type === 'admin')
    assert.match(event.detail ?? '', /, from 127\.0\.0\.1$/)
    const { by, action, ok } = event
    return [by, action, ok, event.detail?.replace(/, from .*/, '')]
  })
}

import assert from 'node:assert/strict'
import { test } from 'node:test'

import { createSessions, formToken } from '../sessions/sessions.ts'
import { ACME, testProviders } from '../testkit/acme.ts'
import { memoryStore } from '../testkit/memory-store.ts'
import { createSeals, temporaryKey } from '../seal/seal.ts'
import { CONNECTING_MS } from './connect.ts'
import { createConnectDesk } from './connect-desk.ts'
import { createConnectLinks } from './connect-link.ts'

const ORIGIN = 'https://gw.example'
const PERSON = {
  tenant: 'default',
  issuer: ORIGIN,
  name: 'A person',
  kind: 'human',
  groups: [],
  client: '',
  methods: [],
} as const

/** Cookies by the names they have without TLS. */
function cookie(name: string) {
  return { name, set: (value: string) => `${name}=${value}` }
}

function setUp() {
  const { clock, store, now } = memoryStore()
  const sessions = createSessions({ store, now })
  const seals = createSeals([temporaryKey()])
  let begun = 0
  const desk = createConnectDesk({
    connect: {
      begin: async () => {
        begun += 1
        return { url: 'https://acme.example/auth', browser: 'b' }
      },
      finish: async () => ({ kind: 'unknown' }),
      disconnect: async () => false,
    },
    links: createConnectLinks({ seals, base: `${ORIGIN}/connect`, now }),
    sessions,
    sessionCookie: cookie('session'),
    connectCookie: cookie('connect'),
    providers: testProviders(),
    mine: async () => [],
    scopesOf: () => [],
    signIn: undefined,
    accessPath: undefined,
    done: () => undefined,
    store,
    now,
    origin: ORIGIN,
    base: '/connect',
  })
  /** Who presses the button of the page, so many times; the statuses in order, each once. */
  const press = async (subject: string, times: number): Promise<readonly number[]> => {
    const { session, value } = await sessions.open({ ...PERSON, subject })
    const token = formToken(session.formSecret, `connect ${ACME.name} `)
    const statuses = new Set<number>()
    for (let at = 0; at < times; at += 1) {
      const answer = await desk({
        method: 'POST',
        target: `/${ACME.name}`,
        cookie: `session=${value}`,
        origin: ORIGIN,
        fetchSite: 'same-origin',
        form: async () => new URLSearchParams({ token }),
      })
      statuses.add(answer.status)
    }
    return [...statuses]
  }
  return { clock, press, begun: () => begun }
}

test('A person can begin to connect only so often, and keeps nobody else from it', async () => {
  const { clock, press, begun } = setUp()
  assert.deepEqual(await press('alice', 60), [303])
  assert.deepEqual(await press('alice', 5), [429])
  assert.equal(begun(), 60)
  assert.deepEqual(await press('bob', 1), [303])
  clock.nowMs += CONNECTING_MS
  assert.deepEqual(await press('alice', 1), [303])
})

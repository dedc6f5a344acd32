import assert from 'node:assert/strict'
import { test } from 'node:test'

import type { GatehouseEvent } from '../model/event.ts'
import { memoryStore } from '../testkit/memory-store.ts'
import { createBackChannel } from './back-channel.ts'
import type { IdentityProvider } from './identity-provider.ts'
import type { Logout } from './logout-token.ts'
import { createRows, MAX_LISTED } from './rows.ts'
import { createSourceSessions } from './source-sessions.ts'

const HOUR_MS = 3_600_000

function setup() {
  const { store, now } = memoryStore()
  const sealing = {
    seal: (_: unknown, text: string) => text,
    open: (_: unknown, text: string) => text,
  }
  const rows = createRows({ store, sealing: () => sealing })
  const sources = createSourceSessions(rows)
  const ended: string[] = []
  const events: GatehouseEvent[] = []
  const fault: { begins: boolean; is: Error | undefined } = { begins: false, is: undefined }
  const working = (): void => {
    if (fault.is !== undefined) throw fault.is
  }
  const provider: IdentityProvider = {
    begin: () => Promise.reject(new Error('not asked')),
    finish: () => Promise.reject(new Error('not asked')),
    // The token is what it says; whether it may be believed is tried elsewhere.
    readLogout: (token) => Promise.resolve({ ok: true, logout: JSON.parse(token) as Logout }),
  }
  const answer = createBackChannel({
    providers: (name) => (name === 'corp' ? provider : undefined),
    sources,
    rows,
    // The store of the book of used tokens goes away with the rest.
    store: {
      get: async (key) => (working(), await store.get(key)),
      put: async (key, value, life) => (working(), await store.put(key, value, life)),
    },
    endSession: async ({ id }) => {
      if (fault.begins) fault.is = new Error('the store is away')
      working()
      ended.push(`session ${id}`)
    },
    endPerson: async (subject) => void ended.push(`person ${subject}`),
    now,
    emit: (event) => void events.push(event),
  })
  let made = 0
  const send = async (names: Partial<Logout>, name = 'corp'): Promise<number> => {
    const expiresAtSeconds = now() / 1_000 + 120
    const logout = { id: `j${++made}`, expiresAtSeconds, ...names }
    const form = new URLSearchParams({ logout_token: JSON.stringify(logout) })
    return (await answer(name, form)).status
  }
  const signIn = async (id: string, source: string | undefined): Promise<void> => {
    const payload = { name: 'Bea', groups: [], namesSessions: source !== undefined }
    await rows.write('account', 'corp|00u1', payload)
    const from = source === undefined ? undefined : { provider: 'corp', id: source }
    await sources.note({ id, key: `k-${id}`, subject: 'corp|00u1', source: from }, HOUR_MS)
  }
  return { answer, ended, events, fault, send, signIn }
}

test('A session that ended at the provider ends what came of it here, and nothing else', async () => {
  const { ended, events, send, signIn } = setup()
  await signIn('one', 's1')
  await signIn('two', 's1')
  await signIn('other', 's2')
  assert.equal(await send({ session: 's1', subject: '00u1' }), 200)
  assert.deepEqual(ended.toSorted(), ['session one', 'session two'])
  assert.deepEqual(
    events.map((event) => event.type === 'signed_out' && [event.subject, event.way]),
    [
      ['corp|00u1', 'corp'],
      ['corp|00u1', 'corp'],
    ],
  )
})

test('However many sessions came of one, all of them end', async () => {
  const { ended, send, signIn } = setup()
  for (let at = 0; at <= MAX_LISTED; at++) await signIn(`n${at}`, 's1')
  await send({ session: 's1' })
  assert.equal(ended.length, MAX_LISTED + 1)
})

test('A logout without a session ends all that the person has', async () => {
  const { ended, send, signIn } = setup()
  await signIn('one', 's1')
  assert.equal(await send({ subject: '00u1' }), 200)
  assert.deepEqual(ended, ['person corp|00u1'])
})

test('A session that is not known ends nothing, unless the provider named none when the person came', async () => {
  const { ended, send, signIn } = setup()
  await signIn('one', 's1')
  assert.equal(await send({ session: 'long-gone', subject: '00u1' }), 200)
  assert.equal(await send({ session: 'long-gone', subject: 'nobody' }), 200)
  assert.deepEqual(ended, [])
  await signIn('two', undefined)
  assert.equal(await send({ session: 'never-named', subject: '00u1' }), 200)
  assert.deepEqual(ended, ['person corp|00u1'])
})

test('A token counts once, and again where it could not be carried out', async () => {
  const { ended, fault, send, signIn } = setup()
  await signIn('one', 's1')
  fault.begins = true
  await assert.rejects(send({ id: 'same', session: 's1' }), /the store is away/)
  Object.assign(fault, { begins: false, is: undefined })
  assert.equal(await send({ id: 'same', session: 's1' }), 200)
  assert.equal(await send({ id: 'same', subject: '00u1' }), 400)
  assert.deepEqual(ended, ['session one'])
})

test('Nobody but a configured provider is listened to, and only one token at a time', async () => {
  const { answer, send } = setup()
  assert.equal(await send({ subject: '00u1' }, 'other'), 404)
  assert.equal((await answer('corp', undefined)).status, 400)
  assert.equal(
    (await answer('corp', new URLSearchParams('logout_token=a&logout_token=b'))).status,
    400,
  )
})

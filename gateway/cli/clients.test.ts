import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createClients } from '../registry/clients.ts'
import { ADMIN_TOKEN, createAdminDesk } from '../testkit/admin-desk.ts'
import { memoryStore } from '../testkit/memory-store.ts'
import { silentIo } from '../testkit/run-verb.ts'
import { clientsList, clientsRevoke } from './clients.ts'
import { signingKeysRotate } from './signing-keys.ts'

async function setup(count: number) {
  const { store, now, clock } = memoryStore()
  const clients = createClients({ store, now })
  for (let at = 0; at < count; at++) {
    await clients.add({
      id: `c_${String(at).padStart(3, '0')}`,
      name: 'Agent \u001b[2J',
      kind: 'agent',
      token: at === 0 ? 'fleet' : undefined,
      address: '127.0.0.1',
      registeredAtMs: clock.nowMs,
      usedAtMs: clock.nowMs,
      idleMs: 60_000,
      rows: [],
    })
  }
  const desk = createAdminDesk({ clients })
  const run = async (verb: typeof clientsList, ...args: readonly string[]) => {
    const { io, out, err } = silentIo({ GATEHOUSE_ADMIN_TOKEN: ADMIN_TOKEN })
    const fetch = async (input: unknown, init: RequestInit = {}): Promise<Response> => {
      const { pathname: path, searchParams } = new URL(String(input))
      const { method = 'GET' } = init
      const answer = await desk.ask({ method, path, query: searchParams.toString() })
      return Response.json(answer.body, { status: answer.status })
    }
    return { code: await verb(args, io, fetch), out, err }
  }
  return { clients, desk, run }
}

test('clients list names all of them, page by page, and nothing of a name acts on a terminal', async () => {
  const { run } = await setup(250)
  const { code, out } = await run(clientsList)
  assert.deepEqual([code, out.length], [0, 250])
  assert.match(out[0] ?? '', /^c_000 {2}agent {2}used 2023-\S+ {2}with fleet {2}"Agent /)
  assert.match(out[1] ?? '', / by itself /)
  assert.doesNotMatch(out.join(''), /\p{Cc}/u)
  assert.equal(JSON.parse((await run(clientsList, '--json')).out[249] ?? '').id, 'c_249')
})

test('a client that is revoked is gone, and its tokens with it', async () => {
  const { clients, desk, run } = await setup(2)
  assert.equal((await run(clientsRevoke, 'c_000')).code, 0)
  assert.equal(await clients.get('c_000'), undefined)
  assert.deepEqual(
    desk.revocations.list().map(({ kind, value }) => [kind, value]),
    [['client', 'c_000']],
  )
  assert.ok(desk.events.some(({ type }) => type === 'client_removed'))
  const again = await run(clientsRevoke, 'c_000')
  assert.deepEqual([again.code, /no such client/.test(again.err.join())], [1, true])
  assert.equal((await run(clientsRevoke)).code, 2)
})

test('where there is no authorization server there are no clients', async () => {
  const desk = createAdminDesk({ clients: undefined })
  assert.equal((await desk.ask({ path: '/admin/clients' })).status, 404)
  assert.equal((await desk.ask({ method: 'DELETE', path: '/admin/clients/x' })).status, 404)
  assert.equal((await createAdminDesk().ask({ path: '/admin/clients', query: 'x=1' })).status, 400)
})

test('a signing key is added, and it is said when it signs', async () => {
  const { run } = await setup(0)
  const { code, out } = await run(signingKeysRotate)
  assert.deepEqual([code, /signs in 20 minutes; published now: 2/.test(out.join())], [0, true])
})

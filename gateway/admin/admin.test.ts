import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ADMIN_TOKEN, createAdminDesk, errorOf, recordsOf } from '../testkit/admin-desk.ts'

const TOKEN = ADMIN_TOKEN

async function goneAway(): Promise<string> {
  throw new Error('the client went away')
}

const ADD = { method: 'POST', path: '/admin/revocations' } as const

test('without a configured token everything is not found and nothing is recorded', async () => {
  const { ask, events } = createAdminDesk({ token: undefined })
  for (const path of ['/admin/status', '/admin/revocations', '/admin/', '/admin/anything']) {
    assert.deepEqual(errorOf(await ask({ path })), { status: 404, error: 'not_found' })
  }
  assert.deepEqual(events, [])
})

test('whoever does not send the token learns nothing, not even what exists', async () => {
  const { ask, events } = createAdminDesk()
  const wrong = [
    undefined,
    '',
    'Bearer',
    'Bearer ',
    TOKEN,
    `Basic ${TOKEN}`,
    `Bearer ${TOKEN}x`,
    `Bearer ${TOKEN.slice(0, -1)}`,
    `Bearer ${TOKEN.toLowerCase()}`,
    `Bearer ${TOKEN} ${TOKEN}`,
    `Bearer ${TOKEN}, Bearer ${TOKEN}`,
    `Bearer ${' '.repeat(2000)}${TOKEN}`,
  ]
  const answers = []
  for (const authorization of wrong) {
    const path = '/admin/nothing-here'
    answers.push(await ask({ authorization, path, body: () => assert.fail('the body was read') }))
  }
  assert.equal(new Set(answers.map(({ body }) => JSON.stringify(body))).size, 1)
  assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([401]))
  assert.match(answers[0]!.headers?.['www-authenticate'] ?? '', /^Bearer /)
  assert.deepEqual(recordsOf(events)[0], ['unknown', 'authenticate', false, '401 no admin token'])
  assert.deepEqual(recordsOf(events)[1], [
    'unknown',
    'authenticate',
    false,
    '401 not the admin token',
  ])
  assert.equal(events.length, wrong.length)
  assert.ok(!JSON.stringify(events).includes(TOKEN))
})

test('the scheme of the token may be written in any case', async () => {
  const { ask } = createAdminDesk()
  for (const scheme of ['Bearer', 'bearer', 'BEARER']) {
    assert.equal((await ask({ authorization: `${scheme} ${TOKEN}` })).status, 200)
  }
})

test('a flood of wrong tokens is not recorded one by one, and keeps no operator out', async () => {
  const { ask, events, clock } = createAdminDesk()
  const answers = []
  for (let i = 0; i < 100; i += 1) answers.push(await ask({ authorization: `Bearer ${i}` }))
  assert.equal(answers.filter(({ status }) => status === 401).length, 20)
  assert.equal(answers.at(-1)?.status, 429)
  assert.equal(answers.at(-1)?.headers?.['retry-after'], '1')
  assert.equal(events.length, 20)
  assert.equal((await ask({})).status, 200)
  assert.deepEqual(events[20], {
    type: 'admin',
    by: 'unknown',
    action: 'authenticate',
    ok: false,
    detail: '80 more refused, not recorded one by one',
  })
  assert.equal(events.length, 22)
  clock.nowMs += 1000
  assert.equal((await ask({ authorization: 'Bearer x' })).status, 401)
  assert.equal((await ask({ authorization: 'Bearer x' })).status, 429)
  clock.nowMs -= 3_600_000
  assert.equal((await ask({ authorization: 'Bearer x' })).status, 429)
  clock.nowMs += 1000
  assert.equal((await ask({ authorization: 'Bearer x' })).status, 401)
  clock.nowMs += 86_400_000
  const later = []
  for (let i = 0; i < 30; i += 1) later.push(await ask({ authorization: 'Bearer x' }))
  assert.equal(later.filter(({ status }) => status === 401).length, 20)
})

test('an unknown path is not found and an unknown method not allowed, both recorded', async () => {
  const { ask, events } = createAdminDesk()
  const unknown = ['/admin', '/admin/', '/admin/Status', '/admin/status/', '/admin//status', '/x']
  for (const path of unknown) {
    assert.deepEqual(errorOf(await ask({ path })), { status: 404, error: 'not_found' }, path)
  }
  const refused = await ask({ method: 'PUT', path: '/admin/revocations' })
  assert.deepEqual(errorOf(refused), { status: 405, error: 'method_not_allowed' })
  assert.equal(refused.headers?.['allow'], 'GET, POST')
  for (const method of ['HEAD', 'get', 'POST', 'OPTIONS']) {
    assert.equal((await ask({ method })).status, 405)
  }
  assert.deepEqual(recordsOf(events)[1], ['admin', 'unknown', false, '404 GET /admin/'])
  assert.deepEqual(recordsOf(events)[6], ['admin', 'unknown', false, '405 PUT /admin/revocations'])
  assert.equal(events.length, 11)
})

test('the status is what the gateway says, and asking is recorded', async () => {
  const { ask, events } = createAdminDesk()
  const answer = await ask({})
  assert.equal(answer.status, 200)
  assert.deepEqual(answer.body, { version: '1.2.3', ready: true })
  assert.deepEqual(recordsOf(events), [['admin', 'status', true, '200']])
  assert.equal((await ask({ query: 'verbose=1' })).status, 400)
  assert.deepEqual(recordsOf(events)[1], ['admin', 'status', false, '400 invalid'])
})

test('a reload says how it went, and both ways are recorded', async () => {
  let problems: readonly string[] = []
  const { ask, events } = createAdminDesk({
    reload: async () => ({ ok: problems.length === 0, problems, notices: ['note'] }),
  })
  const request = { method: 'POST', path: '/admin/reload' }
  assert.deepEqual((await ask(request)).body, { ok: true, problems: [], notices: ['note'] })
  problems = ['gatehouse.yaml:3:5: unknown key']
  const refused = await ask(request)
  assert.equal(refused.status, 422)
  assert.deepEqual((refused.body as { readonly problems: unknown }).problems, problems)
  assert.match(JSON.stringify(refused.body), /gatehouse\.yaml:3:5/)
  assert.equal((await ask({ ...request, query: 'x' })).status, 400)
  assert.deepEqual(recordsOf(events), [
    ['admin', 'reload', true, '200'],
    ['admin', 'reload', false, '422 invalid_configuration'],
    ['admin', 'reload', false, '400 invalid'],
  ])
})

test('a fault inside is answered without its text, which is recorded', async () => {
  const { ask, events } = createAdminDesk({
    status: () => {
      throw new Error('secret path /etc/x\nline two')
    },
  })
  const answer = await ask({})
  assert.deepEqual(errorOf(answer), { status: 500, error: 'internal' })
  assert.ok(!JSON.stringify(answer.body).includes('secret'))
  assert.deepEqual(recordsOf(events), [
    ['admin', 'status', false, '500 secret path /etc/x?line two'],
  ])
})

test('a body that cannot be read to its end is a fault, recorded', async () => {
  const { ask, events } = createAdminDesk()
  assert.equal((await ask({ ...ADD, body: goneAway })).status, 500)
  assert.deepEqual(recordsOf(events)[0], [
    'admin',
    'revocations.add',
    false,
    '500 the client went away',
  ])
})

test('a claimed name is recorded as claimed, cleaned and cut', async () => {
  const { ask, events } = createAdminDesk()
  const claims: readonly (readonly [string, string])[] = [
    ['alice@example.com', 'admin (claims to be alice@example.com)'],
    ['Zoë', 'admin (claims to be Zoë)'],
    ['admin) root (', 'admin (claims to be admin__root__)'],
    ['line\nbreak\u202e', 'admin (claims to be line_break_)'],
    ['x'.repeat(200), `admin (claims to be ${'x'.repeat(64)})`],
    ['   ', 'admin'],
  ]
  for (const [actor] of claims) await ask({ actor })
  assert.deepEqual(
    recordsOf(events).map((record) => (record as readonly unknown[])[0]),
    claims.map(([, by]) => by),
  )
  await ask({ actor: 'alice', authorization: undefined })
  const last = events.at(-1)
  assert.ok(last?.type === 'admin' && last.by === 'unknown')
})

import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import type { GatehouseEvent } from '../model/event.ts'
import type { RevocationProblem } from '../registry/revocation.ts'
import { RevocationError } from '../registry/revocation.ts'
import type { Revocations } from '../registry/revocations.ts'
import { ADMIN_TOKEN, createAdminDesk } from '../testkit/admin-desk.ts'

const TOKEN = ADMIN_TOKEN
const ISSUER = 'https://idp.example'

async function goneAway(): Promise<string> {
  throw new Error('the client went away')
}

async function overTheBound(): Promise<string> {
  throw new RangeError('over the bound of the port')
}

const ADD = { method: 'POST', path: '/admin/revocations' } as const

function errorOf(answer: { readonly status: number; readonly body: unknown }) {
  const { error } = answer.body as { readonly error: string }
  return { status: answer.status, error }
}

/** What was recorded, without the address at the end. */
function records(events: readonly GatehouseEvent[]): readonly unknown[] {
  return events.map((event) => {
    assert.ok(event.type === 'admin')
    assert.match(event.detail ?? '', /, from 127\.0\.0\.1$/)
    const { by, action, ok } = event
    return [by, action, ok, event.detail?.replace(/, from .*/, '')]
  })
}

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
  assert.deepEqual(records(events)[0], ['unknown', 'authenticate', false, '401 no admin token'])
  assert.deepEqual(records(events)[1], [
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
  assert.deepEqual(records(events)[1], ['admin', 'unknown', false, '404 GET /admin/'])
  assert.deepEqual(records(events)[6], ['admin', 'unknown', false, '405 PUT /admin/revocations'])
  assert.equal(events.length, 11)
})

test('the status is what the gateway says, and asking is recorded', async () => {
  const { ask, events } = createAdminDesk()
  const answer = await ask({})
  assert.equal(answer.status, 200)
  assert.deepEqual(answer.body, { version: '1.2.3', ready: true })
  assert.deepEqual(records(events), [['admin', 'status', true, '200']])
  assert.equal((await ask({ query: 'verbose=1' })).status, 400)
  assert.deepEqual(records(events)[1], ['admin', 'status', false, '400 invalid'])
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
  assert.deepEqual(records(events), [
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
  assert.deepEqual(records(events), [['admin', 'status', false, '500 secret path /etc/x?line two']])
})

test('a body that cannot be read to its end is a fault, recorded', async () => {
  const { ask, events } = createAdminDesk()
  assert.equal((await ask({ ...ADD, body: goneAway })).status, 500)
  assert.deepEqual(records(events)[0], [
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
    records(events).map((record) => (record as readonly unknown[])[0]),
    claims.map(([, by]) => by),
  )
  await ask({ actor: 'alice', authorization: undefined })
  const last = events.at(-1)
  assert.ok(last?.type === 'admin' && last.by === 'unknown')
})

test('a revocation is made, in force, in the answer and in the record', async () => {
  const { ask, events, revocations } = createAdminDesk()
  const body = JSON.stringify({
    kind: 'token',
    issuer: ISSUER,
    value: 'jti-1',
    reason: 'stolen',
    expiresInSeconds: 60,
  })
  const answer = await ask({ ...ADD, body, actor: 'alice' })
  assert.equal(answer.status, 201)
  const [entry] = revocations.list()
  assert.deepEqual(answer.body, entry)
  assert.equal(entry?.by, 'admin (claims to be alice)')
  assert.equal(entry?.reason, 'stolen')
  assert.deepEqual(records(events), [
    [entry.by, 'revocations.add', true, `201 ${entry.id}: token jti-1 of ${ISSUER}`],
  ])
})

test('a whole token or API key is nowhere: not in the list, an answer or a record', async () => {
  const { ask, events, revocations } = createAdminDesk()
  const secret = randomBytes(32).toString('base64url')
  const [key, jwt] = [`ghk_abcd1234_${secret}`, `eyJhbGciOiJFUzI1NiJ9.eyJqdGkiOiJ4In0.${secret}`]
  const named = { kind: 'token', issuer: ISSUER, value: 'jti-1' }
  const wishes = [
    ...[key, jwt, `Bearer ${jwt}`].map((value) => ({ ...named, value })),
    ...[key, jwt].map((reason) => ({ ...named, reason })),
    ...[key, jwt].map((value) => ({ kind: 'client', value })),
    { ...named, issuer: jwt },
  ]
  for (const wish of wishes) {
    const answer = await ask({ ...ADD, body: JSON.stringify(wish), actor: key })
    assert.deepEqual(errorOf(answer), { status: 400, error: 'invalid' })
    assert.match(JSON.stringify(answer.body), /give its (jti, a claim|prefix, the 8 char)/)
    assert.ok(!JSON.stringify(answer).includes(secret))
  }
  await ask({ method: 'DELETE', path: `/admin/revocations/${key}` })
  await ask({ method: 'PUT', path: `/admin/revocations/${jwt}` })
  assert.equal(revocations.size, 0)
  assert.ok(!JSON.stringify(events).includes(secret))
  const body = JSON.stringify({ kind: 'token', issuer: 'urn:gatehouse:api-key', value: key })
  assert.equal((await ask({ ...ADD, body })).status, 201)
  assert.equal(revocations.list()[0]?.value, 'abcd1234')
  assert.ok(!JSON.stringify([events, revocations.list()]).includes(secret))
})

test('revoking what the configuration does not know is done, with a warning', async () => {
  const { ask, events, revocations } = createAdminDesk()
  const warnings = () => events.filter(({ type }) => type === 'warning')
  const known = [
    { kind: 'subject', issuer: ISSUER, value: 'user-1' },
    { kind: 'client', value: 'app' },
    { kind: 'token', issuer: 'urn:gatehouse:api-key', value: 'abcd1234' },
    { kind: 'subject', issuer: 'urn:gatehouse:api-key', value: 'nightly' },
  ]
  for (const wish of known) {
    const { body } = await ask({ ...ADD, body: JSON.stringify(wish) })
    assert.ok(!Object.hasOwn(Object(body), 'warning'))
  }
  assert.deepEqual(warnings(), [])
  const unknown = [
    [{ kind: 'client', issuer: `${ISSUER}/`, value: 'app' }, 'issuer "https://idp.example/"'],
    [
      { kind: 'token', issuer: 'urn:gatehouse:api-key', value: 'abcd1235' },
      'API key with the prefix "abcd1235"',
    ],
  ] as const
  for (const [wish, what] of unknown) {
    const answer = await ask({ ...ADD, body: JSON.stringify(wish) })
    const warning = `the configuration has no ${what}`
    assert.equal(answer.status, 201)
    assert.deepEqual(answer.body, { ...revocations.list().at(-1), warning })
    assert.deepEqual(warnings().at(-1), {
      type: 'warning',
      what: 'revoked_unknown',
      detail: warning,
    })
  }
})

test('a body that is not exactly a revocation is refused, changes nothing and is recorded', async () => {
  const { ask, events, revocations } = createAdminDesk()
  const good = { kind: 'token', issuer: ISSUER, value: 'jti-1' }
  const bad = [
    '',
    'kind=token',
    'null',
    '[]',
    '"token"',
    ...[
      { kind: undefined },
      { kind: 'planet' },
      { value: 7 },
      { value: '' },
      { issuer: null },
      { issuer: undefined },
      { reason: ['x'] },
      { expiresInSeconds: '60' },
      { expiresInSeconds: -1 },
      { by: 'someone else' },
      { id: '0'.repeat(24) },
    ].map((change) => JSON.stringify({ ...good, ...change })),
    JSON.stringify(good).replace('{', '{"__proto__":{},'),
  ]
  for (const body of bad) {
    assert.deepEqual(errorOf(await ask({ ...ADD, body })), { status: 400, error: 'invalid' }, body)
  }
  const query = 'dry_run=1'
  assert.equal((await ask({ ...ADD, body: JSON.stringify(good), query })).status, 400)
  assert.equal(revocations.size, 0)
  assert.equal(events.length, bad.length + 1)
  for (const record of records(events)) {
    assert.deepEqual(record, ['admin', 'revocations.add', false, '400 invalid'])
  }
})

test('a body that is too large is refused, whoever notices it', async () => {
  const { ask, events, revocations } = createAdminDesk()
  const tooLarge = { status: 413, error: 'too_large' }
  const padded = `${' '.repeat(16_384)}${JSON.stringify({ kind: 'client', value: 'app' })}`
  assert.deepEqual(errorOf(await ask({ ...ADD, body: padded })), tooLarge)
  assert.deepEqual(errorOf(await ask({ ...ADD, body: overTheBound })), tooLarge)
  assert.equal(revocations.size, 0)
  assert.deepEqual(records(events)[1], ['admin', 'revocations.add', false, '413 too_large'])
})

test('why the list does not take a revocation has a status of its own', async () => {
  const statuses: Readonly<Record<RevocationProblem, number>> = {
    invalid: 400,
    full: 409,
    contended: 503,
    unavailable: 503,
    unreadable: 500,
  }
  for (const [code, status] of Object.entries(statuses) as [RevocationProblem, number][]) {
    const fail = (): Promise<never> => Promise.reject(new RevocationError(code, 'the reason'))
    const revocations = { revoke: fail, lift: fail } as unknown as Revocations
    const { ask } = createAdminDesk({ revocations })
    const body = JSON.stringify({ kind: 'client', value: 'app' })
    assert.deepEqual(errorOf(await ask({ ...ADD, body })), { status, error: code })
    const path = `/admin/revocations/${'0'.repeat(24)}`
    assert.deepEqual(errorOf(await ask({ method: 'DELETE', path })), { status, error: code })
  }
})

test('revocations are listed page by page', async () => {
  const { ask, revocations } = createAdminDesk()
  for (let i = 0; i < 5; i += 1) {
    await revocations.revoke({ kind: 'client', value: `app-${i}`, by: 'test' })
  }
  const ids = revocations.list().map(({ id }) => id)
  const page = async (query: string) => {
    const answer = await ask({ path: '/admin/revocations', query })
    const body = answer.body as {
      readonly revocations: readonly { readonly id: string }[]
      readonly total: number
      readonly next?: string
    }
    return { ...body, ids: body.revocations.map(({ id }) => id) }
  }
  const first = await page('limit=2')
  assert.deepEqual(first.ids, ids.slice(0, 2))
  assert.equal(first.total, 5)
  const second = await page(`limit=3&after=${first.next}`)
  assert.deepEqual(second.ids, ids.slice(2))
  assert.equal(second.next, undefined)
  assert.deepEqual((await page('')).ids, ids)
})

test('a page that cannot be is refused', async () => {
  const { ask, revocations } = createAdminDesk()
  await revocations.revoke({ kind: 'client', value: 'app', by: 'test' })
  for (const query of ['limit=0', 'limit=1001', 'limit=x', 'limit=', 'after=gone', 'page=2']) {
    const answer = await ask({ path: '/admin/revocations', query })
    assert.deepEqual(errorOf(answer), { status: 400, error: 'invalid' }, query)
  }
})

test('a revocation is lifted by its id, once, and nothing else is', async () => {
  const { ask, events, revocations } = createAdminDesk()
  const { id } = await revocations.revoke({ kind: 'client', value: 'app', by: 'test' })
  const lift = (name: string, query = '') =>
    ask({ method: 'DELETE', path: `/admin/revocations/${name}`, query })
  const notFound = { status: 404, error: 'not_found' }
  assert.equal((await lift(id, 'force=1')).status, 400)
  assert.deepEqual(errorOf(await lift('0'.repeat(24))), notFound)
  assert.deepEqual(errorOf(await lift(`${id}/`)), notFound)
  assert.deepEqual(errorOf(await lift(id.toUpperCase())), notFound)
  assert.deepEqual(errorOf(await lift('..%2fhead')), notFound)
  assert.deepEqual(errorOf(await lift('x'.repeat(4000))), notFound)
  assert.deepEqual((await lift(id)).body, { lifted: id })
  assert.deepEqual(errorOf(await lift(id)), notFound)
  assert.equal(revocations.size, 0)
  assert.deepEqual(records(events).at(-2), ['admin', 'revocations.lift', true, `200 ${id}`])
  assert.deepEqual(records(events).at(-1), ['admin', 'revocations.lift', false, `404 ${id}`])
})

import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import type { RevocationProblem } from '../registry/revocation.ts'
import { RevocationError } from '../registry/revocation.ts'
import type { Revocations } from '../registry/revocations.ts'
import { createAdminDesk, errorOf, recordsOf } from '../testkit/admin-desk.ts'

const ISSUER = 'https://idp.example'
const ADD = { method: 'POST', path: '/admin/revocations' } as const

async function overTheBound(): Promise<string> {
  throw new RangeError('over the bound of the port')
}

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
  assert.deepEqual(recordsOf(events), [
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
  for (const record of recordsOf(events)) {
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
  assert.deepEqual(recordsOf(events)[1], ['admin', 'revocations.add', false, '413 too_large'])
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
  assert.deepEqual(recordsOf(events).at(-2), ['admin', 'revocations.lift', true, `200 ${id}`])
  assert.deepEqual(recordsOf(events).at(-1), ['admin', 'revocations.lift', false, `404 ${id}`])
})

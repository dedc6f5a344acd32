import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { GrantTerms } from '../model/terms.ts'
import { createGrants } from '../registry/grants.ts'
import { awayStore } from '../testkit/away-store.ts'
import { createAdminDesk } from '../testkit/admin-desk.ts'

const TERMS: GrantTerms = { ttlMs: 7_200_000, task: undefined, maxUses: 500 }
const BODY = { rule: 'migrate', issuer: 'https://idp.example', subject: 'ann' }

function desk() {
  return createAdminDesk({ grantRules: () => new Map([['migrate', TERMS]]) })
}

async function post(body: unknown, { ask } = desk()) {
  return await ask({ method: 'POST', path: '/admin/grants', body: JSON.stringify(body) })
}

test('a grant is made, listed and ended, and each is recorded', async () => {
  const admin = desk()
  const made = await post({ ...BODY, maxUses: 3, reason: 'ticket 7' }, admin)
  assert.equal(made.status, 201)
  const { id } = made.body as { readonly id: string }
  const listed = await admin.ask({ path: '/admin/grants' })
  assert.deepEqual(listed.body, { grants: [made.body] })
  const ended = await admin.ask({ method: 'DELETE', path: `/admin/grants/${id}` })
  assert.deepEqual([ended.status, ended.body], [200, { ended: [id] }])
  const again = await admin.ask({ method: 'DELETE', path: `/admin/grants/${id}` })
  assert.equal(again.status, 404)
  assert.deepEqual(
    admin.events.map((event) => ('action' in event ? event.action : event.type)),
    ['grant_created', 'grants.create', 'grants.list', 'grant_ended', 'grants.end', 'grants.end'],
  )
})

test('the end of a task ends what serves it', async () => {
  const admin = desk()
  const { id } = (await post({ ...BODY, task: 'MIG-1' }, admin)).body as { readonly id: string }
  await post({ ...BODY, task: 'MIG-2' }, admin)
  const path = '/admin/grants'
  const ended = await admin.ask({ method: 'DELETE', path, query: 'task=MIG-1' })
  assert.deepEqual(ended.body, { ended: [id] })
  for (const query of ['', 'task=', 'task=a&task=b', 'other=a', 'task=a&other=b']) {
    assert.equal((await admin.ask({ method: 'DELETE', path, query })).status, 400, query)
  }
})

test('a grant for no rule, of another shape, or wider than its rule is refused in words', async () => {
  const refused: readonly (readonly [body: unknown, message: RegExp])[] = [
    [{ ...BODY, rule: 'other' }, /holds only with a grant; those that do: migrate/],
    [{ ...BODY, subject: undefined }, /^subject is missing$/],
    [{ ...BODY, colour: 'blue' }, /^unknown field; known are rule, issuer, subject/],
    [{ ...BODY, ttlSeconds: '60' }, /^ttlSeconds must be a number$/],
    [{ ...BODY, ttlSeconds: 7_201 }, /^the rule lets a grant live 7200 seconds at most$/],
    [{ ...BODY, subject: `ghk_abcdefgh_${'x'.repeat(43)}` }, /subject/],
    [[], /^the body must be a JSON object without a name twice$/],
  ]
  for (const [body, message] of refused) {
    const answer = await post(body)
    assert.equal(answer.status, 400)
    assert.match((answer.body as { readonly message: string }).message, message)
  }
})

test('a store that does not answer is said to be the reason, without its words', async () => {
  const store = awayStore()
  const grants = createGrants({ store, now: () => 0, emit: () => undefined })
  const admin = createAdminDesk({ grants, grantRules: () => new Map([['migrate', TERMS]]) })
  const answer = await post(BODY, admin)
  assert.equal(answer.status, 503)
  assert.doesNotMatch(JSON.stringify(answer.body), /10\.0\.0\.1/)
})

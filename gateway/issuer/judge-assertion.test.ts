/** What an assertion that is believed brings: never more than it, the client, the server and the person have. */
import assert from 'node:assert/strict'
import { test } from 'node:test'

import { IDP, platform, speakingProvider, workload } from '../testkit/assertions.ts'
import { createSigner } from '../testkit/signer.ts'
import type { PersonAssertion, WorkloadAssertion } from './assertion.ts'
import type { AssertionRequest } from './judge-assertion.ts'
import { judgeAssertion } from './judge-assertion.ts'
import { SELF_REGISTERED } from './setup.ts'

const ISSUER = 'https://gw.example'
const SETUP = {
  issuer: ISSUER,
  servers: [
    { name: 'docs', resource: `${ISSUER}/mcp/docs`, scopes: ['docs:read', 'docs:write'] },
    { name: 'mail', resource: `${ISSUER}/mcp/mail`, scopes: ['mail:send'] },
    { name: 'plain', resource: `${ISSUER}/mcp/plain`, scopes: [] },
  ],
}
const [DOCS, MAIL, PLAIN] = SETUP.servers.map(({ resource }) => resource)

const signer = await createSigner()
const FACTS = {
  subject: '00u1',
  id: 'id',
  issuedAtSeconds: 1_000,
  expiresAtSeconds: 1_300,
  thumbprint: undefined,
}

type Claims = Readonly<Record<string, unknown>>

function person(claims: Claims = {}, more = {}): PersonAssertion {
  return {
    ...FACTS,
    kind: 'person',
    provider: speakingProvider(signer, more),
    claims: { iss: IDP, sub: '00u1', client_id: 'agent', resource: DOCS, ...claims },
  }
}

function program(claims: Claims = {}, more = {}): WorkloadAssertion {
  const subject = 'system:serviceaccount:jobs:nightly'
  return {
    ...FACTS,
    subject,
    kind: 'workload',
    platform: platform(signer),
    workload: workload(more),
    claims: { sub: subject, ...claims },
  }
}

function judge(more: Partial<AssertionRequest> = {}) {
  const request: AssertionRequest = {
    client: 'agent',
    entitlement: SELF_REGISTERED,
    assertion: person(),
    account: undefined,
    resources: [],
    scope: undefined,
    ...more,
  }
  return judgeAssertion(request, SETUP)
}

const judgeProgram = (more: Partial<AssertionRequest> = {}, may = {}) => {
  const assertion = program({}, may)
  const entitlement = assertion.workload
  return judge({ client: 'nightly', assertion, entitlement, resources: [DOCS ?? ''], ...more })
}

const errorOf = (answer: ReturnType<typeof judge>): string => (answer.ok ? 'allowed' : answer.error)

function allowed(answer: ReturnType<typeof judge>) {
  assert.ok(answer.ok, JSON.stringify(answer))
  return answer
}

test('T-18 an assertion for another client, or with limits that are not understood, brings nothing', () => {
  const wrong: readonly Claims[] = [
    { client_id: 'another' },
    { client_id: undefined },
    { client_id: ['agent'] },
    { authorization_details: [{ type: 'x' }] },
    { resource: 7 },
    { resource: [DOCS, 7] },
    { scope: 7 },
    { groups: { admin: true } },
    { auth_time: 'yesterday' },
    { amr: 'mfa' },
    { acr: 1 },
  ]
  for (const claims of wrong) {
    const answer = judge({ assertion: person(claims) })
    assert.equal(errorOf(answer), 'invalid_grant', JSON.stringify(claims))
  }
  const long = person({ sub: 'x'.repeat(1_024) })
  assert.equal(errorOf(judge({ assertion: long })), 'invalid_grant')
})

test('Whom the operator does not let in by signing in is not let in by an assertion either', () => {
  const required = { required: new Map([['hd', 'corp.example']]) }
  assert.equal(errorOf(judge({ assertion: person({}, required) })), 'invalid_grant')
  const other = person({ hd: 'other.example' }, required)
  assert.equal(errorOf(judge({ assertion: other })), 'invalid_grant')
  const let_in = person({ hd: 'corp.example' }, required)
  assert.equal(allowed(judge({ assertion: let_in })).subject, 'corp|00u1')
})

test('The person is the same as when signing in, by the claim that says who that is', () => {
  const claims = { subject: 'oid', name: 'name', groups: 'groups' }
  const named = person({ oid: 'o-1' }, { claims })
  assert.equal(allowed(judge({ assertion: named })).subject, 'corp|o-1')
  assert.equal(errorOf(judge({ assertion: person({}, { claims }) })), 'invalid_grant')
})

test('T-18 the target is one server that the assertion and the client may both be used on', () => {
  const targetOf = (more: Partial<AssertionRequest>) => {
    const answer = judge(more)
    return answer.ok ? answer.server.name : answer.error
  }
  assert.equal(targetOf({}), 'docs')
  assert.equal(targetOf({ resources: [`${DOCS}/`] }), 'docs')
  assert.equal(targetOf({ resources: [MAIL ?? ''] }), 'invalid_target')
  assert.equal(targetOf({ resources: [DOCS ?? '', MAIL ?? ''] }), 'invalid_target')
  const foreign = person({ resource: 'https://other.example/mcp' })
  assert.equal(targetOf({ assertion: foreign }), 'invalid_target')
  assert.equal(targetOf({ assertion: person({ resource: [] }) }), 'invalid_target')
  const two = person({ resource: [DOCS, MAIL] })
  assert.equal(targetOf({ assertion: two }), 'invalid_target', 'which of the two?')
  assert.equal(targetOf({ assertion: two, resources: [MAIL ?? ''] }), 'mail')
  assert.equal(targetOf({ assertion: two, resources: [PLAIN ?? ''] }), 'invalid_target')
  const silent = person({ resource: undefined })
  assert.equal(targetOf({ assertion: silent }), 'invalid_target', 'which of the three?')
  const entitlement = { ...SELF_REGISTERED, servers: ['mail'] }
  assert.equal(targetOf({ assertion: silent, entitlement }), 'mail')
  assert.equal(targetOf({ entitlement }), 'invalid_target')
})

test('T-18 scopes are those that assertion, request, client, server and person all have', () => {
  const scopesOf = (more: Partial<AssertionRequest>) => {
    const answer = judge(more)
    return answer.ok ? answer.scopes.join(' ') : answer.error
  }
  const read = person({ scope: 'docs:read mail:send admin' })
  assert.equal(scopesOf({}), 'docs:read docs:write')
  assert.equal(scopesOf({ assertion: read }), 'docs:read')
  assert.equal(scopesOf({ assertion: read, scope: 'docs:write' }), 'invalid_scope')
  assert.equal(scopesOf({ assertion: read, scope: 'docs:read docs:write' }), 'docs:read')
  assert.equal(scopesOf({ assertion: person({ scope: '' }) }), 'invalid_scope')
  assert.equal(scopesOf({ scope: 'openid offline_access' }), 'invalid_scope')
  const entitlement = { ...SELF_REGISTERED, scopes: ['docs:write'] }
  assert.equal(scopesOf({ entitlement }), 'docs:write')
  assert.equal(scopesOf({ entitlement, assertion: read }), 'invalid_scope')
  const limits = { groupScopes: new Map([['readers', ['docs:read']]]) }
  const reader = person({ groups: ['readers', 'others'] }, limits)
  assert.equal(scopesOf({ assertion: reader }), 'docs:read')
  assert.equal(scopesOf({ assertion: person({}, limits) }), 'invalid_scope', 'in no group')
  assert.equal(scopesOf({ assertion: person({ resource: PLAIN, scope: 'x' }) }), 'mcp')
})

test('Groups are those of the assertion, and where it is silent those of the last sign-in', () => {
  const account = { id: 'corp|00u1', name: 'Bea', groups: ['then'], scopes: undefined }
  const groupsOf = (claims: Claims) =>
    allowed(judge({ assertion: person(claims), account })).claims['groups']
  assert.deepEqual(groupsOf({ groups: ['now'] }), ['now'])
  assert.equal(groupsOf({ groups: [] }), undefined)
  assert.deepEqual(groupsOf({}), ['then'])
})

test('T-17 the client acts for the person, after whoever acted before, four in all and nobody twice', () => {
  const chain = (names: readonly string[]): object | undefined =>
    names.reduceRight<object | undefined>((act, sub) => ({ sub, ...(act && { act }) }), undefined)
  const after = (names: readonly string[], kind: 'agent' | 'human' = 'agent') =>
    judge({
      assertion: person({ act: chain(names) }),
      entitlement: { ...SELF_REGISTERED, kind },
    })
  assert.deepEqual(allowed(after([])).claims['act'], { sub: 'agent', iss: ISSUER })
  assert.deepEqual(allowed(after(['a', 'b'])).claims['act'], {
    sub: 'agent',
    iss: ISSUER,
    act: { sub: 'a', iss: IDP, act: { sub: 'b', iss: IDP } },
  })
  for (const names of [['a', 'b', 'c', 'd'], ['a', 'a'], ['00u1']]) {
    assert.equal(errorOf(after(names)), 'invalid_grant', names.join(' '))
  }
  for (const act of ['a', {}, { iss: IDP }, null]) {
    assert.equal(errorOf(judge({ assertion: person({ act }) })), 'invalid_grant')
  }
  const circle = person({ act: { sub: 'agent', iss: ISSUER } })
  assert.equal(errorOf(judge({ assertion: circle })), 'invalid_grant')
  assert.equal(allowed(after([], 'human')).claims['act'], undefined)
  assert.equal(errorOf(after(['a'], 'human')), 'invalid_grant')
})

test('A token of an assertion says how it was got, what kind of caller asks, and how the person signed in', () => {
  const how = { auth_time: 900, acr: 'urn:corp:gold', amr: ['pwd', 'mfa'] }
  const { claims } = allowed(
    judge({ assertion: person({ ...how, email: 'x', sid: 's', gid: 'g' }) }),
  )
  const act = { sub: 'agent', iss: ISSUER }
  assert.deepEqual(claims, { gty: 'id_jag', 'urn:gw:kind': 'agent', act, ...how })
})

test('A program is what the operator listed, under its own name, and acts for nobody', () => {
  const { subject, claims, scopes } = allowed(judgeProgram({}, { groups: ['batch'] }))
  assert.equal(subject, 'cluster|system:serviceaccount:jobs:nightly')
  assert.deepEqual(claims, { gty: 'workload', 'urn:gw:kind': 'service', groups: ['batch'] })
  assert.deepEqual(scopes, ['docs:read', 'docs:write'])
  const claiming = program({ groups: ['admins'], scope: 'x', 'urn:gw:kind': 'human', gid: 'g' })
  const same = allowed(judgeProgram({ assertion: claiming }))
  assert.deepEqual(same.claims, { gty: 'workload', 'urn:gw:kind': 'service' })
  assert.equal(
    errorOf(judgeProgram({ assertion: program({ act: { sub: 'x' } }) })),
    'invalid_grant',
  )
})

test('T-18 a program gets no server and no scope that its entry does not list', () => {
  assert.equal(errorOf(judgeProgram({ resources: [] })), 'invalid_target', 'which one?')
  const may = { servers: ['docs'], scopes: ['docs:read', 'mail:send'] }
  assert.deepEqual(allowed(judgeProgram({ resources: [] }, may)).scopes, ['docs:read'])
  assert.equal(errorOf(judgeProgram({ resources: [MAIL ?? ''] }, may)), 'invalid_target')
  assert.equal(errorOf(judgeProgram({ scope: 'docs:write' }, may)), 'invalid_scope')
  assert.equal(errorOf(judgeProgram({ resources: ['https://other.example/'] })), 'invalid_target')
})

import assert from 'node:assert/strict'
import { test } from 'node:test'

import type { IssueCredential } from '../model/credential.ts'
import { testCaller } from '../testkit/pipeline.ts'
import { actOf, createIssue } from './issue.ts'

const FILES: IssueCredential = {
  kind: 'issue',
  place: { header: 'Authorization', as: 'bearer', user: '' },
  audience: 'https://files.example',
  scopes: ['read'],
  lifeSeconds: 60,
  subject: 'qualified',
}

/** Claims are signed as their JSON, so that tests can read them. */
function issuing() {
  const clock = { nowMs: 1_000_000 }
  const issue = createIssue({
    issuer: 'https://gw.example',
    sign: (claims, type) => Buffer.from(JSON.stringify({ ...claims, type })).toString('base64url'),
    now: () => clock.nowMs,
  })
  const claims = (...[caller, credential]: Parameters<typeof issue.find>) => {
    const found = issue.find(caller, credential)
    assert.ok(found.kind === 'injection')
    const token = found.injection[1].replace('Bearer ', '')
    return JSON.parse(Buffer.from(token, 'base64url').toString()) as Record<string, unknown>
  }
  return { clock, issue, claims }
}

test('The token names the caller with its issuer, the one server, and lives a minute', () => {
  const { claims } = issuing()
  const { jti, ...rest } = claims(testCaller({ subject: 'alice', kind: 'human' }), FILES)
  assert.match(String(jti), /^[0-9a-f-]{36}$/)
  assert.deepEqual(rest, {
    iss: 'https://gw.example',
    sub: 'http://issuer.test|alice',
    aud: 'https://files.example',
    iat: 1_000,
    exp: 1_060,
    client_id: 'agent-1',
    scope: 'read',
    'urn:gw:kind': 'human',
    type: 'at+jwt',
  })
})

test('A token is used again until four fifths of its life are over, by nobody else and for nothing else', () => {
  const { clock, issue } = issuing()
  const [alice, bob] = [testCaller({ subject: 'alice' }), testCaller({ subject: 'bob' })]
  const first = issue.find(alice, FILES)
  clock.nowMs += 47_999
  assert.equal(issue.find(alice, FILES), first)
  assert.notEqual(issue.find(bob, FILES), first)
  assert.notEqual(issue.find(alice, { ...FILES }), first)
  clock.nowMs += 1
  assert.notEqual(issue.find(alice, FILES), first)
})

test('A token of ours does not outlive the token it stands for', () => {
  const { claims } = issuing()
  assert.equal(claims(testCaller({ expiresAtSeconds: 1_020 }), FILES)['exp'], 1_020)
})

test('An agent with the token of somebody else is named as the actor, a client of a person is not', () => {
  const agent = testCaller({ subject: 'alice', client: 'bot', kind: 'agent' })
  assert.deepEqual(actOf(agent), { act: { sub: 'bot', iss: 'http://issuer.test' } })
  assert.deepEqual(actOf(testCaller({ subject: 'alice', client: 'ide', kind: 'human' })), {})
  assert.deepEqual(actOf(testCaller()), {})
})

test('A delegation chain is nested as it came, the current actor outermost', () => {
  const actors = [
    { issuer: 'i', subject: 'now' },
    { issuer: 'i', subject: 'before' },
  ]
  assert.deepEqual(actOf(testCaller({ actors })), {
    act: { sub: 'now', iss: 'i', act: { sub: 'before', iss: 'i' } },
  })
})

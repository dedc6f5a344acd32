import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Approver } from '../model/terms.ts'
import type { Ask } from '../registry/approval.ts'
import type { Session } from '../sessions/sessions.ts'
import { entitledTo } from './entitled.ts'

const SESSION: Session = {
  tenant: 'default',
  issuer: 'https://gw.example',
  subject: 'local|ann',
  name: 'Ann',
  kind: 'human',
  groups: ['leads'],
  client: '',
  methods: ['pwd'],
  id: 'sid',
  signedInAtSeconds: 0,
  endsAtSeconds: 1,
  key: 'session/x',
  formSecret: 's',
}

function ask(by: Approver, over: Partial<Ask['call']> = {}, personal = true): Ask {
  const call: Ask['call'] = {
    tenant: 'default',
    issuer: 'https://gw.example',
    subject: 'local|ann',
    client: 'agent',
    server: 'docs',
    method: 'tools/call',
    targets: ['tool', 'delete'],
    arguments: '',
    ...over,
  }
  const terms = { by, forMs: undefined }
  const needs = [{ rule: 'r', terms, state: 'waiting', by: undefined } as const]
  return { id: 'i', call, kind: 'agent', personal, needs, sealed: '', createdAtSeconds: 0 }
}

const SUBJECT: Approver = { kind: 'subject' }
const LEADS: Approver = { kind: 'group', group: 'leads' }

function may(request: Ask, session: Partial<Session> = {}): boolean {
  return entitledTo(request, { ...SESSION, ...session }).length > 0
}

test('the subject is the very person behind the caller', () => {
  assert.ok(may(ask(SUBJECT)))
  assert.ok(!may(ask(SUBJECT), { subject: 'local|bob' }))
  assert.ok(!may(ask(SUBJECT), { issuer: 'https://other.example' }))
  assert.ok(!may(ask(SUBJECT, { tenant: 'other' })))
})

test('a caller without a person has no subject who could approve, whoever is signed in', () => {
  assert.ok(!may(ask(SUBJECT, {}, false)))
})

test('a group is approved for by people in it, for callers with and without a person', () => {
  assert.ok(may(ask(LEADS, { subject: 'somebody' }, false)))
  assert.ok(!may(ask(LEADS), { groups: [] }))
  assert.ok(!may(ask(LEADS), { groups: ['leads-of-others', 'lead'] }))
  assert.ok(!may(ask(LEADS), { tenant: 'other' }))
})

test('agents and services approve nothing, in whatever group they are', () => {
  for (const kind of ['agent', 'service'] as const) {
    assert.ok(!may(ask(LEADS), { kind }))
    assert.ok(!may(ask(SUBJECT), { kind }))
  }
})

test('nobody approves with an API key what is called with it, also as one of a group', () => {
  const credential = '1a2b3c4d'
  assert.ok(!may(ask(SUBJECT), { credential }))
  assert.ok(!may(ask(LEADS), { credential }))
  assert.ok(may(ask(LEADS, { subject: 'local|bob' }), { credential }))
  assert.ok(may(ask(LEADS, { issuer: 'https://other.example' }), { credential }))
  assert.ok(may(ask(LEADS)), 'signed in otherwise they may')
})

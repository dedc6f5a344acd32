import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Caller } from '../model/caller.ts'
import { ISSUER, trustedIssuer } from '../testkit/identity.ts'
import { readCaller } from './read-caller.ts'
import type { ClaimPaths, TrustedIssuer } from './trust.ts'

const CLAIMS = {
  sub: 'alice',
  client_id: 'web',
  jti: 't1',
  gid: 'g1',
  sid: 's1',
  scope: 'a b',
  groups: ['x'],
}

function read(claims: object, trusted: Partial<TrustedIssuer> = {}): Caller | string {
  const token = {
    issuer: ISSUER,
    subject: 'alice',
    audiences: [],
    issuedAtSeconds: 1,
    expiresAtSeconds: 2,
    binding: undefined,
    all: { ...claims },
  }
  const result = readCaller(token, trustedIssuer([], trusted))
  return result.ok ? result.caller : result.reason
}

function callerOf(claims: object, trusted: Partial<TrustedIssuer> = {}): Caller {
  const caller = read({ ...CLAIMS, ...claims }, trusted)
  assert.ok(typeof caller !== 'string')
  return caller
}

const paths = (more: Partial<ClaimPaths>) => ({ claims: { ...trustedIssuer([]).claims, ...more } })

test('every claim arrives at its place in the caller', () => {
  assert.deepEqual(read({ ...CLAIMS, act: { sub: 'agent-a' } }, { tenant: 'acme' }), {
    tenant: 'acme',
    issuer: ISSUER,
    subject: 'alice',
    client: 'web',
    kind: 'agent',
    via: 'jwt',
    groups: new Set(['x']),
    scopes: new Set(['a', 'b']),
    actors: [{ issuer: ISSUER, subject: 'agent-a' }],
    interactive: true,
    tokenId: 't1',
    grant: 'g1',
    session: 's1',
    claims: { ...CLAIMS, act: { sub: 'agent-a' } },
    issuedAtSeconds: 1,
    expiresAtSeconds: 2,
  })
})

test('claims are read at the paths the settings name, and nowhere else', () => {
  const more = paths({
    subject: 'user.id',
    client: ['appid'],
    groups: 'realm_access.roles',
    scopes: 'scp',
    grant: 'g',
    session: 's',
  })
  const claims = {
    user: { id: 'u-1' },
    appid: 'app',
    realm_access: { roles: ['admin'] },
    scp: ['read'],
    g: 'grant',
    s: 'session',
  }
  const caller = callerOf(claims, more)
  assert.equal(caller.subject, 'u-1')
  assert.equal(caller.client, 'app')
  assert.deepEqual([...caller.groups], ['admin'])
  assert.deepEqual([...caller.scopes], ['read'])
  assert.deepEqual([caller.grant, caller.session], ['grant', 'session'])
})

test('the first client claim that is present counts', () => {
  assert.equal(callerOf({ azp: 'other' }).client, 'web')
  assert.equal(callerOf({ client_id: undefined, azp: 'other' }).client, 'other')
})

test('a token without a client is refused unless the settings say its issuer names none', () => {
  assert.equal(read({ ...CLAIMS, client_id: undefined }), 'bad_claim')
  assert.equal(callerOf({ client_id: undefined }, paths({ client: [] })).client, '')
})

test('the kind is that of the listed client, else of the kind claim, else of the issuer', () => {
  const clients = new Map([['web', 'human' as const]])
  const kind = paths({ kind: 'k' })
  assert.equal(callerOf({}, { kind: 'service' }).kind, 'service')
  assert.equal(callerOf({ k: 'human' }, { ...kind, kind: 'agent' }).kind, 'human')
  assert.equal(callerOf({}, { ...kind, kind: 'service' }).kind, 'service')
  assert.equal(callerOf({ k: 'service' }, { ...kind, clients }).kind, 'human')
  assert.equal(callerOf({ client_id: 'else' }, { clients, kind: 'agent' }).kind, 'agent')
})

test('a kind the operator did not name a claim for is never read from the token', () => {
  const claimed = { kind: 'human', 'urn:gw:kind': 'human', client_kind: 'human' }
  assert.equal(callerOf(claimed).kind, 'agent')
})

test('a scope counts for those it includes, and for no other', () => {
  const scopeIncludes = new Map([['a', ['a1', 'a2']]])
  assert.deepEqual(callerOf({}, { scopeIncludes }).scopes, new Set(['a', 'b', 'a1', 'a2']))
  assert.deepEqual(callerOf({ scope: 'a1 b' }, { scopeIncludes }).scopes, new Set(['a1', 'b']))
  assert.deepEqual(callerOf({ scope: undefined }, { scopeIncludes }).scopes, new Set())
})

test('a person stands behind a token of an interactive issuer', () => {
  assert.ok(callerOf({}).interactive)
  assert.ok(!callerOf({}, { interactive: false }).interactive)
})

test('nobody stands behind a token that a client got for itself, or behind a service', () => {
  assert.ok(!callerOf({ sub: 'web' }).interactive)
  assert.ok(!callerOf({ gty: 'client_credentials' }).interactive)
  assert.ok(!callerOf({ gty: 'client-credentials' }).interactive)
  assert.ok(!callerOf({ gty: 'workload' }).interactive)
  assert.ok(callerOf({ gty: 'id_jag' }).interactive)
  assert.ok(!callerOf({}, { kind: 'service' }).interactive)
  assert.ok(!callerOf({ gty: 'token_exchange', gid: undefined }).interactive)
  assert.ok(callerOf({ gty: 'token_exchange', gid: 'g1' }).interactive)
})

const WRONG: readonly (readonly [string, readonly unknown[]])[] = [
  ['sub', [undefined, '', 1, null, ['alice'], {}, 'a\nb', '\ud800', 'x'.repeat(1_025)]],
  ['client_id', ['', 1, null, ['web'], {}, 'a\u0000', 'x'.repeat(1_025)]],
  ['jti', ['', 1, null, ['t1'], {}, 'a\u0000', true]],
  ['gid', ['', 1, null, ['g1'], {}, false]],
  ['sid', ['', 1, null, ['s1'], {}, 'a\rb']],
  ['scope', [1, null, true, {}, [1], ['a', null], [['a']]]],
  ['groups', [1, null, true, {}, [1], ['a', {}], [['a']]]],
  ['act', [1, null, 'agent', [], {}, { sub: 1 }, { sub: 'alice' }]],
  ['k', ['', 1, null, 'robot', 'Human', ['human'], {}, 'admin']],
]

for (const [name, values] of WRONG) {
  for (const value of values) {
    test(`a token whose ${name} is ${JSON.stringify(value)?.slice(0, 30)} is refused`, () => {
      assert.equal(read({ ...CLAIMS, [name]: value }, paths({ kind: 'k' })), 'bad_claim')
    })
  }
}

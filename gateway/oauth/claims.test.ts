import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readActors, readClaim, readGroups, readIdentifier, readScopes } from './claims.ts'

const BAD = { ok: false, reason: 'bad_claim' }
const SELF = { issuer: 'https://idp.example', subject: 'alice' }

/** Nested `act` claims, the first subject outermost. */
function chain(subjects: readonly string[]): object | undefined {
  return subjects.reduceRight<object | undefined>(
    (act, sub) => ({ sub, ...(act && { act }) }),
    undefined,
  )
}

function scopes(value: unknown): readonly string[] | 'bad_claim' {
  const read = readScopes({ scope: value }, 'scope')
  return read.ok ? [...read.value] : read.reason
}

test('a dotted path reads nested claims, and a claim named like the whole path wins', () => {
  const claims = {
    realm_access: { roles: ['a'] },
    'https://idp.example/groups': ['b'],
    'a.b': 1,
    a: { b: 2 },
  }
  assert.deepEqual(readClaim(claims, 'realm_access.roles'), ['a'])
  assert.deepEqual(readClaim(claims, 'https://idp.example/groups'), ['b'])
  assert.equal(readClaim(claims, 'a.b'), 1)
})

test('a path never reaches into prototypes, texts or arrays', () => {
  const claims = { list: ['x'], text: 'x', object: {} }
  for (const path of [
    'constructor',
    'toString',
    '__proto__',
    'object.constructor.name',
    'list.length',
    'list.0',
    'text.length',
    'missing.more',
  ]) {
    assert.equal(readClaim(claims, path), undefined, path)
  }
})

test('an identifier is a non-empty well-formed text without controls, or absent', () => {
  assert.deepEqual(readIdentifier({ jti: 'x' }, 'jti'), { ok: true, value: 'x' })
  assert.deepEqual(readIdentifier({}, 'jti'), { ok: true, value: undefined })
  for (const value of [
    '',
    1,
    null,
    {},
    ['x'],
    true,
    'a\nb',
    'a\u0000',
    '\ud800',
    'x'.repeat(1025),
  ]) {
    assert.deepEqual(readIdentifier({ jti: value }, 'jti'), BAD, JSON.stringify(value))
  }
})

test('a scope string is split at spaces only, however many', () => {
  assert.deepEqual(scopes('a  b '), ['a', 'b'])
  assert.deepEqual(scopes(' a'), ['a'])
  assert.deepEqual(scopes(''), [])
  assert.deepEqual(scopes(undefined), [])
})

test('odd white space, quotes and non-ASCII never make a scope', () => {
  assert.deepEqual(scopes('a\tb c\u00a0d "e" f\\ g'), ['g'])
  assert.deepEqual(scopes('read\nwrite'), [])
})

test('an array element is one scope and is never split', () => {
  assert.deepEqual(scopes(['a', 'b c', 'd']), ['a', 'd'])
})

test('only the configured path is read for scopes', () => {
  const read = readScopes({ scp: ['a'], scope: 'b' }, 'scp')
  assert.deepEqual(read.ok && [...read.value], ['a'])
  const other = readScopes({ scp: ['a'] }, 'scope')
  assert.deepEqual(other.ok && [...other.value], [])
})

test('scopes and groups of another type are a bad claim and not an empty set', () => {
  for (const value of [1, true, null, {}, [1], ['a', null], [['a']]]) {
    assert.deepEqual(readScopes({ scope: value }, 'scope'), BAD, JSON.stringify(value))
    assert.deepEqual(readGroups({ groups: value }, 'groups'), BAD, JSON.stringify(value))
  }
})

test('one text is one group, with its spaces', () => {
  const read = readGroups({ groups: 'the analysts' }, 'groups')
  assert.deepEqual(read.ok && [...read.value], ['the analysts'])
})

test('the actor chain lists the current actor first, of the token issuer unless it says another', () => {
  const act = {
    sub: 'agent-a',
    act: { sub: 'agent-b', iss: 'https://other.example', act: { sub: 'agent-c' } },
  }
  assert.deepEqual(readActors({ act }, SELF), {
    ok: true,
    value: [
      { issuer: SELF.issuer, subject: 'agent-a' },
      { issuer: 'https://other.example', subject: 'agent-b' },
      { issuer: SELF.issuer, subject: 'agent-c' },
    ],
  })
  assert.deepEqual(readActors({}, SELF), { ok: true, value: [] })
})

test('a chain of four actors is read and one of five refused', () => {
  assert.ok(readActors({ act: chain(['a', 'b', 'c', 'd']) }, SELF).ok)
  assert.deepEqual(readActors({ act: chain(['a', 'b', 'c', 'd', 'e']) }, SELF), BAD)
})

test('a chain that comes back to a party is refused, the subject included', () => {
  const loop = { sub: 'agent-a', act: { sub: 'agent-b', act: { sub: 'agent-a' } } }
  assert.deepEqual(readActors({ act: loop }, SELF), BAD)
  assert.deepEqual(readActors({ act: { sub: 'alice' } }, SELF), BAD)
  const namesake = { sub: 'alice', iss: 'https://other.example' }
  assert.ok(readActors({ act: namesake }, SELF).ok, 'the same name of another issuer is no loop')
})

test('an actor that is no object, or has no usable sub or iss, is refused', () => {
  for (const act of [
    null,
    'a',
    1,
    [],
    {},
    { sub: '' },
    { sub: 1 },
    { sub: 'a', iss: 1 },
    { sub: 'a', act: null },
  ]) {
    assert.deepEqual(readActors({ act }, SELF), BAD, JSON.stringify(act))
  }
})

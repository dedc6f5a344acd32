import assert from 'node:assert/strict'
import { test } from 'node:test'

import { createRefreshNames } from './refresh-names.ts'

test('A refresh token says which grant it is of, also after the key ring has changed and as long as its key is in it', () => {
  const first = createRefreshNames(() => ['old']).first('g1')
  const next = createRefreshNames(() => ['new', 'old']).after(first, 'g1')
  for (const token of [first, next]) {
    assert.equal(createRefreshNames(() => ['new', 'old']).grantOf(token), 'g1')
  }
  assert.equal(createRefreshNames(() => ['new']).grantOf(first), undefined)
  assert.equal(createRefreshNames(() => ['new']).grantOf(next), 'g1')
})

test('What comes after a token is the same for all who ask, and nothing else', () => {
  const names = createRefreshNames(() => ['key'])
  const [one, other] = [names.first('g1'), names.first('g1')]
  assert.notEqual(one, other)
  assert.equal(names.after(one, 'g1'), names.after(one, 'g1'))
  assert.notEqual(names.after(one, 'g1'), names.after(other, 'g1'))
  assert.notEqual(createRefreshNames(() => ['another']).after(one, 'g1'), names.after(one, 'g1'))
})

test('Nobody can say of a token that it is of a grant: changed, cut, of another grant or made up it is none of ours', () => {
  const names = createRefreshNames(() => ['key'])
  const token = names.first('g1')
  for (let at = 0; at < token.length; at++) {
    const other = token[at] === 'A' ? 'B' : 'A'
    assert.equal(names.grantOf(token.slice(0, at) + other + token.slice(at + 1)), undefined)
    assert.equal(names.grantOf(token.slice(0, at)), undefined)
  }
  for (const text of [
    '',
    `${token}2`,
    token.slice(0, 86) + 'g2',
    'x'.repeat(88),
    '\ud800'.repeat(90),
  ]) {
    assert.equal(names.grantOf(text), undefined)
  }
})

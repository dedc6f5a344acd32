import assert from 'node:assert/strict'
import { test } from 'node:test'
import { bearerOf, kindOfBearer } from './credential.ts'

test('the scheme is Bearer in any case, followed by one space or more', () => {
  for (const header of ['Bearer abc', 'bearer abc', 'BEARER abc', 'Bearer   abc', 'bEaReR  abc']) {
    assert.equal(bearerOf(header), 'abc', header)
  }
})

test('another scheme, no scheme and an empty value say no token', () => {
  for (const header of [
    '',
    'Bearer',
    'Bearer ',
    'abc',
    'Basic abc',
    'DPoP abc',
    'Bearerabc',
    ' Bearer abc',
    'Bearer\tabc',
  ]) {
    assert.equal(bearerOf(header), '', JSON.stringify(header))
  }
})

test('a list or several words are several credentials', () => {
  for (const text of ['a b', 'a, Bearer b', 'a,b', 'a\tb', 'a\u00a0b', 'a ']) {
    assert.equal(kindOfBearer(text), 'several', JSON.stringify(text))
  }
})

test('characters no token has make it malformed', () => {
  for (const text of ['', '"a"', 'a=b', 'é', 'a\u0000b', '{}', '=']) {
    assert.equal(kindOfBearer(text), 'malformed', JSON.stringify(text))
  }
})

test('an API key is known by its mark, everything else is a token', () => {
  assert.equal(kindOfBearer('ghk_abcdefgh_x'), 'api_key')
  assert.equal(kindOfBearer('ghk_'), 'api_key')
  assert.equal(kindOfBearer('GHK_abcdefgh_x'), 'token')
  assert.equal(kindOfBearer('a.b-c_d~e+f/g=='), 'token')
})

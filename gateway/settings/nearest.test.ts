import assert from 'node:assert/strict'
import { test } from 'node:test'
import { nearest } from './nearest.ts'

const KNOWN = ['upstream', 'credential', 'tls', 'issuers', 'path']

test('a slip of one or two letters finds the word that was meant', () => {
  assert.equal(nearest('upstraem', KNOWN), 'upstream')
  assert.equal(nearest('credentials', KNOWN), 'credential')
  assert.equal(nearest('issuer', KNOWN), 'issuers')
})

test('a different word finds nothing', () => {
  assert.equal(nearest('backend', KNOWN), undefined)
  assert.equal(nearest('id', KNOWN), undefined)
  assert.equal(nearest('', KNOWN), undefined)
})

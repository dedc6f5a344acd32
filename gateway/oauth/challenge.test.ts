import assert from 'node:assert/strict'
import { test } from 'node:test'
import { challenge } from './challenge.ts'

const METADATA = 'https://gw.example/.well-known/oauth-protected-resource/mcp/db'

test('without a credential the challenge names metadata and scopes and no error', () => {
  assert.equal(
    challenge({ reason: 'no_credential', metadataUrl: METADATA, scopes: ['db:read', 'db:write'] }),
    `Bearer scope="db:read db:write", resource_metadata="${METADATA}"`,
  )
})

test('an empty scope list leaves the scope out', () => {
  assert.equal(
    challenge({ reason: 'no_credential', metadataUrl: METADATA, scopes: [] }),
    `Bearer resource_metadata="${METADATA}"`,
  )
})

test('an invalid token is named as one, with its public description', () => {
  assert.equal(
    challenge({
      reason: 'invalid_token',
      metadataUrl: METADATA,
      scopes: ['db:read'],
      description: 'The access token is not valid here',
    }),
    'Bearer error="invalid_token", error_description="The access token is not valid here", ' +
      `scope="db:read", resource_metadata="${METADATA}"`,
  )
})

test('missing scopes are all listed in one challenge', () => {
  assert.equal(
    challenge({ reason: 'insufficient_scope', metadataUrl: METADATA, scopes: ['a', 'b'] }),
    `Bearer error="insufficient_scope", scope="a b", resource_metadata="${METADATA}"`,
  )
})

test('a malformed credential is an invalid request and asks for no scope', () => {
  assert.equal(
    challenge({ reason: 'invalid_request', metadataUrl: METADATA, scopes: ['a'] }),
    `Bearer error="invalid_request", resource_metadata="${METADATA}"`,
  )
})

test('what no scope can mend asks for no scope and has no error', () => {
  assert.equal(
    challenge({ reason: 'forbidden', metadataUrl: METADATA, scopes: ['a'], description: 'no' }),
    `Bearer resource_metadata="${METADATA}"`,
  )
})

test('neither quotes nor line breaks can be injected through scope, description or URL', () => {
  const value = challenge({
    reason: 'invalid_token',
    metadataUrl: 'https://gw.example/a"\r\nX-Evil: 1/é😀',
    scopes: ['ok', 'a"b', 'a\r\nX: 1', 'a b', 'é', '', 'a\\'],
    description: 'He said "no"\r\nX-Evil: 1 \\ é',
  })
  assert.match(value, /^[\x20-\x7e]+$/)
  assert.equal(value.split('"').length, 9, 'four quoted values and no other quote')
  assert.match(value, / scope="ok",/)
  assert.match(value, /error_description="He said \?no\?\?\?X-Evil: 1 \? \?"/)
})

test('a challenge to sign in anew says how, and the scopes the new token needs', () => {
  const reason = 'insufficient_user_authentication'
  const stepUp = { acr: ['urn:gold', 'urn:silver'], maxAgeSeconds: 300 }
  assert.equal(
    challenge({ reason, metadataUrl: METADATA, scopes: ['a'], stepUp }),
    `Bearer error="${reason}", scope="a", acr_values="urn:gold urn:silver", max_age="300", resource_metadata="${METADATA}"`,
  )
  const anyWay = challenge({
    reason,
    metadataUrl: METADATA,
    stepUp: { acr: [], maxAgeSeconds: undefined },
  })
  assert.doesNotMatch(anyWay, /acr_values|max_age/)
})

test('a long description is cut', () => {
  const value = challenge({
    reason: 'invalid_token',
    metadataUrl: METADATA,
    description: 'x'.repeat(1000),
  })
  assert.match(value, /"x{200}"/)
})

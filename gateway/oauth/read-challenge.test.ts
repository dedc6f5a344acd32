import assert from 'node:assert/strict'
import { test } from 'node:test'

import { readBearerChallenge } from './read-challenge.ts'

const METADATA = 'https://mcp.example/.well-known/oauth-protected-resource/mcp'

test('A challenge is read whatever the order, the case and the quoting of what is in it', () => {
  const expected = { error: 'insufficient_scope', scopes: ['a', 'b:c'], resourceMetadata: METADATA }
  for (const header of [
    `Bearer error="insufficient_scope", scope="a b:c", resource_metadata="${METADATA}"`,
    `bearer  Resource_Metadata=${METADATA} ,SCOPE="a  b:c a",error=insufficient_scope`,
    `Basic realm="x, Bearer y", Bearer error="insufficient\\_scope", scope="a b:c", resource_metadata="${METADATA}", DPoP algs="ES256"`,
  ]) {
    assert.deepEqual(readBearerChallenge(header), expected, header)
  }
})

test('Where there is no challenge of the scheme there is nothing to read', () => {
  for (const header of [undefined, '', 'Basic realm="Bearer"', 'DPoP error="x"', '"Bearer"']) {
    assert.equal(readBearerChallenge(header), undefined)
  }
  const bare = { error: undefined, scopes: [], resourceMetadata: undefined }
  assert.deepEqual(readBearerChallenge('Bearer'), bare)
})

test('Parameters of another challenge, and those that come twice, do not count', () => {
  const header = 'Basic scope="x", Bearer scope="a", scope="b", Digest error="y"'
  const read = readBearerChallenge(header)
  assert.deepEqual([read?.scopes, read?.error], [['a'], undefined])
})

test('A challenge without end is read in bounded time, and no scope in it that nobody may ask for', () => {
  const many = Array.from({ length: 1_000 }, (_, at) => `s${at}`).join(' ')
  assert.equal(readBearerChallenge(`Bearer scope="${many.slice(0, 3_000)}"`)?.scopes.length, 50)
  assert.deepEqual(readBearerChallenge('Bearer scope="a ü \\"b c"')?.scopes, ['a', 'c'])
  assert.equal(readBearerChallenge(`Bearer ${'a='.repeat(1e6)}`)?.error, undefined)
})

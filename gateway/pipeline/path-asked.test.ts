import assert from 'node:assert/strict'
import { test } from 'node:test'

import { pathAsked } from './path-asked.ts'

test('a path that was mistyped is shown as it was asked for', () => {
  for (const path of [
    '/',
    '/mcp',
    '/Filesystem/mcp',
    '/files/mcp/',
    '/v1/docs2/mcp',
    '/.well-known/oauth-protected-resource/files/mcp',
    '/.well-known/openid-configuration',
  ]) {
    assert.equal(pathAsked(path), path)
  }
})

test('a part that could be a secret is not shown', () => {
  for (const secret of [
    'eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhIn0.c2ln',
    'gh_0123456789abcdef_0123',
    '123e4567-e89b-42d3-a456-426614174000',
    'qwertyuiopasdfghjklzxcvb',
    'Zm9vYmFyYmF6cXV4',
    'a@b.example',
    'user:hunter2',
  ]) {
    assert.equal(pathAsked(`/files/${secret}/mcp`), '/files/*/mcp')
    assert.equal(pathAsked(`/${secret}`), '/*')
  }
})

test('a long path is cut, and what is left of its last part too', () => {
  const shown = pathAsked(`/mcp${'/abc'.repeat(2_000)}`)
  assert.equal(shown.length, 201)
  assert.ok(shown.endsWith('…'))
  assert.equal(pathAsked(`/${'A'.repeat(8_000)}`), '/*…')
})

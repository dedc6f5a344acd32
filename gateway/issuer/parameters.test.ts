import assert from 'node:assert/strict'
import { test } from 'node:test'

import { findResource } from './canonical-resource.ts'
import { completeParameters } from './parameters.ts'
import type { ProtectedServer } from './setup.ts'

const DOCS: ProtectedServer = {
  name: 'docs',
  resource: 'https://gw.example/mcp/docs',
  scopes: ['docs:read', 'docs:write'],
}
const CODE: ProtectedServer = { name: 'code', resource: 'https://gw.example/mcp/code', scopes: [] }

function complete(text: string, ...servers: readonly ProtectedServer[]): string {
  return completeParameters(new URLSearchParams(text), { servers }).toString()
}

test('A client that names neither scope nor resource gets those of the only server', () => {
  const completed = new URLSearchParams(complete('client_id=c', DOCS))
  assert.equal(completed.get('resource'), DOCS.resource)
  assert.equal(completed.get('scope'), 'docs:read docs:write')
  assert.equal(completed.get('client_id'), 'c')
})

test('A server without scopes of its own is asked for with the base scope', () => {
  assert.match(complete(`resource=${encodeURIComponent(CODE.resource)}`, DOCS, CODE), /scope=mcp/)
})

test('Scopes that only one server has say which one is meant; else nothing is guessed', () => {
  assert.match(complete('scope=docs%3Aread', DOCS, CODE), /mcp%2Fdocs/)
  assert.ok(!complete('', DOCS, CODE).includes('resource'))
  assert.ok(!complete('scope=other', DOCS, CODE).includes('resource'))
})

test('What a client asks for by name stays as it is', () => {
  const asked = 'scope=docs%3Aread&resource=https%3A%2F%2Fgw.example%2Fmcp%2Fdocs'
  const completed = new URLSearchParams(complete(asked, DOCS, CODE))
  assert.equal(completed.get('scope'), 'docs:read')
  assert.deepEqual(completed.getAll('resource'), [DOCS.resource])
  const offline = new URLSearchParams(complete('scope=offline_access', DOCS))
  assert.equal(offline.get('scope'), 'offline_access docs:read docs:write')
})

test('A client that wants a sign-in of some kind need not know that this is of OpenID Connect', () => {
  for (const wish of ['max_age=60', 'acr_values=gold']) {
    const completed = new URLSearchParams(complete(`scope=docs%3Aread&${wish}`, DOCS))
    assert.equal(completed.get('scope'), 'docs:read openid')
    const bare = new URLSearchParams(complete(wish, DOCS))
    assert.equal(bare.get('scope'), 'docs:read docs:write openid')
  }
})

test('A resource has one spelling, and capitals of the host and a last slash are forgiven', () => {
  const servers = [DOCS, CODE]
  assert.equal(findResource('HTTPS://GW.example/mcp/docs/', servers), DOCS)
  const wrong = [
    'https://gw.example/mcp/DOCS',
    'https://gw.example/mcp/docs?x=1',
    'https://gw.example/mcp/docs#x',
    'https://u@gw.example/mcp/docs',
    'https://evil.example/mcp/docs',
    'docs',
  ]
  for (const text of wrong) assert.equal(findResource(text, servers), undefined, text)
})

test('Where operators say what comes first, a client that asks for nothing asks for that; one without a person for all', () => {
  const docs = { ...DOCS, initialScopes: ['docs:read'] }
  assert.equal(new URLSearchParams(complete('', docs)).get('scope'), 'docs:read')
  const own = complete('grant_type=client_credentials', docs)
  assert.equal(new URLSearchParams(own).get('scope'), DOCS.scopes.join(' '))
  const named = complete('scope=docs%3Awrite', docs)
  assert.equal(new URLSearchParams(named).get('scope'), 'docs:write')
})

test('Scopes that are sent twice stay two, so that they are refused', () => {
  for (const asked of ['scope=offline_access&scope=docs%3Aread', 'scope=openid&scope=openid']) {
    const completed = new URLSearchParams(complete(asked, DOCS))
    assert.equal(completed.getAll('scope').length, 2)
  }
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { metadataPath, metadataUrl, protectedResourceMetadata } from './metadata.ts'
import { PROOF_ALGORITHMS } from './verify-proof.ts'

test('the document names the resource, its issuers, scopes and the header as only method', () => {
  const document = protectedResourceMetadata({
    resource: 'https://gw.example/mcp/db',
    authorizationServers: ['https://idp.example'],
    scopes: ['db:read'],
    name: 'Database',
  })
  assert.deepEqual(document, {
    resource: 'https://gw.example/mcp/db',
    authorization_servers: ['https://idp.example'],
    scopes_supported: ['db:read'],
    bearer_methods_supported: ['header'],
    dpop_signing_alg_values_supported: PROOF_ALGORITHMS,
    resource_name: 'Database',
  })
})

test('empty lists and an empty name are left out', () => {
  const resource = 'https://gw.example/mcp'
  assert.deepEqual(
    protectedResourceMetadata({ resource, authorizationServers: [], scopes: [], name: '' }),
    {
      resource,
      bearer_methods_supported: ['header'],
      dpop_signing_alg_values_supported: PROOF_ALGORITHMS,
    },
  )
})

const WELL_KNOWN = '/.well-known/oauth-protected-resource'
const PLACES = [
  ['https://gw.example/mcp/db', 'https://gw.example', '/mcp/db'],
  ['http://127.0.0.1:8080/mcp', 'http://127.0.0.1:8080', '/mcp'],
  ['https://gw.example', 'https://gw.example', ''],
  ['https://gw.example/', 'https://gw.example', ''],
  ['https://gw.example/mcp/', 'https://gw.example', '/mcp/'],
  ['https://gw.example/mcp?tenant=a/b', 'https://gw.example', '/mcp?tenant=a/b'],
  ['https://gw.example/?tenant=a', 'https://gw.example', '?tenant=a'],
  ['https://gw.example?tenant=a', 'https://gw.example', '?tenant=a'],
  ['https://[::1]:8443/mcp', 'https://[::1]:8443', '/mcp'],
] as const

for (const [resource, origin, rest] of PLACES) {
  test(`the metadata of ${resource} stands between its host and path`, () => {
    assert.equal(metadataPath(resource), WELL_KNOWN + rest)
    assert.equal(metadataUrl(resource), origin + WELL_KNOWN + rest)
  })
}

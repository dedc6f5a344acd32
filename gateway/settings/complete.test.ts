import assert from 'node:assert/strict'
import { test } from 'node:test'
import { complete } from './complete.ts'

const SERVERS = { docs: { upstream: 'https://up.example/mcp' } }

test('defaults are filled in and short forms written out, in a copy', () => {
  const data = { version: 1, public_url: 'https://mcp.example', servers: SERVERS }
  const { config, faults, residue } = complete(data)
  assert.deepEqual([faults, residue], [[], []])
  assert.equal(config?.servers['docs']?.upstream.url, 'https://up.example/mcp')
  assert.equal(config?.servers['docs']?.upstream.max_connections, 256)
  assert.equal(config?.listen.port, 8787)
  assert.deepEqual(data, { version: 1, public_url: 'https://mcp.example', servers: SERVERS })
})

test('what is wrong is taken out, and nothing is left of it but the report', () => {
  const listen = { port: 'x', host: '::1' }
  const { config, faults, residue } = complete({
    version: 1,
    public_url: 'u',
    servers: SERVERS,
    listen,
  })
  assert.deepEqual(config?.listen.host, '::1')
  assert.deepEqual(config?.listen.port, 8787)
  assert.deepEqual(
    faults.map(({ spoils }) => spoils),
    [['listen', 'port']],
  )
  assert.deepEqual(residue, [])
})

test('what must be there and is not cannot be read on', () => {
  const { config, residue } = complete({ version: 1, servers: { docs: {} } })
  assert.deepEqual(residue, [['public_url'], ['servers', 'docs', 'upstream']])
  assert.deepEqual(Object.keys(config?.servers ?? {}), ['docs'])
})

test('items of lists stay where they are, so that positions stay right', () => {
  const issuers = [5, { issuer: 'https://b.example', jwks: { url: 'https://b.example' } }]
  const { config, residue } = complete({ version: 1, public_url: 'u', servers: SERVERS, issuers })
  assert.deepEqual(residue, [['issuers', 0]])
  assert.equal(config?.issuers[1]?.issuer, 'https://b.example')
})

test('of a document that is no mapping nothing can be read', () => {
  for (const data of [null, [], 'text', 5]) {
    assert.deepEqual([complete(data).config, complete(data).residue], [undefined, [[]]])
  }
})

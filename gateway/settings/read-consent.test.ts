import assert from 'node:assert/strict'
import { test } from 'node:test'

import { problemsOf, settingsOf } from '../testkit/settings-file.ts'
import { MAX_LOGO_BYTES } from './read-consent.ts'

const PNG = Buffer.from('89504e470d0a1a0a0000', 'hex')
const FILE = '/etc/gh/docs.png'

function docs(consent: string, scopes = '[docs:read, docs:write]'): string {
  return `version: 1
public_url: https://mcp.example
policies: [policy.yaml]
issuers: [{ issuer: 'https://idp.example', jwks: { url: 'https://idp.example/jwks' } }]
servers:
  docs:
    upstream: 'https://up.example/mcp'
    scopes: ${scopes}
    consent: ${consent}
`
}

const withLogo = (bytes: Uint8Array | string) => ({ files: { [FILE]: bytes } })

test('An operator names a server for people, says what it and its scopes are, and shows a picture', async () => {
  const text = docs(
    '{ title: Docs, sentence: Ours., scopes: { docs:read: Read. }, logo: docs.png }',
  )
  const settings = await settingsOf(text, withLogo(PNG))
  const consent = settings.servers[0]?.consent
  assert.deepEqual([consent?.title, consent?.sentence], ['Docs', 'Ours.'])
  assert.deepEqual([...(consent?.scopes ?? [])], [['docs:read', 'Read.']])
  assert.deepEqual(
    [consent?.logo?.type, consent?.logo?.base64],
    ['image/png', PNG.toString('base64')],
  )
  // So that another picture under the same name is noticed.
  assert.equal(settings.digests.get(FILE), consent?.logo?.digest)
})

test('A picture is what its bytes say, and nothing that could hold a script', async () => {
  const typeOf = async (bytes: Uint8Array | string) =>
    (await settingsOf(docs('{ logo: docs.png }'), withLogo(bytes))).servers[0]?.consent?.logo?.type
  assert.equal(await typeOf('RIFF\x00\x00\x00\x00WEBPVP8 '), 'image/webp')
  assert.equal(await typeOf(Buffer.from('ffd8ffe000', 'hex')), 'image/jpeg')
  const at = '9:22 servers.docs.consent.logo'
  for (const bytes of ['<svg xmlns="http://www.w3.org/2000/svg"/>', 'GIF89a', '']) {
    assert.deepEqual(await problemsOf(docs('{ logo: docs.png }'), withLogo(bytes)), [
      `${at}: must be a PNG, JPEG or WebP picture`,
    ])
  }
  const large = Buffer.concat([PNG, Buffer.alloc(MAX_LOGO_BYTES)])
  assert.deepEqual(await problemsOf(docs('{ logo: docs.png }'), withLogo(large)), [
    `${at}: ${FILE} is larger than 65536 bytes`,
  ])
  assert.deepEqual(await problemsOf(docs('{ logo: docs.png }')), [
    `${at}: cannot read ${FILE}: no such file`,
  ])
})

test('A sentence is for a scope that there is, where the server names its scopes', async () => {
  const text = '{ scopes: { docs:raed: Read. } }'
  assert.deepEqual(await problemsOf(docs(text)), [
    '9:26 servers.docs.consent.scopes.docs:raed: is no scope of this server; did you mean "docs:read"?',
  ])
  assert.deepEqual(await problemsOf(docs(text, '[]')), [])
})

import assert from 'node:assert/strict'
import { test } from 'node:test'

import { readClientMetadata, redirectFault } from './client-metadata.ts'
import type { Entitlement } from '../model/authorization-rules.ts'
import { SELF_REGISTERED } from './setup.ts'

const REDIRECTS = ['http://127.0.0.1:1234/cb']
const FLEET: Entitlement = { ...SELF_REGISTERED, grants: ['client_credentials'] }

function read(body: unknown, entitlement: Entitlement = SELF_REGISTERED) {
  return readClientMetadata(body, { entitlement, redirectHosts: undefined })
}

test('Codes go to https, to this machine and to schemes that belong to somebody', () => {
  const right = [
    'https://app.example/cb?x=1',
    'http://127.0.0.1/cb',
    'http://[::1]:8080/cb',
    'http://localhost:3000/oauth',
    'https://app.example',
    'https://app.example:8443/cb?next=%2Fhome',
    'com.Example.App:/a/../cb',
    'com.example.app:/cb',
  ]
  for (const uri of right) assert.equal(redirectFault(uri, undefined), undefined, uri)
})

test('Codes go nowhere else, however it is spelled', () => {
  const wrong = [
    'http://x',
    'http://app.example/cb',
    'http://127.0.0.1.evil.example/cb',
    'javascript:alert(1)',
    'JAVASCRIPT:alert(1)',
    'data:text/html,x',
    ' https://app.example',
    'https://*.x',
    'https://app.example/#f',
    'https://app.example/cb/../other',
    'https://app.example/cb/%2E%2e/other',
    'https://APP.example/cb',
    'https:app.example/cb',
    'https:///app.example/cb',
    'http://127.1/cb',
    'http://2130706433/cb',
    'http://0x7f.0.0.1/cb',
    'https://user:pw@app.example/',
    'https://app.example\\@evil.example/',
    'https://app.example/\u0000',
    'cursor://cb',
    'file:///etc/passwd',
    '/relative',
    '',
    `https://app.example/${'a'.repeat(1_100)}`,
  ]
  for (const uri of wrong) assert.notEqual(redirectFault(uri, undefined), undefined, uri)
})

test('A list of hosts replaces what is allowed by default, and never allows plain http elsewhere', () => {
  const hosts = ['app.example', '*.team.example', 'cursor:']
  for (const uri of ['https://app.example/cb', 'https://a.team.example/', 'cursor://cb']) {
    assert.equal(redirectFault(uri, hosts), undefined, uri)
  }
  const others = [
    'https://team.example/',
    'https://xapp.example/',
    'https://app.example.evil/',
    'http://127.0.0.1/cb',
    'http://app.example/',
    'evil://app.example/cb',
    'com.evil.app://app.example/cb',
    'javascript://app.example/%0aalert(1)',
  ]
  for (const uri of others) assert.notEqual(redirectFault(uri, hosts), undefined, uri)
})

test('A listed host counts with its port alone, and this machine with every port', () => {
  const hosts = ['app.example', '*.team.example:8443', 'localhost', '[::1]']
  for (const uri of [
    'https://app.example/cb',
    'https://a.team.example:8443/cb',
    'http://localhost/cb',
    'http://localhost:3118/cb',
    'https://localhost:8443/cb',
    'http://[::1]:9/cb',
  ]) {
    assert.equal(redirectFault(uri, hosts), undefined, uri)
  }
  for (const uri of [
    'https://app.example:8443/cb',
    'https://app.example:1/cb',
    'https://a.team.example/cb',
    'https://a.team.example:8444/cb',
    'https://team.example:8443/cb',
    'http://127.0.0.1:3118/cb',
  ]) {
    assert.notEqual(redirectFault(uri, hosts), undefined, uri)
  }
})

test('A client that says nothing is a public one with codes; loopback makes it native', () => {
  const result = read({ redirect_uris: REDIRECTS })
  assert.ok(result.ok)
  assert.equal(result.metadata['token_endpoint_auth_method'], 'none')
  assert.equal(result.metadata['application_type'], 'native')
  assert.deepEqual(result.metadata['grant_types'], ['authorization_code'])
})

test('What it says of itself beyond what counts here is not taken over', () => {
  const result = read({
    redirect_uris: REDIRECTS,
    client_name: ' Goo\u202egle <img onerror=1> ',
    scope: 'everything',
    logo_uri: 'https://evil.example/x.png',
    kind: 'human',
    application_type: 'web',
  })
  assert.ok(result.ok)
  assert.equal(result.metadata['client_name'], 'Google <img onerror=1>')
  for (const name of ['scope', 'logo_uri', 'kind']) assert.equal(result.metadata[name], undefined)
  assert.equal(result.metadata['application_type'], 'native')
})

test('A client without a name, or with one of nothing that can be seen, has none', () => {
  for (const name of [undefined, 7, '', ' \u202e ']) {
    const result = read({ redirect_uris: REDIRECTS, client_name: name })
    assert.ok(result.ok && !('client_name' in result.metadata), String(name))
  }
})

test('A client cannot take a grant that its registration does not give', () => {
  const own = read({ grant_types: ['client_credentials'], redirect_uris: [] })
  assert.ok(!own.ok && own.error === 'invalid_client_metadata')
  const fleet = read({ grant_types: ['client_credentials'] }, FLEET)
  assert.ok(fleet.ok)
  assert.equal(fleet.metadata['token_endpoint_auth_method'], 'client_secret_basic')
  assert.deepEqual(fleet.metadata['response_types'], [])
  const codes = read({ grant_types: ['authorization_code'], redirect_uris: REDIRECTS }, FLEET)
  assert.ok(!codes.ok)
})

test('Nonsense is refused with what is wrong', () => {
  const wrong: readonly unknown[] = [
    undefined,
    [],
    { redirect_uris: 'http://127.0.0.1/' },
    { redirect_uris: Array.from({ length: 21 }, () => REDIRECTS[0]) },
    {},
    { redirect_uris: REDIRECTS, grant_types: 7 },
    { redirect_uris: REDIRECTS, token_endpoint_auth_method: 'tls_client_auth' },
    { redirect_uris: REDIRECTS, jwks_uri: 'https://169.254.169.254/' },
    { redirect_uris: REDIRECTS, token_endpoint_auth_method: 'private_key_jwt' },
  ]
  for (const body of wrong) assert.ok(!read(body).ok, JSON.stringify(body))
})

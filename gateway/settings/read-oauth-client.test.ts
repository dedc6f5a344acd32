import assert from 'node:assert/strict'
import { createHash, generateKeyPairSync, X509Certificate } from 'node:crypto'
import { test } from 'node:test'

import { createAuthority } from '../testkit/certificates.ts'
import { problemsOf, settingsOf } from '../testkit/settings-file.ts'

const SERVICE = createAuthority('test').issue('gatehouse')
const OTHER = generateKeyPairSync('ed25519').privateKey
const SHORT = generateKeyPairSync('rsa', { modulusLength: 1_024 }).privateKey
const LONG = generateKeyPairSync('rsa', { modulusLength: 2_048 }).privateKey
const FILES = {
  '/etc/gh/client.pem': SERVICE.key,
  '/etc/gh/client.crt': SERVICE.cert,
  '/etc/gh/other.pem': OTHER.export({ type: 'pkcs8', format: 'pem' }).toString(),
  '/etc/gh/short.pem': SHORT.export({ type: 'pkcs8', format: 'pem' }).toString(),
  '/etc/gh/rsa.pem': LONG.export({ type: 'pkcs1', format: 'pem' }).toString(),
}
const WORLD = { env: { SECRET: 'a-long-secret' }, files: FILES }

function textOf(client: string): string {
  return `version: 1
public_url: https://gw.example
servers: { docs: { upstream: https://docs.example/mcp } }
providers:
  google: { client: ${client} }
  acme: { authorize_url: https://acme.example/a, token_url: https://acme.example/t, client: ${client} }
authorization_server: embedded
policies: [policy.yaml]
`
}

async function clientsOf(client: string) {
  const { providers } = await settingsOf(textOf(client), WORLD)
  return [providers.get('google')?.client, providers.get('acme')?.client] as const
}

test('A client that signs has an assertion for its issuer, else its endpoint, by the key of the gateway', async () => {
  const [google, acme] = await clientsOf('{ id: g, auth: private_key_jwt }')
  assert.deepEqual(google, {
    id: 'g',
    secret: undefined,
    auth: 'private_key_jwt',
    assertion: { audience: 'https://accounts.google.com', key: undefined },
  })
  assert.equal(acme?.assertion?.audience, 'https://acme.example/t')
  const [said] = await clientsOf('{ id: g, auth: private_key_jwt, assertion: { audience: me } }')
  assert.equal(said?.assertion?.audience, 'me')
})

test('A key of its own is named by its thumbprint, its certificate or what the operator says', async () => {
  const keyOf = async (assertion: string) => {
    const [one] = await clientsOf(`{ id: g, auth: private_key_jwt, assertion: ${assertion} }`)
    const { pem, ...rest } = one?.assertion?.key ?? { pem: undefined }
    assert.match(pem?.reveal() ?? '', /PRIVATE KEY/)
    return rest
  }
  const { x } = OTHER.export({ format: 'jwk' })
  const canonical = JSON.stringify({ crv: 'Ed25519', kty: 'OKP', x })
  const kid = createHash('sha256').update(canonical).digest('base64url')
  assert.deepEqual(await keyOf('{ key: other.pem }'), {
    algorithm: 'EdDSA',
    kid,
    certificate: undefined,
  })
  const { raw } = new X509Certificate(SERVICE.cert)
  const certificate = createHash('sha256').update(raw).digest('base64url')
  assert.deepEqual(await keyOf('{ key: client.pem, certificate: client.crt }'), {
    algorithm: 'ES256',
    kid: undefined,
    certificate,
  })
  assert.deepEqual(await keyOf('{ key: rsa.pem, algorithm: PS256, key_id: mine }'), {
    algorithm: 'PS256',
    kid: 'mine',
    certificate: undefined,
  })
})

for (const [client, problem] of [
  ['{ id: g, auth: basic }', /auth: basic needs a secret/],
  [
    "{ id: g, auth: private_key_jwt, secret: '${env:SECRET}' }",
    /auth: private_key_jwt says nothing beside a secret/,
  ],
  ["{ id: g, auth: none, secret: '${env:SECRET}' }", /auth: none says nothing beside a secret/],
  [
    "{ id: g, secret: '${env:SECRET}', assertion: { audience: a } }",
    /assertion: says nothing with auth: (basic|post)/,
  ],
  [
    '{ id: g, auth: private_key_jwt, assertion: { algorithm: ES256 } }',
    /algorithm: says nothing without key/,
  ],
  [
    '{ id: g, auth: private_key_jwt, assertion: { key: gone.pem } }',
    /key: cannot read \/etc\/gh\/gone\.pem: no such file/,
  ],
  [
    '{ id: g, auth: private_key_jwt, assertion: { key: client.crt } }',
    /must be an unencrypted PEM private key/,
  ],
  [
    '{ id: g, auth: private_key_jwt, assertion: { key: short.pem } }',
    /must be an unencrypted PEM private key, RSA of 2048 bits or more/,
  ],
  [
    '{ id: g, auth: private_key_jwt, assertion: { key: client.pem, algorithm: RS256 } }',
    /that key signs with ES256/,
  ],
  [
    '{ id: g, auth: private_key_jwt, assertion: { key: other.pem, certificate: client.crt } }',
    /must be the PEM certificate of the key/,
  ],
] as const) {
  test(`Refused where it stands, for each provider that has it: ${client}`, async () => {
    const problems = await problemsOf(textOf(client), WORLD)
    assert.equal(problems.length, 2, problems.join('\n'))
    for (const one of problems) {
      assert.match(one, /^[56]:\d+ providers\./)
      assert.match(one, problem)
    }
    assert.ok(!problems.join().includes('BEGIN'))
  })
}

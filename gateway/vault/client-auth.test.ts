import assert from 'node:assert/strict'
import { createPublicKey, generateKeyPairSync, verify, constants } from 'node:crypto'
import { test } from 'node:test'

import type { AssertionKey, OAuthClient } from '../model/credential.ts'
import { Secret } from '../model/secret.ts'
import { createClientAuth } from './client-auth.ts'

const NOW_MS = 1_000_000_500
const AUDIENCE = 'https://idp.example'

/** What a request of this client would say of it. */
async function said(client: OAuthClient) {
  const signed: { claims: object; type: string }[] = []
  const clientAuth = createClientAuth({
    sign: (claims, type) => {
      signed.push({ claims, type })
      return 'signed-by-the-gateway'
    },
    now: () => NOW_MS,
  })
  const [body, headers] = [new URLSearchParams(), new Headers()]
  await clientAuth(client)({ issuer: AUDIENCE }, { client_id: client.id }, body, headers)
  return { body, authorization: headers.get('authorization'), signed }
}

test('A secret goes into the header or the body, form-encoded there as servers expect, and a public client has none', async () => {
  const secret = new Secret('a-b_c.d~e f:g')
  const basic = await said({ id: 'our app', secret, auth: 'basic' })
  const pair = Buffer.from(basic.authorization?.replace('Basic ', '') ?? '', 'base64').toString()
  assert.equal(pair, 'our+app:a-b_c.d%7Ee+f%3Ag')
  assert.equal(basic.body.toString(), '')
  const post = await said({ id: 'app', secret, auth: 'post' })
  assert.deepEqual([post.authorization, post.body.get('client_secret')], [null, secret.reveal()])
  const none = await said({ id: 'app', secret: undefined, auth: 'none' })
  assert.deepEqual([none.authorization, none.body.toString()], [null, 'client_id=app'])
})

test('A client that signs sends an assertion for that authorization server alone, which ends in a minute', async () => {
  const assertion = { audience: AUDIENCE, key: undefined }
  const client: OAuthClient = { id: 'app', secret: undefined, auth: 'private_key_jwt', assertion }
  const { authorization, body, signed } = await said(client)
  assert.equal(authorization, null)
  assert.deepEqual(Object.fromEntries(body), {
    client_id: 'app',
    client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
    client_assertion: 'signed-by-the-gateway',
  })
  const [{ claims, type } = { claims: {}, type: '' }] = signed
  const { jti, ...rest } = { jti: '', ...claims }
  assert.match(jti, /^[\w-]{36}$/)
  const iat = Math.floor(NOW_MS / 1_000)
  const life = { iat, nbf: iat, exp: iat + 60 }
  assert.deepEqual([type, rest], ['JWT', { iss: 'app', sub: 'app', aud: AUDIENCE, ...life }])
  const again = await said(client)
  assert.notDeepEqual(again.signed, signed)
})

const RSA = generateKeyPairSync('rsa', { modulusLength: 2_048 })
const PSS = {
  padding: constants.RSA_PKCS1_PSS_PADDING,
  saltLength: constants.RSA_PSS_SALTLEN_DIGEST,
}

for (const [algorithm, { privateKey }, hash, method] of [
  ['RS256', RSA, 'sha256', {}],
  ['PS256', RSA, 'sha256', PSS],
  [
    'ES256',
    generateKeyPairSync('ec', { namedCurve: 'P-256' }),
    'sha256',
    { dsaEncoding: 'ieee-p1363' },
  ],
  [
    'ES384',
    generateKeyPairSync('ec', { namedCurve: 'P-384' }),
    'sha384',
    { dsaEncoding: 'ieee-p1363' },
  ],
  ['EdDSA', generateKeyPairSync('ed25519'), undefined, {}],
] as const) {
  test(`A key of its own signs ${algorithm}, named by its id and certificate`, async () => {
    const pem = new Secret(privateKey.export({ type: 'pkcs8', format: 'pem' }).toString())
    const key: AssertionKey = { pem, algorithm, kid: 'k1', certificate: 'abc' }
    const { body } = await said({
      id: 'app',
      secret: undefined,
      auth: 'private_key_jwt',
      assertion: { audience: AUDIENCE, key },
    })
    const token = body.get('client_assertion') ?? ''
    const [head = '', claims = '', signature = ''] = token.split('.')
    const read = (part: string): unknown => JSON.parse(Buffer.from(part, 'base64url').toString())
    assert.deepEqual(read(head), { alg: algorithm, typ: 'JWT', kid: 'k1', 'x5t#S256': 'abc' })
    assert.partialDeepStrictEqual(read(claims), { iss: 'app', aud: AUDIENCE })
    const options = { key: createPublicKey(pem.reveal()), ...method }
    const bytes = Buffer.from(signature, 'base64url')
    assert.ok(verify(hash, Buffer.from(`${head}.${claims}`), options, bytes))
    assert.ok(!verify(hash, Buffer.from(`${head}.${claims}x`), options, bytes))
  })
}

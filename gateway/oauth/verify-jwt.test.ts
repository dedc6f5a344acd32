import assert from 'node:assert/strict'
import { generateKeyPairSync, sign as rawSign } from 'node:crypto'
import { test } from 'node:test'
import { createSigner, segment } from '../testkit/signer.ts'
import type { TokenRules } from './check-claims.ts'
import type { KeySet } from './key-set.ts'
import { readKeySet } from './key-set.ts'
import { parseJwt } from './parse-jwt.ts'
import { verifyJwt } from './verify-jwt.ts'

const NOW = 1_800_000_000
const RULES: TokenRules = {
  issuer: 'https://idp.example',
  algorithms: ['RS256', 'ES256', 'EdDSA'],
  types: ['at+jwt'],
  allowManyAudiences: false,
  clientPaths: ['client_id', 'azp'],
}
const CLAIMS = {
  iss: 'https://idp.example',
  aud: 'https://gw.example/mcp/db',
  sub: 'alice',
  client_id: 'agent-a',
  iat: NOW - 10,
  exp: NOW + 290,
}

const [rsa, ec, ed] = await Promise.all([
  createSigner('RS256', 'rsa'),
  createSigner('ES256', 'ec'),
  createSigner('EdDSA', 'ed'),
])
const KEYS = readKeySet({ keys: [rsa.jwk, ec.jwk, ed.jwk] })!

type Setting = { readonly rules?: Partial<TokenRules>; readonly keys?: KeySet | undefined }

/** `valid`, or the reason it is not. */
async function judge(token: string, setting: Setting = {}): Promise<string> {
  const parsed = parseJwt(token)
  if (!parsed.ok) return parsed.reason
  const keys = 'keys' in setting ? setting.keys : KEYS
  const result = await verifyJwt({
    jwt: parsed.jwt,
    rules: { ...RULES, ...setting.rules },
    keysFor: () => keys,
    nowSeconds: NOW,
  })
  return result.ok ? 'valid' : result.reason
}

const signed = (claims: object, header: Readonly<Record<string, unknown>> = {}) =>
  ec.sign({ ...CLAIMS, ...claims }, header)
const without = (name: string) => ec.sign({ ...CLAIMS, [name]: undefined })

for (const signer of [rsa, ec, ed]) {
  test(`a token signed with ${signer.algorithm} by a key of the issuer is valid`, async () => {
    assert.equal(await judge(await signer.sign(CLAIMS)), 'valid')
  })

  test(`a ${signer.algorithm} signature by another key of the same id is refused`, async () => {
    const other = await createSigner(signer.algorithm, signer.keyId)
    assert.equal(await judge(await other.sign(CLAIMS)), 'bad_signature')
  })

  test(`a ${signer.algorithm} token with a changed payload is refused`, async () => {
    const [head, , signature] = (await signer.sign(CLAIMS)).split('.')
    const forged = `${head}.${segment({ ...CLAIMS, sub: 'root' })}.${signature}`
    assert.equal(await judge(forged), 'bad_signature')
  })
}

test('the claims of a valid token are given with their types', async () => {
  const parsed = parseJwt(await signed({ aud: ['https://gw.example/mcp/db'], extra: 1 }))
  assert.ok(parsed.ok)
  const result = await verifyJwt({
    jwt: parsed.jwt,
    rules: RULES,
    keysFor: () => KEYS,
    nowSeconds: NOW,
  })
  assert.ok(result.ok)
  const { all, ...claims } = result.claims
  assert.deepEqual(claims, {
    issuer: 'https://idp.example',
    subject: 'alice',
    audiences: ['https://gw.example/mcp/db'],
    issuedAtSeconds: NOW - 10,
    expiresAtSeconds: NOW + 290,
    binding: undefined,
  })
  assert.equal(all['extra'], 1)
})

// T-02

test('alg none is refused, with and without a signature, even when the settings list it', async () => {
  for (const alg of ['none', 'None', 'NONE', '']) {
    const unsigned = `${segment({ alg, typ: 'at+jwt' })}.${segment(CLAIMS)}.`
    assert.equal(await judge(unsigned), 'malformed')
    const decorated = `${segment({ alg, kid: 'ec', typ: 'at+jwt' })}.${segment(CLAIMS)}.AAAA`
    assert.equal(await judge(decorated, { rules: { algorithms: ['none', alg] } }), 'bad_signature')
  }
})

test('HS256 with the public key as its secret is refused, even when the settings list it', async () => {
  const { publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const { createHmac } = await import('node:crypto')
  for (const secret of [
    publicKey.export({ type: 'spki', format: 'pem' }),
    JSON.stringify(rsa.jwk),
    Buffer.from(rsa.jwk.n ?? '', 'base64url'),
  ]) {
    const input = `${segment({ alg: 'HS256', kid: 'rsa', typ: 'at+jwt' })}.${segment(CLAIMS)}`
    const token = `${input}.${createHmac('sha256', secret).update(input).digest('base64url')}`
    assert.equal(await judge(token), 'bad_signature')
    assert.equal(await judge(token, { rules: { algorithms: ['HS256'] } }), 'bad_signature')
  }
})

test('an algorithm that is not on the list of the issuer is refused although the key fits', async () => {
  const token = await rsa.sign(CLAIMS)
  assert.equal(await judge(token, { rules: { algorithms: ['ES256'] } }), 'bad_signature')
})

test('a key published for one algorithm does not verify another', async () => {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const jwk = { ...publicKey.export({ format: 'jwk' }), kid: 'r' }
  const input = `${segment({ alg: 'RS256', kid: 'r', typ: 'at+jwt' })}.${segment(CLAIMS)}`
  const token = `${input}.${rawSign('sha256', Buffer.from(input), privateKey).toString('base64url')}`
  const keysWith = (more: object) => readKeySet({ keys: [{ ...jwk, ...more }] })
  assert.equal(await judge(token, { keys: keysWith({}) }), 'valid')
  assert.equal(await judge(token, { keys: keysWith({ alg: 'RS256', use: 'sig' }) }), 'valid')
  assert.equal(await judge(token, { keys: keysWith({ alg: 'PS256' }) }), 'unknown_key')
  assert.equal(await judge(token, { keys: keysWith({ use: 'enc' }) }), 'keys_unavailable')
  assert.equal(await judge(token, { keys: keysWith({ key_ops: ['sign'] }) }), 'keys_unavailable')
})

// T-03

test('an unknown key id, a path as key id and a key id that is no text are refused', async () => {
  assert.equal(await judge(await signed({}, { kid: 'other' })), 'unknown_key')
  assert.equal(await judge(await signed({}, { kid: '../../x' })), 'unknown_key')
  const token = await signed({})
  const [, payload, signature] = token.split('.')
  for (const kid of [['ec'], 1, null, {}, '', 'x'.repeat(257)]) {
    const head = segment({ alg: 'ES256', typ: 'at+jwt', kid })
    assert.equal(await judge(`${head}.${payload}.${signature}`), 'malformed')
  }
})

test('keys offered by the token itself are never used', async () => {
  const thief = await createSigner('ES256', 'thief')
  const offers = [
    { jwk: thief.jwk },
    { jku: 'https://canary.example/jwks' },
    { x5u: 'https://canary.example/cert' },
    { x5c: ['AAAA'] },
  ]
  for (const offer of offers) {
    assert.equal(await judge(await thief.sign(CLAIMS, offer)), 'unknown_key')
    assert.equal(await judge(await thief.sign(CLAIMS, { ...offer, kid: 'ec' })), 'bad_signature')
    assert.equal(await judge(await signed({}, offer)), 'valid', 'ignored, not understood')
  }
})

test('a crit header is refused whatever it lists', async () => {
  const [, payload, signature] = (await signed({})).split('.')
  for (const crit of [['exp'], ['b64'], [], 'b64', null]) {
    const head = segment({ alg: 'ES256', kid: 'ec', typ: 'at+jwt', crit, exp: 1, b64: true })
    assert.equal(await judge(`${head}.${payload}.${signature}`), 'malformed')
  }
})

test('a token without key id is served only while exactly one key fits it', async () => {
  const token = await signed({}, { kid: undefined })
  const second = await createSigner('ES256', 'ec-2')
  assert.equal(await judge(token), 'valid')
  assert.equal(
    await judge(token, { keys: readKeySet({ keys: [ec.jwk, second.jwk] }) }),
    'unknown_key',
  )
})

test('two keys with the same id and algorithm are ambiguous and refused', async () => {
  const twin = await createSigner('ES256', 'ec')
  const keys = readKeySet({ keys: [ec.jwk, twin.jwk] })
  assert.equal(await judge(await signed({}), { keys }), 'unknown_key')
})

// T-04, T-05

test('the issuer is compared byte for byte', async () => {
  for (const iss of [
    'https://idp.example/',
    'https://IDP.example',
    'https://other.example',
    'https://idp.example ',
    '',
    ['https://idp.example'],
    null,
  ]) {
    assert.equal(await judge(await signed({ iss })), 'unknown_issuer', JSON.stringify(iss))
  }
  assert.equal(await judge(await without('iss')), 'unknown_issuer')
})

test('an audience is one text, or several where the settings allow it', async () => {
  for (const aud of ['', [], [''], [1], 1, {}, null, ['a', 'b'], ['a', 'a'], [['a']]]) {
    assert.equal(await judge(await signed({ aud })), 'wrong_audience', JSON.stringify(aud))
  }
  assert.equal(await judge(await without('aud')), 'wrong_audience')
  assert.equal(
    await judge(await signed({ aud: ['a', 'b'] }), { rules: { allowManyAudiences: true } }),
    'valid',
  )
  assert.equal(
    await judge(await signed({ aud: ['a', 1] }), { rules: { allowManyAudiences: true } }),
    'wrong_audience',
  )
})

// T-06

test('expiry has 30 seconds of leeway and not one more', async () => {
  const issued = { iat: NOW - 300 }
  assert.equal(await judge(await signed({ ...issued, exp: NOW - 29 })), 'valid')
  assert.equal(await judge(await signed({ ...issued, exp: NOW - 30 })), 'expired')
  assert.equal(await judge(await signed({ ...issued, exp: NOW - 31 })), 'expired')
})

test('not-before and issued-at have 30 seconds of leeway and not one more', async () => {
  assert.equal(await judge(await signed({ nbf: NOW + 30 })), 'valid')
  assert.equal(await judge(await signed({ nbf: NOW + 31 })), 'not_yet_valid')
  assert.equal(await judge(await signed({ iat: NOW + 30 })), 'valid')
  assert.equal(await judge(await signed({ iat: NOW + 31 })), 'not_yet_valid')
})

test('exp, iat and sub must be there, and times must be numbers', async () => {
  for (const name of ['exp', 'iat', 'sub'])
    assert.equal(await judge(await without(name)), 'bad_claim')
  for (const value of [String(NOW + 290), null, true, [NOW + 290], {}, -1, 2 ** 53, '']) {
    const what = JSON.stringify(value)
    assert.equal(await judge(await signed({ exp: value })), 'bad_claim', `exp ${what}`)
    assert.equal(await judge(await signed({ iat: value })), 'bad_claim', `iat ${what}`)
    assert.equal(await judge(await signed({ nbf: value })), 'bad_claim', `nbf ${what}`)
  }
})

test('a number too large for a number is no time', async () => {
  const text = JSON.stringify(CLAIMS).replace(`"exp":${CLAIMS.exp}`, '"exp":1e999')
  assert.equal(await judge(await ec.signText(text)), 'bad_claim')
})

test('a life above 24 hours, or none at all, is refused', async () => {
  const day = 24 * 60 * 60
  assert.equal(await judge(await signed({ iat: NOW, exp: NOW + day })), 'valid')
  assert.equal(await judge(await signed({ iat: NOW, exp: NOW + day + 1 })), 'bad_claim')
  assert.equal(await judge(await signed({ iat: NOW, exp: NOW })), 'bad_claim')
  assert.equal(await judge(await signed({ iat: NOW + 20, exp: NOW + 10 })), 'bad_claim')
})

// T-07

test('typ must be on the list, whatever its case and with or without application/', async () => {
  for (const typ of ['at+jwt', 'AT+JWT', 'application/at+jwt']) {
    assert.equal(await judge(await signed({}, { typ })), 'valid', typ)
  }
  for (const typ of ['JWT', 'logout+jwt', 'at+jwt ', '', 'jwt/at+jwt', undefined]) {
    assert.equal(await judge(await signed({}, { typ })), 'wrong_type', String(typ))
  }
})

test('a star accepts any type and none', async () => {
  const rules = { types: ['*'] }
  for (const typ of ['JWT', 'x', undefined]) {
    assert.equal(await judge(await signed({}, { typ }), { rules }), 'valid')
  }
})

test('an ID token is refused even where its type is accepted', async () => {
  for (const types of [['jwt'], ['*'], ['at+jwt', 'jwt']]) {
    const rules = { types }
    const typ = 'JWT'
    assert.equal(await judge(await signed({ nonce: 'n' }, { typ }), { rules }), 'wrong_type')
    assert.equal(await judge(await signed({ at_hash: 'h' }, { typ }), { rules }), 'wrong_type')
    assert.equal(await judge(await signed({ aud: 'agent-a' }, { typ }), { rules }), 'wrong_type')
    assert.equal(await judge(await signed({ aud: ['agent-a'] }, { typ }), { rules }), 'wrong_type')
    const byAzp = { client_id: undefined, azp: 'web', aud: 'web' }
    assert.equal(await judge(await signed(byAzp, { typ }), { rules }), 'wrong_type')
    assert.equal(await judge(await signed({}, { typ }), { rules }), 'valid')
  }
})

// T-12

test('what a token is bound to is read, and a token bound in another way is refused', async () => {
  for (const cnf of [
    { 'x5t#S256': 7 },
    { 'x5t#S256': '' },
    { jkt: 'x', 'x5t#S256': 'x' },
    { x5t: 'x' },
    { jwk: { kty: 'EC' } },
    { jkt: 7 },
    {},
    null,
    'x',
  ]) {
    assert.equal(await judge(await signed({ cnf })), 'bad_claim')
  }
  for (const [claims, binding] of [
    [{ cnf: { jkt: 'x' } }, { kind: 'key', thumbprint: 'x' }],
    [{ cnf: { 'x5t#S256': 'x' } }, { kind: 'certificate', thumbprint: 'x' }],
    [{}, undefined],
  ] as const) {
    const parsed = parseJwt(await signed(claims))
    assert.ok(parsed.ok)
    const options = { jwt: parsed.jwt, rules: RULES, keysFor: () => KEYS, nowSeconds: NOW }
    const read = await verifyJwt(options)
    assert.ok(read.ok)
    assert.deepEqual(read.claims.binding, binding)
  }
})

test('a repeated member in header or payload is refused, however it is spelt', async () => {
  const text = JSON.stringify(CLAIMS)
  const payloads = [
    text.replace('{', '{"sub":"root",'),
    text.replace('}', ',"sub":"root"}'),
    text.replace('{', '{"\\u0073ub":"root",'),
    text.replace('}', ',"act":{"sub":"a","sub":"b"}}'),
  ]
  for (const payload of payloads) {
    assert.equal(await judge(await ec.signText(payload)), 'malformed')
  }
  const [, payload, signature] = (await signed({})).split('.')
  const head = segment('{"alg":"ES256","kid":"ec","typ":"at+jwt","alg":"ES256"}')
  assert.equal(await judge(`${head}.${payload}.${signature}`), 'malformed')
})

test('keys are asked for only when everything but the signature is right', async () => {
  let asked = 0
  const tokens = [
    await signed({ exp: NOW - 100 }),
    await signed({ iss: 'https://other.example' }),
    await signed({}, { typ: 'JWT' }),
    await signed({ cnf: {} }),
    await signed({ aud: [] }),
  ]
  for (const token of tokens) {
    const parsed = parseJwt(token)
    assert.ok(parsed.ok)
    const keysFor = () => {
      asked += 1
      return KEYS
    }
    const { ok } = await verifyJwt({ jwt: parsed.jwt, rules: RULES, keysFor, nowSeconds: NOW })
    assert.ok(!ok)
  }
  assert.equal(asked, 0)
})

test('without keys a right token is not refused as wrong', async () => {
  assert.equal(await judge(await signed({}), { keys: undefined }), 'keys_unavailable')
})

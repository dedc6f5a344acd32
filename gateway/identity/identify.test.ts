/** Who may come in and who may not: the T cases of the threat model that concern identity. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { Refusal, REFUSALS } from '../model/refusal.ts'
import {
  ISSUER,
  presenting,
  protectedServer,
  RESOURCE,
  testIdentity,
  trustedIssuer,
} from '../testkit/identity.ts'
import { createSigner, segment } from '../testkit/signer.ts'
import { newApiKey } from './api-keys.ts'
import type { ApiKeyEntry } from './trust.ts'

const [signer, otherSigner] = await Promise.all([createSigner('ES256'), createSigner('ES256')])
const SERVER_B = protectedServer({ name: 'files', resource: 'https://gw.example/mcp/files' })

/** An issuer `ISSUER` with the keys of `signer`, and nothing else. */
const oneIssuer = () => testIdentity({ issuers: [trustedIssuer([signer])] })

async function apiKey(more: Partial<ApiKeyEntry> = {}) {
  const key = newApiKey(randomBytes)
  const entry: ApiKeyEntry = {
    prefix: key.prefix,
    sha256: key.sha256,
    tenant: 'default',
    subject: 'nightly',
    client: 'report',
    owner: 'team-data',
    kind: 'service',
    scopes: [],
    groups: [],
    servers: undefined,
    expiresAtSeconds: undefined,
    ...more,
  }
  return { key, ...testIdentity({ issuers: [trustedIssuer([signer])], apiKeys: [entry] }) }
}

test('a valid token is its caller, told the first time as new and then as known', async () => {
  const { bearer, claims, world } = oneIssuer()
  const token = await signer.sign(claims())
  const first = await bearer(token)
  assert.ok(typeof first !== 'string')
  assert.equal(first.subject, 'alice')
  assert.equal(await bearer(token), first, 'one object per token')
  const told = { type: 'token_verified', issuer: ISSUER, kind: 'agent' }
  assert.deepEqual(world.events, [
    { ...told, cached: false },
    { ...told, cached: true },
  ])
})

test('a known token is answered without a promise, a new one with one', async () => {
  const { identify, claims } = oneIssuer()
  const authorization = `Bearer ${await signer.sign(claims())}`
  const presented = presenting({ authorization })
  const first = identify(presented, protectedServer())
  assert.ok(first instanceof Promise)
  assert.equal(identify(presented, protectedServer()) instanceof Promise, true, 'still under way')
  const caller = await first
  assert.equal(identify(presented, protectedServer()), caller)
})

test('a token new to many requests at once is verified once and is one caller', async () => {
  const { bearer, claims, world } = oneIssuer()
  const token = await signer.sign(claims())
  const callers = await Promise.all(Array.from({ length: 200 }, () => bearer(token)))
  assert.equal(new Set(callers).size, 1)
  assert.ok(typeof callers[0] !== 'string', 'more than 64 requests of one token are no flood')
  assert.equal(world.asked, 1)
})

// T-01

test('no credential is unauthenticated and is not charged to the address', async () => {
  const { ask, bearer, claims, world } = oneIssuer()
  for (let at = 0; at < 500; at += 1) assert.equal(await ask({}), 'unauthenticated: missing')
  assert.ok(typeof (await bearer(await signer.sign(claims()))) !== 'string')
  assert.deepEqual(world.events[0], { type: 'token_refused', reason: 'missing' })
})

test('garbage, an empty bearer, another scheme and a token that is too long are invalid tokens', async () => {
  const { ask } = oneIssuer()
  for (const authorization of [
    '',
    'garbage',
    'Bearer',
    'Bearer ',
    'Bearer garbage',
    'Bearer a.b.c',
    'Bearer "x"',
    'Basic YWxpY2U6cGFzcw==',
    'DPoP abc',
    `Bearer ${'x'.repeat(100 * 1024)}`,
  ]) {
    assert.equal(
      await ask({ authorization }),
      'invalid_token: malformed',
      authorization.slice(0, 40),
    )
  }
})

test('a token of more than 8 KiB is refused although it is signed well', async () => {
  const { bearer, claims } = oneIssuer()
  const padding = (size: number) => signer.sign(claims({ padding: 'x'.repeat(size) }))
  assert.ok(typeof (await bearer(await padding(5_500))) !== 'string')
  assert.equal(await bearer(await padding(6_200)), 'invalid_token: malformed')
})

test('two credentials, and a bearer of several words, are a bad request', async () => {
  const { ask, claims, key } = await apiKey()
  const token = await signer.sign(claims())
  const several = 'bad_credential: more than one credential'
  assert.equal(await ask({ authorization: `Bearer ${token}`, apiKey: key.text }), several)
  assert.equal(await ask({ authorization: `Bearer ${key.text}`, apiKey: key.text }), several)
  assert.equal(await ask({ authorization: '', apiKey: key.text }), several)
  assert.equal(await ask({ authorization: `Bearer ${token}, Bearer ${token}` }), several)
  assert.equal(await ask({ authorization: `Bearer ${token} ${token}` }), several)
})

// T-02, T-03: every way to get a wrong signature through is in oauth/; here that it is wired.

test('a token signed by nobody, by another key, or with the public key as secret is refused', async () => {
  const { bearer, claims } = oneIssuer()
  const unsigned = `${segment({ alg: 'none', typ: 'at+jwt' })}.${segment(claims())}.`
  assert.equal(await bearer(unsigned), 'invalid_token: malformed')
  assert.equal(await bearer(await otherSigner.sign(claims())), 'invalid_token: bad_signature')
  assert.equal(
    await bearer(await signer.sign(claims(), { kid: '../../x' })),
    'invalid_token: unknown_key',
  )
})

test('every refused token looks the same to whoever presented it', async () => {
  const { identify, claims } = oneIssuer()
  const tokens = [
    await signer.sign(claims({ iss: 'https://other.example' })),
    await otherSigner.sign(claims()),
    await signer.sign(claims({ exp: 1, iat: 0 })),
    await signer.sign(claims({ aud: 'https://gw.example/mcp/other' })),
    await signer.sign(claims(), { typ: 'JWT' }),
    'garbage',
    `ghk_abcdefgh_${'x'.repeat(43)}`,
  ]
  for (const token of tokens) {
    const presented = presenting({ authorization: `Bearer ${token}` })
    await assert.rejects(
      async () => identify(presented, protectedServer()),
      (error) => {
        assert.ok(error instanceof Refusal)
        assert.equal(error.code, 'invalid_token')
        assert.equal(error.message, REFUSALS.invalid_token.text)
        assert.deepEqual(Object.keys(error.extra), ['detail'])
        return true
      },
    )
  }
})

// T-04

test('an issuer that is not configured, or not trusted by this server, is refused', async () => {
  const { bearer, claims } = oneIssuer()
  const slashed = await signer.sign(claims({ iss: `${ISSUER}/` }))
  assert.equal(await bearer(slashed), 'invalid_token: unknown_issuer')
  const token = await signer.sign(claims())
  const picky = protectedServer({ issuers: ['https://other.example'] })
  assert.equal(await bearer(token, picky), 'invalid_token: unknown_issuer')
  assert.ok(typeof (await bearer(token, protectedServer({ issuers: [ISSUER] }))) !== 'string')
  assert.equal(await bearer(token, picky), 'invalid_token: unknown_issuer', 'also when it is known')
  assert.equal(
    await bearer(token, protectedServer({ issuers: [] })),
    'invalid_token: unknown_issuer',
  )
})

test('a key of one issuer does not sign for another, although the key ids are equal', async () => {
  const evil = 'https://evil.example'
  const issuers = [trustedIssuer([signer]), trustedIssuer([otherSigner], { issuer: evil })]
  const { bearer, claims } = testIdentity({ issuers })
  assert.equal(await bearer(await otherSigner.sign(claims())), 'invalid_token: bad_signature')
  const own = await bearer(await otherSigner.sign(claims({ iss: evil })))
  assert.ok(typeof own !== 'string' && own.issuer === evil)
})

// T-05, T-08

test('a token for another audience is refused: none, a part, a prefix, ours beside others', async () => {
  const { bearer, claims } = oneIssuer()
  for (const aud of [
    undefined,
    'https://gw.example',
    `${RESOURCE}/`,
    RESOURCE.slice(0, -1),
    RESOURCE.toUpperCase(),
    [RESOURCE, 'https://gw.example/mcp/other'],
    '*',
  ]) {
    const token = await signer.sign(claims({ aud }))
    assert.equal(await bearer(token), 'invalid_token: wrong_audience', JSON.stringify(aud))
  }
})

test('a token of one server is refused at another, when it is new and when it is known', async () => {
  const { bearer, claims } = oneIssuer()
  const token = await signer.sign(claims())
  assert.equal(await bearer(token, SERVER_B), 'invalid_token: wrong_audience')
  assert.ok(typeof (await bearer(token)) !== 'string')
  assert.equal(await bearer(token, SERVER_B), 'invalid_token: wrong_audience')
  assert.ok(typeof (await bearer(token)) !== 'string', 'and stays good where it belongs')
})

test('an audience that the operator added is accepted, on one server or for one issuer', async () => {
  const api = 'api://everything'
  const { bearer, claims } = oneIssuer()
  const token = await signer.sign(claims({ aud: api }))
  assert.equal(await bearer(token), 'invalid_token: wrong_audience')
  const wider = protectedServer({ audiences: [RESOURCE, api] })
  assert.ok(typeof (await bearer(token, wider)) !== 'string')
  const everywhere = testIdentity({ issuers: [trustedIssuer([signer], { audiences: [api] })] })
  assert.ok(typeof (await everywhere.bearer(token)) !== 'string')
  assert.ok(typeof (await everywhere.bearer(token, SERVER_B)) !== 'string')
})

// T-06

test('a known token ends with its leeway and not later', async () => {
  const { bearer, claims, world } = oneIssuer()
  const token = await signer.sign(claims())
  assert.ok(typeof (await bearer(token)) !== 'string')
  world.nowMs += (290 + 29) * 1000
  assert.ok(typeof (await bearer(token)) !== 'string')
  const known = { type: 'token_verified', issuer: ISSUER, kind: 'agent', cached: true }
  assert.deepEqual(world.events.at(-1), known)
  world.nowMs += 1_000
  assert.equal(await bearer(token), 'invalid_token: expired')
})

test('a token not valid yet becomes valid, although it was refused a moment ago', async () => {
  const { bearer, claims, world } = oneIssuer()
  const token = await signer.sign(claims({ nbf: world.nowMs / 1000 + 31 }))
  assert.equal(await bearer(token), 'invalid_token: not_yet_valid')
  world.nowMs += 5_000
  assert.ok(typeof (await bearer(token)) !== 'string')
})

// T-07

test('an ID token opens nothing', async () => {
  const identity = { aud: 'agent-a', nonce: 'n' }
  const strict = oneIssuer()
  const token = await signer.sign(strict.claims(identity), { typ: 'JWT' })
  assert.equal(await strict.bearer(token), 'invalid_token: wrong_type')
  const issuers = [trustedIssuer([signer], { types: ['*'], audiences: ['agent-a'] })]
  assert.equal(await testIdentity({ issuers }).bearer(token), 'invalid_token: wrong_type')
})

test('a token in the API key header is no API key', async () => {
  const { ask, claims } = oneIssuer()
  assert.equal(await ask({ apiKey: await signer.sign(claims()) }), 'invalid_token: malformed')
})

// T-13

test('the same subject of two issuers is two callers', async () => {
  const second = 'https://second.example'
  const issuers = [
    trustedIssuer([signer], { tenant: 'one' }),
    trustedIssuer([signer], { tenant: 'two', issuer: second }),
  ]
  const { bearer, claims } = testIdentity({ issuers })
  const one = await bearer(await signer.sign(claims({ sub: '1' })))
  const two = await bearer(await signer.sign(claims({ sub: '1', iss: second })))
  assert.ok(typeof one !== 'string' && typeof two !== 'string')
  assert.deepEqual([one.issuer, one.subject, one.tenant], [ISSUER, '1', 'one'])
  assert.deepEqual([two.issuer, two.subject, two.tenant], [second, '1', 'two'])
})

// T-14

test('scopes are read as configured and never more', async () => {
  const { bearer, claims } = oneIssuer()
  const scopesOf = async (more: object) => {
    const caller = await bearer(await signer.sign(claims(more)))
    return typeof caller === 'string' ? caller : [...caller.scopes]
  }
  assert.deepEqual(await scopesOf({ scope: 'a  b\tc ' }), ['a'])
  assert.deepEqual(await scopesOf({ scope: ['a', 'b c'] }), ['a'])
  assert.deepEqual(await scopesOf({ scp: ['admin'] }), [])
  assert.deepEqual(await scopesOf({ scope: { admin: true } }), 'invalid_token: bad_claim')
})

// T-16

test('an API key is taken from either header and only as a whole', async () => {
  const { ask, bearer, key } = await apiKey()
  const caller = await ask({ apiKey: key.text })
  assert.ok(typeof caller !== 'string')
  assert.equal(caller.via, 'api_key')
  assert.equal(await bearer(key.text), caller)
  assert.equal(await bearer(key.text.slice(0, 12)), 'invalid_token: malformed')
  assert.equal(await ask({ apiKey: newApiKey(randomBytes).text }), 'invalid_token: unknown_api_key')
  assert.equal(await ask({ apiKey: '' }), 'invalid_token: malformed')
})

test('an API key works on the servers it names and until it ends', async () => {
  const { ask, key, world } = await apiKey({ servers: ['db'], expiresAtSeconds: 1_800_000_100 })
  assert.ok(typeof (await ask({ apiKey: key.text })) !== 'string')
  assert.equal(await ask({ apiKey: key.text }, SERVER_B), 'invalid_token: wrong_audience')
  world.nowMs += 100_000
  assert.equal(await ask({ apiKey: key.text }), 'invalid_token: expired')
})

test('a revoked API key is refused at once and served again when the revocation is lifted', async () => {
  const { ask, key, world } = await apiKey()
  assert.ok(typeof (await ask({ apiKey: key.text })) !== 'string')
  world.isRevoked = (caller) => caller.tokenId === key.prefix
  world.epoch += 1
  assert.equal(await ask({ apiKey: key.text }), 'invalid_token: revoked')
  assert.equal(await ask({ apiKey: key.text }), 'invalid_token: revoked')
  world.isRevoked = () => false
  world.epoch += 1
  assert.ok(typeof (await ask({ apiKey: key.text })) !== 'string')
})

test('while revocations cannot be read only short-lived credentials are served', async () => {
  const { ask, key, world } = await apiKey()
  const { bearer, claims, world: other } = oneIssuer()
  const iat = world.nowMs / 1000
  const short = await signer.sign(claims({ iat, exp: iat + 15 * 60 }))
  const long = await signer.sign(claims({ iat, exp: iat + 15 * 60 + 1 }))
  for (const token of [short, long]) assert.ok(typeof (await bearer(token)) !== 'string')
  assert.ok(typeof (await ask({ apiKey: key.text })) !== 'string')
  for (const each of [world, other]) Object.assign(each, { staleness: 'stale', epoch: 2 })
  assert.ok(typeof (await bearer(short)) !== 'string')
  assert.equal(await bearer(long), 'keys_unavailable: revocations_stale')
  assert.equal(await ask({ apiKey: key.text }), 'keys_unavailable: revocations_stale')
  for (const each of [world, other]) Object.assign(each, { staleness: 'fresh', epoch: 3 })
  assert.ok(typeof (await bearer(long)) !== 'string')
  assert.ok(typeof (await ask({ apiKey: key.text })) !== 'string')
})

// Anonymous

test('nobody is served as the anonymous caller where the server says so', async () => {
  const { ask } = oneIssuer()
  const caller = await ask({}, protectedServer({ anonymous: true }))
  assert.ok(typeof caller !== 'string')
  assert.equal(caller.via, 'anonymous')
  assert.equal(caller.scopes.size + caller.groups.size, 0)
})

test('a credential that is refused is never the anonymous caller instead', async () => {
  const { ask, claims } = oneIssuer()
  const server = protectedServer({ anonymous: true })
  const expired = await signer.sign(claims({ iat: 1, exp: 2 }))
  for (const presented of [
    { authorization: '' },
    { authorization: 'garbage' },
    { authorization: 'Bearer ' },
    { authorization: 'Basic abc' },
    { authorization: `Bearer ${expired}` },
    { apiKey: '' },
    { apiKey: 'x' },
  ]) {
    const answer = await ask(presented, server)
    assert.ok(typeof answer === 'string' && answer.startsWith('invalid_token: '))
  }
})

// Configuration

test('an issuer with a name of our own, or configured twice, is a mistake', () => {
  const issuer = trustedIssuer([signer])
  assert.throws(() => testIdentity({ issuers: [issuer, issuer] }), /configured twice/)
  for (const name of ['urn:gatehouse:api-key', 'urn:gatehouse:anonymous', 'urn:gatehouse:x']) {
    const reserved = trustedIssuer([signer], { issuer: name })
    assert.throws(() => testIdentity({ issuers: [reserved] }), /reserved/)
  }
})

/** Which assertions are believed (RFC 7523 §3, ID-JAG, SEP-1933), and which are not: not before yes. */
import assert from 'node:assert/strict'
import { test } from 'node:test'

import { createKeyDocuments } from '../identity/key-documents.ts'
import {
  IDP,
  openRegistration,
  PLATFORM,
  platform,
  speakingProvider,
  workload,
} from '../testkit/assertions.ts'
import { createSigner } from '../testkit/signer.ts'
import type { Signer } from '../testkit/signer.ts'
import { readAssertion } from './assertion.ts'
import { createAssertionKeys } from './assertion-keys.ts'
import type { Setup } from './setup.ts'

const ISSUER = 'https://gw.example'
const NOW_SECONDS = 1_700_000_000

const [idp, cluster, stranger] = await Promise.all([
  createSigner('RS256'),
  createSigner(),
  createSigner('RS256'),
])

type Rules = Pick<Setup, 'issuer' | 'signIn' | 'workloads' | 'registration'>

const RULES: Rules = {
  issuer: ISSUER,
  signIn: new Map([['corp', speakingProvider(idp)]]),
  workloads: new Map([['cluster', platform(cluster)]]),
  registration: openRegistration(),
}

const TIMES = { iat: NOW_SECONDS, exp: NOW_SECONDS + 300 }
const PERSON = { iss: IDP, sub: '00u1', aud: ISSUER, client_id: 'agent', jti: 'p1', ...TIMES }
const PROGRAM = {
  iss: PLATFORM,
  sub: 'system:serviceaccount:jobs:nightly',
  aud: ISSUER,
  jti: 'w1',
  ...TIMES,
}

async function read(text: string, rules: Rules = RULES) {
  const now = () => NOW_SECONDS * 1_000
  const fetchJson = () => Promise.reject(new Error('no network'))
  const keys = createAssertionKeys({
    fetchKeys: createKeyDocuments({ fetchJson, now }),
    readFile: () => Promise.reject(new Error('no files')),
    now,
    emit: () => {},
  })
  keys.configure(rules)
  return await readAssertion(text, { setup: rules, keys, nowSeconds: NOW_SECONDS })
}

async function reasonOf(text: string, rules?: Rules): Promise<string> {
  const answer = await read(text, rules)
  return answer.ok ? answer.assertion.kind : answer.reason
}

type Changes = Readonly<Record<string, unknown>>

const speak = (claims: Changes = {}, header: Changes = {}, signer: Signer = idp) =>
  signer.sign({ ...PERSON, ...claims }, { typ: 'oauth-id-jag+jwt', ...header })

const run = (claims: Changes = {}, header: Changes = {}, signer: Signer = cluster) =>
  signer.sign({ ...PROGRAM, ...claims }, { typ: undefined, ...header })

test('T-18 an assertion that is for somebody else, too old, too long or unsigned by its issuer is not believed', async () => {
  const wrong: readonly (readonly [Changes, string])[] = [
    [{ iss: `${IDP}/` }, 'unknown_issuer'],
    [{ iss: undefined }, 'unknown_issuer'],
    [{ aud: `${ISSUER}/` }, 'wrong_audience'],
    [{ aud: 'https://other.example' }, 'wrong_audience'],
    [{ aud: [ISSUER, 'https://other.example'] }, 'wrong_audience'],
    [{ aud: undefined }, 'wrong_audience'],
    [{ sub: undefined }, 'bad_claim'],
    [{ sub: '' }, 'bad_claim'],
    [{ jti: 7 }, 'bad_claim'],
    [{ exp: undefined }, 'bad_claim'],
    [{ iat: undefined }, 'bad_claim'],
    [{ exp: String(TIMES.exp) }, 'bad_claim'],
    [{ iat: NOW_SECONDS - 400, exp: NOW_SECONDS - 31 }, 'expired'],
    [{ iat: NOW_SECONDS + 31 }, 'not_yet_valid'],
    [{ nbf: NOW_SECONDS + 31 }, 'not_yet_valid'],
    [{ cnf: { 'x5t#S256': 'x' } }, 'bad_claim'],
    [{ nonce: 'n' }, 'wrong_type'],
  ]
  for (const [claims, reason] of wrong) {
    const person = await reasonOf(await speak(claims))
    assert.equal(person, reason, JSON.stringify(claims))
    if (claims['iss'] !== undefined) continue
    assert.equal(await reasonOf(await run(claims)), reason, JSON.stringify(claims))
  }
  assert.equal(await reasonOf(await speak({ exp: NOW_SECONDS + 601 })), 'too_long')
  assert.equal(await reasonOf(await run({ exp: NOW_SECONDS + 3_601 })), 'too_long')
  for (const header of [{}, { jwk: stranger.jwk }, { kid: 'other' }, { kid: undefined }]) {
    const reason = await reasonOf(await speak({}, header, stranger))
    assert.match(reason, /^(bad_signature|unknown_key)$/, JSON.stringify(header))
  }
  assert.equal(await reasonOf('no.jwt'), 'malformed')
})

test('An algorithm that was not listed is not believed, and none never is', async () => {
  const text = await run()
  const [, payload = '', signature = ''] = text.split('.')
  const head = (alg: string) => Buffer.from(JSON.stringify({ alg })).toString('base64url')
  assert.equal(await reasonOf(`${head('none')}.${payload}.${signature}`), 'bad_signature')
  assert.equal(await reasonOf(`${head('HS256')}.${payload}.${signature}`), 'bad_signature')
  const listed = platform(cluster, { algorithms: ['RS256'] })
  const rules = { ...RULES, workloads: new Map([['cluster', listed]]) }
  assert.equal(await reasonOf(text, rules), 'bad_signature')
})

test('Neither kind of issuer can speak as the other, and a token for something else is none at all', async () => {
  // Signed by the platform, in the words of the identity provider, and the other way round.
  assert.match(await reasonOf(await speak({}, {}, cluster)), /^(bad_signature|unknown_key)$/)
  assert.equal(await reasonOf(await speak({ iss: PLATFORM }, {}, cluster)), 'unknown_issuer')
  assert.equal(await reasonOf(await run({ iss: IDP }, {}, idp)), 'unknown_issuer')
  for (const typ of ['at+jwt', 'dpop+jwt', 'logout+jwt', 'secevent+jwt', 'oauth-id-jag']) {
    assert.equal(await reasonOf(await speak({}, { typ })), 'wrong_type', typ)
    assert.equal(await reasonOf(await run({}, { typ })), 'wrong_type', typ)
  }
  const silent = speakingProvider(idp, { assertions: undefined })
  const rules = { ...RULES, signIn: new Map([['corp', silent]]) }
  assert.equal(await reasonOf(await speak(), rules), 'unknown_issuer')
})

test('An identity assertion is believed from the provider that takes part, in any spelling of its type', async () => {
  for (const typ of ['oauth-id-jag+jwt', 'application/oauth-id-jag+jwt', 'OAuth-ID-JAG+JWT']) {
    assert.equal(await reasonOf(await speak({}, { typ })), 'person')
  }
  assert.equal(await reasonOf(await speak({ aud: [ISSUER] })), 'person')
  assert.equal(await reasonOf(await speak({ jti: undefined })), 'bad_claim', 'it must have an id')
})

test('A platform speaks for the programs that are listed, by subject and claims, and for no other', async () => {
  for (const typ of [undefined, 'JWT', 'JOSE']) {
    assert.equal(await reasonOf(await run({}, { typ })), 'workload')
  }
  for (const sub of [`${PROGRAM.sub}2`, 'system:serviceaccount:jobs', 'nightly']) {
    assert.equal(await reasonOf(await run({ sub })), 'not_accepted', sub)
  }
  const accept = [
    workload({ subject: 'repo:acme/agents:ref:*', claims: new Map([['event_name', 'push']]) }),
    workload({ subject: 'spiffe://corp.example/ns/*/sa/bot', client: 'bot' }),
    workload({ subject: 'spiffe://corp.example/ns/**', client: 'rest' }),
  ]
  const rules = { ...RULES, workloads: new Map([['cluster', platform(cluster, { accept })]]) }
  const clientOf = async (claims: Changes) => {
    const answer = await read(await run(claims), rules)
    return answer.ok && answer.assertion.kind === 'workload' && answer.assertion.workload.client
  }
  const push = { sub: 'repo:acme/agents:ref:main', event_name: 'push' }
  assert.equal(await clientOf(push), 'nightly')
  assert.equal(await clientOf({ ...push, event_name: 'pull_request' }), false)
  assert.equal(await clientOf({ ...push, event_name: undefined }), false)
  assert.equal(await clientOf({ ...push, sub: 'repo:acme/agents:ref:a/b' }), false)
  assert.equal(await clientOf({ sub: 'spiffe://corp.example/ns/a/sa/bot' }), 'bot')
  assert.equal(await clientOf({ sub: 'spiffe://corp.example/ns/a/b/sa/bot' }), 'rest')
  assert.equal(await clientOf({ sub: 'spiffe://corp.example.evil/ns/a/sa/bot' }), false)
})

test('The audience of a program is the issuer or its token endpoint, or what is configured instead', async () => {
  assert.equal(await reasonOf(await run({ aud: `${ISSUER}/oauth/token` })), 'workload')
  assert.equal(await reasonOf(await speak({ aud: `${ISSUER}/oauth/token` })), 'wrong_audience')
  const other = platform(cluster, { audiences: ['api://gatehouse'] })
  const rules = { ...RULES, workloads: new Map([['cluster', other]]) }
  assert.equal(await reasonOf(await run({ aud: 'api://gatehouse' }), rules), 'workload')
  assert.equal(await reasonOf(await run(), rules), 'wrong_audience')
})

test('The same assertion has the same id, however its signature or header is written', async () => {
  const idOf = async (text: string) => {
    const answer = await read(text)
    assert.ok(answer.ok)
    return answer.assertion.id
  }
  assert.equal(await idOf(await run()), await idOf(await run({}, { typ: 'JWT' })))
  assert.notEqual(await idOf(await run()), await idOf(await run({ jti: 'w2' })))
  const nameless = { jti: undefined }
  const [one, other] = [await run(nameless), await run(nameless)]
  assert.notEqual(one, other, 'signed twice')
  assert.equal(await idOf(one), await idOf(other))
  assert.notEqual(await idOf(await run(nameless)), await idOf(await run({ ...nameless, x: 1 })))
  const [person, program] = [await speak({ jti: 'same' }), await run({ jti: 'same' })]
  assert.notEqual(await idOf(person), await idOf(program), 'of different issuers')
})

test('Where no keys can be had, that is said, and nothing is believed', async () => {
  const away = platform(cluster, { jwks: { kind: 'url', url: 'https://cluster.example/keys' } })
  const rules = { ...RULES, workloads: new Map([['cluster', away]]) }
  assert.equal(await reasonOf(await run(), rules), 'keys_unavailable')
})

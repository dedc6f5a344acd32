import assert from 'node:assert/strict'
import { test } from 'node:test'

import { readKeySet } from '../oauth/key-set.ts'
import { createSigner, segment } from '../testkit/signer.ts'
import { readLogoutToken } from './logout-token.ts'

const NOW = 1_700_000_000
const EVENTS = { 'http://schemas.openid.net/event/backchannel-logout': {} }
const CLAIMS = {
  iss: 'https://idp.example',
  aud: 'gatehouse',
  iat: NOW,
  exp: NOW + 120,
  jti: 'j1',
  sub: '00u1',
  sid: 's1',
  events: EVENTS,
}

const signer = await createSigner('RS256')
const stranger = await createSigner('RS256')

async function read(token: string, subjectPath = 'sub') {
  return await readLogoutToken(token, {
    issuer: 'https://idp.example',
    clientId: 'gatehouse',
    subjectPath,
    keysFor: () => readKeySet({ keys: [signer.jwk] }),
    nowSeconds: NOW,
  })
}

const signed = (claims: object, typ: string | undefined = 'logout+jwt') =>
  signer.sign({ ...CLAIMS, ...claims }, { typ })

async function whyNot(token: string | Promise<string>, subjectPath?: string): Promise<string> {
  const answer = await read(await token, subjectPath)
  return answer.ok ? 'accepted' : answer.why
}

test('A logout token of the provider names a session, a person or both', async () => {
  const both = { id: 'j1', subject: '00u1', session: 's1', expiresAtSeconds: NOW + 120 }
  assert.deepEqual(await read(await signed({})), { ok: true, logout: both })
  const bySession = await read(await signed({ sub: undefined }))
  assert.deepEqual(bySession, { ok: true, logout: { ...both, subject: undefined } })
  const byPerson = await read(await signed({ sid: undefined, aud: ['gatehouse'] }))
  assert.deepEqual(byPerson, { ok: true, logout: { ...both, session: undefined } })
})

test('Where operators name people by another claim, that one says who it is', async () => {
  const read1 = await read(await signed({ oid: 'o-1' }), 'oid')
  assert.ok(read1.ok && read1.logout.subject === 'o-1')
  const read2 = await read(await signed({}), 'oid')
  assert.ok(read2.ok && read2.logout.subject === undefined)
  assert.equal(
    await whyNot(signed({ sid: undefined }), 'oid'),
    'it names neither session nor person',
  )
})

test('The type may be left out as older providers do, and may be no other', async () => {
  for (const typ of ['JWT', undefined, 'application/logout+jwt']) {
    assert.ok((await read(await signer.sign(CLAIMS, { typ }))).ok, typ)
  }
  for (const typ of ['at+jwt', 'secevent+jwt', 'dpop+jwt']) {
    assert.equal(await whyNot(signed({}, typ)), 'typ is not logout+jwt', typ)
  }
})

const WRONG: readonly (readonly [string, object, string])[] = [
  ['an ID token', { events: undefined }, 'it is no logout'],
  ['another event', { events: { 'https://x.example/e': {} } }, 'it is no logout'],
  [
    'an event that is no object',
    { events: { [Object.keys(EVENTS)[0]!]: true } },
    'it is no logout',
  ],
  ['a list of events', { events: [EVENTS] }, 'it is no logout'],
  ['a nonce', { nonce: 'n' }, 'it has a nonce'],
  ['another issuer', { iss: 'https://evil.example' }, 'iss is not the provider'],
  ['another client', { aud: 'other' }, 'aud is not us alone'],
  ['another client too', { aud: ['gatehouse', 'other'] }, 'aud is not us alone'],
  ['no audience', { aud: undefined }, 'aud is not us alone'],
  ['nobody', { sub: undefined, sid: undefined }, 'it names neither session nor person'],
  ['a sid that is no text', { sid: 7 }, 'sid is no text'],
  ['a sub that is no text', { sub: ['00u1'] }, 'sub is no text'],
  ['no id', { jti: undefined }, 'jti is missing'],
  ['no end', { exp: undefined }, 'iat or exp is missing'],
  ['no beginning', { iat: undefined }, 'iat or exp is missing'],
  ['an end long after', { exp: NOW + 90_000 }, 'exp is not soon after iat'],
  ['the past', { iat: NOW - 300, exp: NOW - 60 }, 'it has expired'],
  ['the future', { iat: NOW + 60, exp: NOW + 120 }, 'it is of the future'],
]

for (const [what, claims, why] of WRONG) {
  test(`A logout token ends nothing with ${what}`, async () => {
    assert.equal(await whyNot(signed(claims)), why)
  })
}

test('A logout token ends nothing without a signature of the provider', async () => {
  const why = 'its signature is not one of the provider'
  assert.equal(await whyNot(stranger.sign(CLAIMS, { typ: 'logout+jwt' })), why)
  const unsigned = `${segment({ alg: 'none', typ: 'logout+jwt' })}.${segment(CLAIMS)}.AAAA`
  assert.equal(await whyNot(unsigned), why)
  assert.equal(await whyNot('no token'), 'it is no JWT')
})

/**
 * Assertions at the token endpoint (RFC 7523 §2.1): an identity provider speaks for a person whose client
 * need not ask (ID-JAG), a platform for a program that has no secret (SEP-1933); each counts once. And a
 * vendor speaks for software that registers (RFC 7591 §2.3).
 */
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, test } from 'node:test'

import { IDP, PLATFORM } from '../testkit/assertions.ts'
import { startOwnIssuer } from '../testkit/authorization-server.ts'
import { eventually } from '../testkit/eventually.ts'
import type { TestGatehouse } from '../testkit/gatehouse.ts'
import { allowAll } from '../testkit/gatehouse.ts'
import { FormRobot } from '../testkit/form-robot.ts'
import {
  basic,
  claimsOf,
  OauthAgent,
  REDIRECT,
  type Reply,
  type Tokens,
} from '../testkit/oauth-agent.ts'
import { createProver } from '../testkit/prover.ts'
import type { RecordingServer } from '../testkit/recording-server.ts'
import { startRecordingServer } from '../testkit/recording-server.ts'
import { callTool, post } from '../testkit/rpc.ts'
import { createSigner } from '../testkit/signer.ts'
import { stopAll } from '../testkit/stop-all.ts'

const GRANT = 'urn:ietf:params:oauth:grant-type:jwt-bearer'
const PROFILE = 'urn:ietf:params:oauth:grant-profile:id-jag'
const SECRET = 'a-secret-of-the-agents-of-this-test'
const PROGRAM = 'system:serviceaccount:jobs:nightly'

const VENDOR = 'https://vendor.example'

const [idp, cluster, vendor] = await Promise.all([
  createSigner('RS256'),
  createSigner('ES256'),
  createSigner('EdDSA'),
])

let upstream: RecordingServer
let gateway: TestGatehouse
let agent: OauthAgent

before(async () => {
  upstream = await startRecordingServer()
  const client = { grants: ['jwt_bearer'], secret: '${env:SECRET}' }
  const signed = (keys: object) => ({ jwks: { keys: [keys] } })
  gateway = await startOwnIssuer({
    servers: {
      docs: { upstream: upstream.url, scopes: ['docs:read', 'docs:write'] },
      mail: upstream.url,
    },
    rules: [allowAll('docs'), allowAll('mail')],
    section: {
      sign_in: {
        corp: {
          issuer: IDP,
          client_id: 'gatehouse',
          client_secret: '${env:SECRET}',
          identity_assertions: signed(idp.jwk),
        },
      },
      clients: {
        agent: client,
        other: client,
        plain: { grants: ['client_credentials'], secret: '${env:SECRET}' },
      },
      registration: {
        statements: { vendor: { issuer: VENDOR, kind: 'human', ...signed(vendor.jwk) } },
      },
      workloads: {
        cluster: {
          issuer: PLATFORM,
          jwks: { file: 'cluster.json' },
          accept: [
            { subject: PROGRAM, client: 'nightly', servers: ['docs'], scopes: ['docs:read'] },
          ],
        },
        files: {
          issuer: `${PLATFORM}/files`,
          ...signed(cluster.jwk),
          single_use: false,
          accept: [{ subject: 'system:**', client: 'files', kind: 'agent' }],
        },
      },
    },
    files: { 'cluster.json': JSON.stringify({ keys: [cluster.jwk] }) },
    env: { SECRET },
  })
  agent = new OauthAgent(gateway.origin)
})

after(() => stopAll(gateway, upstream))

type More = Readonly<Record<string, unknown>>
type Form = Readonly<Record<string, string>>

function times() {
  const iat = Math.floor(Date.now() / 1_000)
  return { iat, exp: iat + 300, jti: randomUUID(), aud: gateway.origin }
}

/** What the identity provider says of Bea. */
async function speak(more: More = {}, typ = 'oauth-id-jag+jwt'): Promise<string> {
  const said = { iss: IDP, sub: '00u1', client_id: 'agent', resource: gateway.url('docs') }
  return await idp.sign({ ...times(), ...said, ...more }, { typ })
}

/** What the platform says of its program. */
async function run(more: More = {}): Promise<string> {
  return await cluster.sign({ ...times(), iss: PLATFORM, sub: PROGRAM, ...more }, { typ: 'JWT' })
}

const as = (client: string, secret = SECRET) => basic(client, secret)

const ask = (assertion: string, form: Form = {}, headers: Form = {}): Promise<Reply<Tokens>> =>
  agent.token({ grant_type: GRANT, assertion, ...form }, headers)

async function errorOf(asked: Promise<Reply<Tokens>>): Promise<string> {
  const { status, json } = await asked
  assert.equal(json.access_token, undefined)
  return `${status} ${String(Reflect.get(json, 'error'))}`
}

const call = (server: string, token: string) =>
  post(gateway.url(server), callTool('echo'), { token })

test('T-18 an identity assertion is of no use without the client it was made for', async () => {
  const text = await speak()
  assert.match(await errorOf(ask(text)), /^400 invalid_request/)
  assert.equal(await errorOf(ask(text, {}, as('agent', 'wrong'))), '401 invalid_client')
  assert.equal(await errorOf(ask(text, {}, as('other'))), '400 invalid_grant')
  assert.match(await errorOf(ask(text, {}, as('plain'))), /^400 /)
  const { json } = await agent.register({ grant_types: [GRANT] })
  assert.equal(json.client_id, undefined, 'nobody registers for it')
  const { json: registered } = await agent.register()
  assert.match(await errorOf(ask(text, { client_id: registered.client_id })), /^400 /)
  assert.equal(await errorOf(ask(text, { client_id: 'agent' })), '401 invalid_client')
  assert.equal((await ask(text, {}, as('agent'))).status, 200, 'none of that has used it up')
})

test('T-18 an assertion that says the wrong thing or lives too long brings nothing', async () => {
  const at = Math.floor(Date.now() / 1_000)
  const wrong: readonly More[] = [
    { aud: `${gateway.origin}/oauth/token` },
    { aud: [gateway.origin, 'https://other.example'] },
    { iss: PLATFORM },
    // The times of the rest are those of a moment later.
    { exp: at + 660 },
    { iat: at - 400, exp: at - 60 },
    { jti: undefined },
    { client_id: undefined },
    { authorization_details: [] },
    { cnf: { jkt: 'of-a-key-that-is-not-shown' } },
  ]
  for (const claims of wrong) {
    const asked = ask(await speak(claims), {}, as('agent'))
    assert.equal(await errorOf(asked), '400 invalid_grant', JSON.stringify(claims))
  }
  assert.equal(await errorOf(ask(await speak({}, 'at+jwt'), {}, as('agent'))), '400 invalid_grant')
  const mail = { resource: gateway.url('mail') }
  assert.equal(await errorOf(ask(await speak(), mail, as('agent'))), '400 invalid_target')
  const admin = { scope: 'admin' }
  assert.equal(await errorOf(ask(await speak(), admin, as('agent'))), '400 invalid_scope')
  const records = await eventually(async () => {
    const found = (await gateway.audit()).filter(({ detail }) => detail === 'too_long')
    assert.ok(found.length > 0)
    return found
  })
  assert.equal(records[0]?.['reason'], 'invalid_grant')
})

test('T-18 of many who show one assertion at once exactly one gets a token', async () => {
  for (const [text, headers] of [
    [await speak(), as('agent')],
    [await run(), {}],
  ] as const) {
    const answers = await Promise.all(Array.from({ length: 8 }, () => ask(text, {}, headers)))
    const statuses = Map.groupBy(answers, ({ status }) => status)
    assert.deepEqual([statuses.get(200)?.length, statuses.get(400)?.length], [1, 7])
  }
})

test('A person whom the identity provider speaks for works through the client, unasked, on one server', async () => {
  const how = { auth_time: 1_700_000_000, acr: 'urn:corp:gold', amr: ['mfa'], groups: ['analysts'] }
  const { json, headers } = await ask(await speak({ scope: 'docs:read', ...how }), {}, as('agent'))
  const { access_token: token, ...rest } = json
  assert.deepEqual(rest, { token_type: 'Bearer', expires_in: 300, scope: 'docs:read' })
  assert.match(headers.get('cache-control') ?? '', /no-store/)
  const { iat: _iat, exp: _exp, jti: _jti, txn, ...claims } = claimsOf(token)
  assert.equal(typeof txn, 'string')
  assert.deepEqual(claims, {
    iss: gateway.origin,
    aud: gateway.url('docs'),
    sub: 'corp|00u1',
    client_id: 'agent',
    scope: 'docs:read',
    gty: 'id_jag',
    'urn:gw:kind': 'agent',
    act: { sub: 'agent', iss: gateway.origin },
    ...how,
  })
  assert.equal((await call('docs', token)).status, 200)
  assert.equal((await call('mail', token)).status, 401)
})

test('A program with nothing but what its platform says of it gets a token, and is named in the records', async () => {
  const { status, json } = await ask(await run(), { resource: gateway.url('docs') })
  assert.equal(status, 200)
  const { sub, client_id: client, scope, ...said } = claimsOf(json.access_token)
  assert.deepEqual([sub, client, scope], [`cluster|${PROGRAM}`, 'nightly', 'docs:read'])
  assert.deepEqual(
    [said['gty'], said['urn:gw:kind'], said['act']],
    ['workload', 'service', undefined],
  )
  assert.equal((await call('docs', json.access_token)).status, 200)
  const issued = await eventually(async () => {
    const found = (await gateway.audit()).find(
      ({ event, grant_type: type }) => event === 'token_issued' && type === 'workload',
    )
    assert.ok(found)
    return found
  })
  assert.deepEqual([issued['subject'], issued['kind']], [`cluster|${PROGRAM}`, 'service'])
  assert.match(
    await gateway.metrics(),
    /gatehouse_tokens_issued_total\{[^}]*"workload"[^}]*\} [1-9]/,
  )
})

test('T-18 a program is nobody else, gets nothing else, and no other program is it', async () => {
  const wrong: readonly (readonly [Form, Form, string])[] = [
    [{ client_id: 'plain' }, {}, '400 invalid_request'],
    [{ client_secret: SECRET, client_id: 'plain' }, {}, '400 invalid_request'],
    [{ client_secret: SECRET }, {}, '400 invalid_request'],
    [{}, as('nightly'), '400 invalid_request'],
    [{}, as('plain'), '400 invalid_request'],
    [{ client_assertion: await run() }, {}, '400 invalid_request'],
    [{ resource: gateway.url('mail') }, {}, '400 invalid_target'],
    [{ scope: 'docs:write' }, {}, '400 invalid_scope'],
  ]
  for (const [form, headers, error] of wrong) {
    assert.equal(await errorOf(ask(await run(), form, headers)), error, JSON.stringify(form))
  }
  for (const claims of [{ sub: `${PROGRAM}2` }, { iss: IDP }, { iss: gateway.origin }]) {
    assert.equal(await errorOf(ask(await run(claims))), '400 invalid_grant')
  }
  const two = new URLSearchParams([
    ['grant_type', GRANT],
    ['assertion', await run()],
    ['assertion', await run()],
  ])
  const twice = await fetch(`${gateway.origin}/oauth/token`, { method: 'POST', body: two })
  assert.equal(twice.status, 400)
})

test('The client id of a program opens nothing without its assertion', async () => {
  const forms: readonly Form[] = [
    { grant_type: 'client_credentials', resource: gateway.url('docs') },
    { grant_type: GRANT, assertion: await speak({ client_id: 'nightly' }) },
  ]
  for (const form of forms) {
    assert.equal(
      await errorOf(agent.token({ ...form, client_id: 'nightly' })),
      '401 invalid_client',
    )
  }
  const url = agent.authorizeUrl('nightly', { resource: gateway.url('docs') })
  assert.equal((await fetch(url, { redirect: 'manual' })).status, 400)
})

test('Tokens of a platform that gives each program one file may be shown again, where the operator says so', async () => {
  const text = await run({ iss: `${PLATFORM}/files` })
  const resource = gateway.url('mail')
  for (let at = 0; at < 2; at++) assert.equal((await ask(text, { resource })).status, 200)
})

test('With a proof the token is bound to its key, and an assertion for a key needs that key', async () => {
  const [holder, thief] = await Promise.all([createProver(), createProver()])
  const prove = (by = holder) =>
    by.prove(
      {
        token: '',
        httpMethod: 'POST',
        url: `${gateway.origin}/oauth/token`,
        nowSeconds: Math.floor(Date.now() / 1_000),
      },
      { claims: { ath: undefined } },
    )
  const bound = () => speak({ cnf: { jkt: holder.thumbprint } })
  const stolen = ask(await bound(), {}, { ...as('agent'), dpop: await prove(thief) })
  assert.equal(await errorOf(stolen), '400 invalid_grant')
  const proof = await prove()
  const first = await ask(await bound(), {}, { ...as('agent'), dpop: proof })
  assert.equal(Reflect.get(first.json, 'token_type'), 'DPoP')
  const { json } = first
  assert.deepEqual(claimsOf(json.access_token)['cnf'], { jkt: holder.thumbprint })
  assert.equal((await call('docs', json.access_token)).status, 401, 'not as a bearer token')
  const again = ask(await bound(), {}, { ...as('agent'), dpop: proof })
  assert.equal(await errorOf(again), '400 invalid_grant', 'a proof counts once')
  const { json: program } = await ask(await run(), {}, { dpop: await prove(thief) })
  assert.deepEqual(claimsOf(program.access_token)['cnf'], { jkt: thief.thumbprint })
  assert.match(await errorOf(ask(await run(), {}, { dpop: 'x' })), /^400 invalid_dpop_proof/)
})

test('Whoever is revoked has no tokens, and gets none for what was said before', async () => {
  const [before, { json }] = [await run(), await ask(await run())]
  const subject = `cluster|${PROGRAM}`
  const body = { kind: 'subject', value: subject, issuer: gateway.origin }
  assert.equal((await gateway.admin('POST', '/admin/revocations', { body })).status, 201)
  assert.equal((await call('docs', json.access_token)).status, 401)
  assert.equal(await errorOf(ask(before)), '400 invalid_grant')
})

test('Software that a trusted vendor vouches for registers as what the operator says, with its own redirects', async () => {
  const said = { iss: VENDOR, software_id: 'app-1', client_name: 'App', redirect_uris: [REDIRECT] }
  const statement = await vendor.sign(said, { typ: 'JWT' })
  const thief = { redirect_uris: ['https://thief.example/cb'], software_statement: statement }
  const { status, json: client } = await agent.register(thief)
  assert.equal(status, 201)
  assert.deepEqual(Reflect.get(client, 'redirect_uris'), [REDIRECT])
  assert.equal(Reflect.get(client, 'software_statement'), statement)
  const more = { resource: gateway.url('docs'), scope: 'docs:read' }
  const url = await agent.consent(new FormRobot(), agent.authorizeUrl(client.client_id, more))
  const { json } = await agent.redeem(client.client_id, url.searchParams.get('code') ?? '')
  const { 'urn:gw:kind': kind, act } = claimsOf(json.access_token)
  assert.deepEqual([kind, act], ['human', undefined])
  const change = await fetch(client.registration_client_uri, {
    method: 'PUT',
    headers: {
      authorization: `Bearer ${client.registration_access_token}`,
      'content-type': 'application/json',
    },
    body: JSON.stringify({ client_id: client.client_id, redirect_uris: thief.redirect_uris }),
  })
  assert.equal(change.status, 400)
})

test('The metadata says that both are taken', async () => {
  const response = await fetch(`${gateway.origin}/.well-known/oauth-authorization-server`)
  const metadata = (await response.json()) as Readonly<Record<string, readonly string[]>>
  assert.ok(metadata['grant_types_supported']?.includes(GRANT))
  assert.deepEqual(metadata['authorization_grant_profiles_supported'], [PROFILE])
})

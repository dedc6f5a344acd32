/**
 * The embedded authorization server on real sockets: from nothing to a tool call, and everything that must
 * not work on the way there (cases as far as they are about codes, tokens and clients).
 */
import assert from 'node:assert/strict'
import { request } from 'node:http'
import { after, before, test } from 'node:test'

import { startOwnIssuer } from '../testkit/authorization-server.ts'
import { eventually } from '../testkit/eventually.ts'
import { FormRobot } from '../testkit/form-robot.ts'
import type { TestGatehouse } from '../testkit/gatehouse.ts'
import { basic, claimsOf, OauthAgent, REDIRECT, signIn } from '../testkit/oauth-agent.ts'
import type { RecordingServer } from '../testkit/recording-server.ts'
import { startRecordingServer } from '../testkit/recording-server.ts'
import { callTool, post } from '../testkit/rpc.ts'
import { stopAll } from '../testkit/stop-all.ts'

const RULES = [
  { id: 'read', effect: 'allow', subjects: [{ scopes: ['docs:read'] }], tools: ['docs/echo'] },
  { id: 'all', effect: 'allow', subjects: [{ scopes: ['docs:write'] }], servers: ['docs'] },
  { id: 'code', effect: 'allow', subjects: [{ any: true }], servers: ['code'] },
]

let upstream: RecordingServer
let gateway: TestGatehouse
let agent: OauthAgent

before(async () => {
  upstream = await startRecordingServer()
  gateway = await startOwnIssuer({
    servers: { docs: upstream.url, code: upstream.url },
    rules: RULES,
    section: {
      registration: { per_minute: 200 },
      clients: {
        'web-console': { kind: 'human', redirect_uris: ['https://console.example/cb'] },
        nightly: {
          kind: 'service',
          grants: ['client_credentials'],
          secret: '${env:NIGHTLY}',
          groups: ['jobs'],
          scopes: ['docs:read'],
          servers: ['docs'],
        },
      },
    },
    env: { NIGHTLY: 'a-secret-of-the-nightly-job-2026' },
  })
  agent = new OauthAgent(gateway.origin)
})

after(() => stopAll(gateway, upstream))

const docs = (): string => gateway.url('docs')
const READ = { scope: 'docs:read' }

async function statusAt(server: string, token: string): Promise<number> {
  return (await post(gateway.url(server), callTool('echo'), { token })).status
}

test('A registered agent gets from nothing to a tool call, with a token for that server alone', async () => {
  const { tokens, client } = await agent.tokens(new FormRobot(), READ)
  assert.equal(await statusAt('docs', tokens.access_token), 200)
  assert.equal(await statusAt('code', tokens.access_token), 401)
  const { iat, exp, jti, txn, gid, sid, auth_time: at, ...claims } = claimsOf(tokens.access_token)
  assert.equal(Number(exp) - Number(iat), 300)
  for (const id of [jti, txn, gid, sid]) assert.match(String(id), /^[\w-]{20,}$/)
  assert.ok(Math.abs(Number(at) - Number(iat)) < 30)
  assert.deepEqual(claims, {
    iss: gateway.origin,
    aud: docs(),
    sub: 'local|alice',
    client_id: client.client_id,
    scope: 'docs:read',
    gty: 'authorization_code',
    'urn:gw:kind': 'agent',
    act: { sub: client.client_id, iss: gateway.origin },
    amr: ['pwd'],
    groups: ['analysts'],
  })
})

test('Where there is no token, the way to one is said', async () => {
  const refused = await fetch(docs(), {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
  })
  const challenge = refused.headers.get('www-authenticate') ?? ''
  const resource = /resource_metadata="([^"]+)"/.exec(challenge)?.[1] ?? ''
  const metadata = (await (await fetch(resource)).json()) as { authorization_servers: string[] }
  assert.deepEqual(metadata.authorization_servers, [gateway.origin])
  for (const name of ['oauth-authorization-server', 'openid-configuration']) {
    const server = (await (await fetch(`${gateway.origin}/.well-known/${name}`)).json()) as Record<
      string,
      unknown
    >
    assert.equal(server['issuer'], gateway.origin)
    assert.deepEqual(server['code_challenge_methods_supported'], ['S256'])
    assert.deepEqual(server['response_types_supported'], ['code'])
    assert.equal(server['authorization_response_iss_parameter_supported'], true)
    assert.equal((await fetch(String(server['jwks_uri']))).status, 200)
  }
})

test('No Host but ours is served, and none gets into what we say of ourselves', async () => {
  const ask = (headers: Record<string, string>) =>
    new Promise<{ readonly status: number; readonly text: string }>((resolve, reject) => {
      const { hostname, port } = new URL(gateway.origin)
      const path = '/.well-known/oauth-authorization-server'
      request({ hostname, port, path, headers }, (response) => {
        const status = response.statusCode ?? 0
        const read = response.toArray().then((chunks) => Buffer.concat(chunks).toString())
        read.then((text) => resolve({ status, text }), reject)
      })
        .on('error', reject)
        .end()
    })
  assert.equal((await ask({ host: 'evil.example' })).status, 421)
  const { host } = new URL(gateway.origin)
  const forwarded = { 'x-forwarded-host': 'evil.example', forwarded: 'host=evil.example' }
  const answer = await ask({ host, ...forwarded, 'x-forwarded-proto': 'https' })
  assert.equal(answer.status, 200)
  assert.ok(!answer.text.includes('evil') && !answer.text.includes('https://127'))
})

test('A redirect that is not the registered one gets an error page and no redirect', async () => {
  const { json } = await agent.register({ redirect_uris: ['https://app.example/cb'] })
  for (const wrong of [
    'https://app.example/CB',
    'https://app.example/cb?x',
    'https://evil.example/cb',
    'https://APP.example/cb',
    'HTTPS://app.example/cb',
    'https://app.example:8443/cb',
    'https://app.example:443/cb',
    'https://app.example/cb/',
    'https://app.example/./cb',
    'https://app.example/%63b',
    'https://app.example/cb#x',
    'https://user@app.example/cb',
    'https://app.example.evil.example/cb',
    ' https://app.example/cb',
  ]) {
    const page = await new FormRobot().open(
      agent.authorizeUrl(json.client_id, { redirect_uri: wrong, resource: docs() }),
    )
    assert.equal(page.status, 400, wrong)
    assert.equal(page.headers.get('location'), null)
    assert.match(page.headers.get('content-security-policy') ?? '', /frame-ancestors 'none'/)
  }
})

test('Any port of a loopback redirect will do, but no other path', async () => {
  const { json } = await agent.register()
  const open = async (redirect: string) =>
    await new FormRobot().open(
      agent.authorizeUrl(json.client_id, { redirect_uri: redirect, resource: docs() }),
    )
  assert.equal((await open('http://127.0.0.1:54321/callback')).status, 200)
  assert.equal((await open('http://127.0.0.1:54321/other')).status, 400)
})

test('Without S256 there is no code, and without the verifier no token', async () => {
  const { json: client } = await agent.register()
  const ask = { resource: docs(), ...READ }
  for (const more of [
    { code_challenge: undefined, code_challenge_method: undefined },
    { code_challenge_method: 'plain' },
    { code_challenge_method: undefined },
  ]) {
    const page = await new FormRobot().open(
      agent.authorizeUrl(client.client_id, { ...ask, ...more }),
    )
    const location = new URL(page.headers.get('location') ?? 'http://none')
    assert.equal(location.searchParams.get('error'), 'invalid_request', JSON.stringify(more))
  }
  const url = await agent.consent(new FormRobot(), agent.authorizeUrl(client.client_id, ask))
  const code = url.searchParams.get('code') ?? ''
  assert.equal(url.searchParams.get('iss'), gateway.origin)
  const wrong = await agent.redeem(client.client_id, code, { code_verifier: 'x'.repeat(43) })
  assert.deepEqual([wrong.status, Reflect.get(wrong.json, 'error')], [400, 'invalid_grant'])
  const other = await agent.register()
  assert.equal((await agent.redeem(other.json.client_id, code)).status, 400)
  // Neither of them has burnt the code of its owner.
  assert.equal((await agent.redeem(client.client_id, code)).status, 200)
})

test('A code that is used twice ends the tokens of its first use', async () => {
  const { client, code, tokens } = await agent.tokens(new FormRobot(), READ)
  assert.equal(await statusAt('docs', tokens.access_token), 200)
  assert.equal((await agent.redeem(client.client_id, code)).status, 400)
  assert.equal(await statusAt('docs', tokens.access_token), 401)
})

test('A server that is not ours, or not the one consented to, gets no token', async () => {
  const { json: client } = await agent.register()
  const other = agent.authorizeUrl(client.client_id, { resource: 'https://other.example/mcp' })
  const page = await new FormRobot().open(other)
  const location = new URL(page.headers.get('location') ?? 'http://none')
  assert.equal(location.searchParams.get('error'), 'invalid_target')
  const ask = agent.authorizeUrl(client.client_id, { resource: docs(), ...READ })
  const url = await agent.consent(new FormRobot(), ask)
  const code = url.searchParams.get('code') ?? ''
  const wrong = await agent.redeem(client.client_id, code, { resource: gateway.url('code') })
  assert.equal(Reflect.get(wrong.json, 'error'), 'invalid_target')
})

test('Refresh tokens rotate; one that was used long ago ends all of its grant', async () => {
  const { json: client } = await agent.register({
    grant_types: ['authorization_code', 'refresh_token'],
  })
  const ask = agent.authorizeUrl(client.client_id, { resource: docs(), ...READ })
  const url = await agent.consent(new FormRobot(), ask)
  const first = await agent.redeem(client.client_id, url.searchParams.get('code') ?? '')
  const refresh = (token: string | undefined) =>
    agent.token({
      grant_type: 'refresh_token',
      client_id: client.client_id,
      refresh_token: token ?? '',
    })
  const race = await Promise.all(Array.from({ length: 5 }, () => refresh(first.json.refresh_token)))
  assert.deepEqual(
    race.map(({ status }) => status),
    [200, 200, 200, 200, 200],
  )
  // One for all: with one each, whoever stole the first would go on unnoticed.
  assert.equal(new Set(race.map(({ json }) => json.refresh_token)).size, 1)
  const [second] = race
  assert.equal(claimsOf(second!.json.access_token)['gid'], claimsOf(first.json.access_token)['gid'])
  assert.notEqual(second!.json.refresh_token, first.json.refresh_token)
  assert.equal(await statusAt('docs', second!.json.access_token), 200)
  assert.equal((await refresh('unknown')).status, 400)
})

test('A revoked token, or one of a revoked grant, is refused at once; strangers revoke nothing', async () => {
  const { client, tokens } = await agent.tokens(new FormRobot(), READ)
  const { json: stranger } = await agent.register()
  const token = tokens.access_token
  const by = async (id: string) =>
    (await agent.form('/oauth/revoke', { token, client_id: id })).status
  await by(stranger.client_id)
  assert.equal(await statusAt('docs', token), 200)
  assert.equal(await by(client.client_id), 200)
  assert.equal(await statusAt('docs', token), 401)
})

test('Introspection explains a token to its own client only, and only while it is good', async () => {
  const { client, tokens } = await agent.tokens(new FormRobot(), READ)
  const { json: stranger } = await agent.register()
  const token = tokens.access_token
  const ask = async (id: string, text = token) =>
    (await agent.form<Record<string, unknown>>('/oauth/introspect', { token: text, client_id: id }))
      .json
  const { active, sub, aud, scope, client_id: owner, gid } = await ask(client.client_id)
  assert.deepEqual(
    [active, sub, aud, scope, owner],
    [true, 'local|alice', docs(), 'docs:read', client.client_id],
  )
  assert.equal(gid, claimsOf(token)['gid'])
  assert.equal((await ask(stranger.client_id))['active'], false)
  const [head, body, signature = ''] = token.split('.')
  const forged = `${head}.${body}.${signature.slice(0, -4)}AAAA`
  assert.equal((await ask(client.client_id, forged))['active'], false)
  await agent.form('/oauth/revoke', { token, client_id: client.client_id })
  assert.equal((await ask(client.client_id))['active'], false)
})

test('A service gets a token for itself, within what the operator gave it', async () => {
  const secret = basic('nightly', 'a-secret-of-the-nightly-job-2026')
  const form = { grant_type: 'client_credentials', resource: docs(), scope: 'docs:read docs:write' }
  const { status, json } = await agent.token(form, secret)
  assert.equal(status, 200)
  const claims = claimsOf(json.access_token)
  assert.equal(claims['sub'], 'nightly')
  assert.equal(claims['scope'], 'docs:read')
  assert.equal(claims['urn:gw:kind'], 'service')
  assert.deepEqual(claims['groups'], ['jobs'])
  assert.deepEqual([claims['act'], claims['gid'], claims['sid']], [undefined, undefined, undefined])
  const other = { ...form, resource: gateway.url('code') }
  assert.equal(Reflect.get((await agent.token(other, secret)).json, 'error'), 'invalid_target')
  assert.equal((await agent.token(form, basic('nightly', 'wrong'))).status, 401)
})

test('No agent that registered itself gets a token without a person', async () => {
  const asked = await agent.register({
    grant_types: ['client_credentials'],
    token_endpoint_auth_method: 'client_secret_basic',
  })
  assert.equal(asked.status, 400)
  const { json: client } = await agent.register()
  const form = { grant_type: 'client_credentials', client_id: client.client_id, resource: docs() }
  assert.equal((await agent.token(form)).status, 400)
})

test('Sign-in belongs to the browser that began, to its form and to no other site', async () => {
  const { json: client } = await agent.register()
  const robot = new FormRobot()
  const page = await robot.open(agent.authorizeUrl(client.client_id, { resource: docs(), ...READ }))
  assert.equal((await new FormRobot().open(page.url)).status, 403)
  const fields = { name: 'alice', password: 'wrong password', do: 'sign-in' }
  assert.equal((await robot.submit(page, { ...fields, form_token: 'x' })).status, 403)
  assert.equal((await robot.submit(page, fields, { 'sec-fetch-site': 'cross-site' })).status, 403)
  assert.equal((await robot.submit(page, fields, { origin: 'https://evil.example' })).status, 403)
  assert.match((await robot.submit(page, fields)).text, /do not belong together/)
  const consent = await signIn(robot, page)
  assert.match(consent.text, /Report Agent wants to use docs/)
  // What is decided in another browser, or with the token of the other form, is not decided.
  assert.equal((await new FormRobot().submit(consent, { do: 'allow' })).status, 403)
  const token = /name="form_token" value="([^"]+)"/.exec(page.text)?.[1] ?? ''
  assert.equal((await robot.submit(consent, { do: 'allow', form_token: token })).status, 403)
  const done = await robot.submit(consent, { do: 'deny' })
  const url = new URL(done.headers.get('location') ?? '')
  assert.deepEqual(
    [url.searchParams.get('error'), url.searchParams.get('code')],
    ['access_denied', null],
  )
})

test('A person may allow less than was asked for, and gets asked again by an agent on this computer', async () => {
  const { json: client } = await agent.register()
  const robot = new FormRobot()
  const both = agent.authorizeUrl(client.client_id, {
    resource: docs(),
    scope: 'docs:read docs:write',
  })
  const consent = await signIn(robot, await robot.open(both))
  const done = await robot.submit(consent, { do: 'allow', scope: `${docs()} docs:read` })
  const code = new URL(done.headers.get('location') ?? '').searchParams.get('code') ?? ''
  const { json } = await agent.redeem(client.client_id, code)
  assert.equal(json.scope, 'docs:read')
  assert.match((await robot.open(both)).text, /wants more access to/)
})

test('An application the operator knows is asked about once, and signs people in as themselves', async () => {
  const robot = new FormRobot()
  const ask = { redirect_uri: 'https://console.example/cb', resource: docs(), ...READ }
  const url = agent.authorizeUrl('web-console', ask)
  const first = await agent.consent(robot, url)
  const code = first.searchParams.get('code') ?? ''
  const redirect = { redirect_uri: 'https://console.example/cb' }
  const { json } = await agent.redeem('web-console', code, redirect)
  const claims = claimsOf(json.access_token)
  assert.deepEqual([claims['urn:gw:kind'], claims['act']], ['human', undefined])
  const again = await robot.open(url)
  const location = new URL(again.headers.get('location') ?? '')
  assert.match(location.searchParams.get('code') ?? '', /^.{20,}$/)
  // Each authorization is a grant of its own.
  const second = await agent.redeem(
    'web-console',
    location.searchParams.get('code') ?? '',
    redirect,
  )
  assert.notEqual(claimsOf(second.json.access_token)['gid'], claims['gid'])
  const more = await robot.open(`${url}&prompt=consent`)
  assert.match(more.text, /set up this application/)
})

test('Whoever asks ten times with a wrong password is not listened to any more', async () => {
  const { json: client } = await agent.register()
  const robot = new FormRobot()
  const page = await robot.open(agent.authorizeUrl(client.client_id, { resource: docs(), ...READ }))
  const wrong = { name: 'mallory', password: 'wrong password', do: 'sign-in' }
  for (let attempt = 0; attempt < 10; attempt++) await robot.submit(page, wrong)
  assert.equal((await robot.submit(page, wrong)).status, 429)
})

test('What happened is in the audit log, and no secret is', async () => {
  const { client, code, tokens } = await agent.tokens(new FormRobot(), READ)
  const text = await eventually(async () => {
    const records = JSON.stringify(await gateway.audit())
    assert.ok(records.includes(`"client":"${client.client_id}","kind":"agent","grant_type"`))
    return records
  })
  for (const event of ['client_registered', 'signed_in', 'token_issued', 'oauth_refused']) {
    assert.ok(text.includes(`"event":"${event}"`), event)
  }
  const secrets = [code, tokens.access_token, client.registration_access_token, 'correct horse']
  for (const secret of secrets) assert.ok(!text.includes(secret))
  assert.match(
    await gateway.metrics(),
    /gatehouse_tokens_issued_total\{kind="agent",grant_type="authorization_code"\} [1-9]/,
  )
})

test(`Nothing was sent to ${REDIRECT}: the gateway follows no redirect itself`, () => {
  assert.ok(upstream.seen.every(({ target }) => !target.includes('callback')))
})

/** Ways around what the authorization server decides: other spellings, second thoughts, two at once. */
import assert from 'node:assert/strict'
import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, test } from 'node:test'

import { newApiKey } from '../../identity/api-keys.ts'
import { startOwnIssuer } from '../../testkit/authorization-server.ts'
import { FormRobot } from '../../testkit/form-robot.ts'
import type { TestGatehouse } from '../../testkit/gatehouse.ts'
import { allowAll } from '../../testkit/gatehouse.ts'
import { startLoneIssuer } from '../../testkit/lone-issuer.ts'
import type { Registered } from '../../testkit/oauth-agent.ts'
import { basic, OauthAgent, signIn } from '../../testkit/oauth-agent.ts'
import { exchangeRaw } from '../../testkit/raw-http.ts'
import type { RecordingServer } from '../../testkit/recording-server.ts'
import { startRecordingServer } from '../../testkit/recording-server.ts'
import { stopAll } from '../../testkit/stop-all.ts'

const { text: apiKey, ...KEY } = newApiKey(randomBytes)

let upstream: RecordingServer
let gateway: TestGatehouse
let agent: OauthAgent

before(async () => {
  upstream = await startRecordingServer()
  gateway = await startOwnIssuer({
    servers: { docs: upstream.url },
    rules: [allowAll('docs')],
    section: { registration: { per_minute: 100, redirect_hosts: ['app.example'] } },
    config: {
      api_keys: [{ ...KEY, subject: 'local|alice', owner: 'tests', kind: 'human' }],
    },
  })
  agent = new OauthAgent(gateway.origin)
})

after(() => stopAll(gateway, upstream))

const REDIRECT = 'https://app.example/cb'
const GRANTS = ['authorization_code', 'refresh_token']

/** Asks for a registration to be changed; what is not said stays. */
async function change(client: Registered, metadata: Readonly<Record<string, unknown>>) {
  const response = await fetch(client.registration_client_uri, {
    method: 'PUT',
    headers: {
      authorization: `Bearer ${client.registration_access_token}`,
      'content-type': 'application/json',
    },
    body: JSON.stringify({ client_id: client.client_id, redirect_uris: [REDIRECT], ...metadata }),
  })
  return { status: response.status, json: (await response.json()) as Record<string, unknown> }
}

test('A client that changes its registration gets no more than one that registers', async () => {
  const { json: client } = await agent.register({ redirect_uris: [REDIRECT] })
  for (const [metadata, error] of [
    [{ redirect_uris: ['https://evil.example/cb'] }, 'invalid_redirect_uri'],
    [{ jwks_uri: 'https://127.0.0.1/keys' }, 'invalid_client_metadata'],
    [
      { grant_types: ['client_credentials'], token_endpoint_auth_method: 'client_secret_basic' },
      'invalid_client_metadata',
    ],
  ] as const) {
    const { status, json } = await change(client, metadata)
    assert.deepEqual([status, json['error']], [400, error])
  }
  const named = await change(client, {
    client_name: 'n'.repeat(500),
    logo_uri: 'https://evil.example/logo',
    grant_types: ['authorization_code', 'client_credentials'],
  })
  assert.equal(named.status, 200)
  const { client_name: name, grant_types: grants, logo_uri: logo } = named.json
  assert.deepEqual([String(name).length, grants, logo], [64, ['authorization_code'], undefined])
  assert.equal((await change(client, {})).status, 401)
})

test('A client may read, change and remove its own registration, and nobody else may', async () => {
  const { json: client } = await agent.register({ redirect_uris: [REDIRECT] })
  const manage = (token: string, method = 'GET') =>
    fetch(client.registration_client_uri, { method, headers: { authorization: `Bearer ${token}` } })
  assert.equal((await manage('wrong')).status, 401)
  const read = (await (await manage(client.registration_access_token)).json()) as typeof client
  assert.equal(read.client_id, client.client_id)
  assert.equal((await manage(read.registration_access_token, 'DELETE')).status, 204)
  assert.equal((await manage(read.registration_access_token)).status, 401)
  const page = await new FormRobot().open(
    agent.authorizeUrl(client.client_id, { resource: gateway.url('docs') }),
  )
  assert.equal(page.status, 400)
})

test('Registrations that could be used against somebody are refused', async () => {
  for (const uri of ['javascript:alert(1)', 'http://x/cb', 'https://*.x/cb', 'data:text/html,x']) {
    const { status, json } = await agent.register({ redirect_uris: [uri] })
    assert.deepEqual([status, Reflect.get(json, 'error')], [400, 'invalid_redirect_uri'], uri)
  }
  const large = await agent.register({ client_name: 'x'.repeat(100_000) })
  assert.equal(large.status, 413)
  const headers = { 'content-type': 'text/plain' }
  assert.equal((await agent.register({}, headers)).status, 400)
  const utf16 = { 'content-type': 'application/json; charset=utf-16' }
  const { status, json } = await agent.register({ redirect_uris: [REDIRECT] }, utf16)
  assert.deepEqual([status, Reflect.get(json, 'error')], [415, 'invalid_request'])
  assert.equal((await agent.register({}, { authorization: 'Bearer wrong' })).status, 401)
})

test('A secret counts in the header as in the body, however the client registered, and only where it has one', async () => {
  const key = generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({ format: 'jwk' })
  for (const [method, right] of [
    ['client_secret_basic', 200],
    ['client_secret_post', 200],
    ['private_key_jwt', 401],
    ['none', 401],
  ] as const) {
    const { json } = await agent.register({
      redirect_uris: [REDIRECT],
      token_endpoint_auth_method: method,
      ...(method === 'private_key_jwt' && { jwks: { keys: [{ ...key, kid: 'k' }] } }),
    })
    const { client_id: id, client_secret: secret = 'none' } = json
    for (const [tried, status] of [
      [secret, right],
      ['wrong', 401],
    ] as const) {
      const posted = { client_id: id, client_secret: tried, token: 'x' }
      const ways = [
        await agent.form('/oauth/introspect', posted),
        await agent.form('/oauth/introspect', { token: 'x' }, basic(id, tried)),
      ]
      assert.deepEqual(
        ways.map((reply) => reply.status),
        [status, status],
        method,
      )
    }
  }
})

test('No other spelling of an address passes by what is decided there', async () => {
  const body = JSON.stringify({ redirect_uris: ['https://evil.example/cb'] })
  const headers = { 'content-type': 'application/json' }
  for (const path of ['/oauth/register/', '/oauth/Register', '/oauth/REGISTER/']) {
    const response = await fetch(gateway.origin + path, { method: 'POST', headers, body })
    assert.equal(response.status, 404, path)
  }
  for (const path of ['/oauth/device/', '/oauth/Device', '/oauth/authorize/', '/oauth/Authorize']) {
    const response = await fetch(`${gateway.origin}${path}?user_code=ABCD-EFGH`)
    assert.equal(response.status, 404, path)
  }
})

test('A refresh token yields nothing that the person may not allow any more', async () => {
  const { json: client } = await agent.register({
    redirect_uris: [REDIRECT],
    grant_types: GRANTS,
  })
  const url = await agent.consent(
    new FormRobot(),
    agent.authorizeUrl(client.client_id, { redirect_uri: REDIRECT }),
  )
  const code = url.searchParams.get('code') ?? ''
  const { json } = await agent.redeem(client.client_id, code, { redirect_uri: REDIRECT })
  let last = json
  const refresh = async () => {
    const form = { grant_type: 'refresh_token', client_id: client.client_id }
    const reply = await agent.token({ ...form, refresh_token: last.refresh_token ?? '' })
    if (reply.status === 200) last = reply.json
    return reply.status
  }
  const setScopes = async (scopes: readonly string[] | undefined) => {
    const file = join(gateway.directory, 'users.yaml')
    const { version, users } = JSON.parse(await readFile(file, 'utf8')) as {
      readonly version: number
      readonly users: Readonly<Record<string, object>>
    }
    const alice = { ...users['alice'], scopes }
    await writeFile(file, JSON.stringify({ version, users: { ...users, alice } }))
    assert.equal((await gateway.admin('POST', '/admin/reload')).status, 200)
  }
  assert.equal(await refresh(), 200)
  await setScopes([])
  assert.equal(await refresh(), 400)
  await setScopes(undefined)
})

test('A head that two readers could take differently is refused, and its connection closed', async () => {
  const body = 'grant_type=refresh_token&refresh_token=x&client_id=y'
  const lines = [`Host: ${new URL(gateway.origin).host}`, 'Authorization: Basic eDp5']
  for (const [more, version, status] of [
    [['Authorization: Basic eDp6'], '1.1', 400],
    [['Content-Type: text/plain'], '1.1', 400],
    [['Content-Encoding: gzip'], '1.1', 415],
    [[], '1.0', 505],
  ] as const) {
    const head = [
      `POST /oauth/token HTTP/${version}`,
      ...lines,
      'Content-Type: application/x-www-form-urlencoded',
      ...more,
      `Content-Length: ${body.length}`,
    ]
    const text = `${head.join('\r\n')}\r\n\r\n${body}`
    const { reply, closed } = await exchangeRaw(gateway.origin, text, { closed: true })
    assert.deepEqual([reply.status, closed], [status, true], more.join())
  }
})

test('A registration that announces 10 MiB is refused before they come', async () => {
  const head = [
    'POST /oauth/register HTTP/1.1',
    `Host: ${new URL(gateway.origin).host}`,
    'Content-Type: application/json',
    `Content-Length: ${10 * 1_048_576}`,
  ]
  const text = `${head.join('\r\n')}\r\n\r\n{"client_name":`
  const { replies } = await exchangeRaw(gateway.origin, text, { replies: 1 })
  assert.equal(replies[0]?.status, 413)
})

test('A client that says no name is called by its id, and works like any other', async () => {
  const { json, status } = await agent.register({
    client_name: undefined,
    redirect_uris: [REDIRECT],
  })
  assert.equal(status, 201)
  const robot = new FormRobot()
  const page = await robot.open(agent.authorizeUrl(json.client_id, { redirect_uri: REDIRECT }))
  assert.ok((await signIn(robot, page)).text.includes(`${json.client_id} wants to use docs`))
})

test('A code is worth nothing after a minute', async (t) => {
  const id = 'https://app.example/client.json'
  const document = { client_id: id, redirect_uris: [REDIRECT] }
  let nowMs = Date.now()
  const alone = await startLoneIssuer({ documents: { [id]: document }, now: () => nowMs })
  t.after(alone.stop)
  const waiting = new OauthAgent(alone.origin)
  const ask = { redirect_uri: REDIRECT }
  for (const [waitedMs, status] of [
    [55_000, 200],
    [61_000, 400],
  ] as const) {
    const url = await waiting.consent(new FormRobot(), waiting.authorizeUrl(id, ask))
    nowMs += waitedMs
    const { json, ...reply } = await waiting.redeem(id, url.searchParams.get('code') ?? '', ask)
    assert.equal(reply.status, status)
    assert.equal(Reflect.get(json, 'error'), status === 200 ? undefined : 'invalid_grant')
  }
})

test('A-05 a refresh token that was used days ago ends the grant, also for a thief who was the first to use it', async (t) => {
  const id = 'https://app.example/oauth/client.json'
  const document = { client_id: id, redirect_uris: [REDIRECT], grant_types: GRANTS }
  let nowMs = Date.now()
  const alone = await startLoneIssuer({ documents: { [id]: document }, now: () => nowMs })
  t.after(alone.stop)
  const owner = new OauthAgent(alone.origin)
  const ask = { redirect_uri: REDIRECT }
  const url = await owner.consent(new FormRobot(), owner.authorizeUrl(id, ask))
  const { json: first } = await owner.redeem(id, url.searchParams.get('code') ?? '', ask)
  const refresh = async (token = '', clientId = id) =>
    await owner.token({ grant_type: 'refresh_token', client_id: clientId, refresh_token: token })
  // The thief goes on, while the owner rests.
  let stolen = (await refresh(first.refresh_token)).json
  for (let day = 0; day < 3; day++) {
    nowMs += 86_400_000
    stolen = (await refresh(stolen.refresh_token)).json
    assert.ok(stolen.refresh_token !== undefined)
  }
  assert.equal((await refresh(`${first.refresh_token}x`)).status, 400)
  assert.equal((await refresh(first.refresh_token)).status, 400)
  const ended = await refresh(stolen.refresh_token)
  assert.deepEqual([ended.status, Reflect.get(ended.json, 'error')], [400, 'invalid_grant'])
})

test('A page that takes a code to a client cannot be framed either', async () => {
  const { json: client } = await agent.register({ redirect_uris: [REDIRECT] })
  const robot = new FormRobot()
  const ask = { redirect_uri: REDIRECT, response_mode: 'form_post' }
  const page = await signIn(robot, await robot.open(agent.authorizeUrl(client.client_id, ask)))
  const done = await robot.submit(page, { do: 'allow' })
  assert.match(done.text, /name="code"/)
  for (const [name, value] of [
    ['x-frame-options', 'DENY'],
    ['referrer-policy', 'no-referrer'],
    ['x-content-type-options', 'nosniff'],
  ] as const) {
    assert.equal(done.headers.get(name), value)
  }
})

test('A form of the device page from a browser that never saw the page is refused, and is no fault', async () => {
  const response = await fetch(`${gateway.origin}/oauth/device`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: 'xsrf=guessed&user_code=ABCD-EFGH&confirm=yes',
  })
  assert.equal(response.status, 403)
  assert.ok((await gateway.audit()).every(({ event }) => event !== 'warning'))
})

test('A client that registered itself is never let through without the person, however often it was allowed', async () => {
  const { json: client } = await agent.register({ redirect_uris: [REDIRECT] })
  const robot = new FormRobot()
  const ask = { redirect_uri: REDIRECT }
  await agent.consent(robot, agent.authorizeUrl(client.client_id, ask))
  const again = await robot.open(agent.authorizeUrl(client.client_id, ask))
  assert.match(again.text, /value="allow"/)
  const silent = await robot.open(agent.authorizeUrl(client.client_id, { ...ask, prompt: 'none' }))
  const back = new URL(silent.headers.get('location') ?? '')
  assert.deepEqual(
    [back.searchParams.get('error'), back.searchParams.get('code')],
    ['consent_required', null],
  )
})

test('Whoever signed in with an API key is not the person of the same name', async () => {
  const response = await fetch(`${gateway.origin}/approve/${'A'.repeat(22)}`, {
    method: 'POST',
    headers: {
      'content-type': 'application/x-www-form-urlencoded',
      origin: gateway.origin,
      'sec-fetch-site': 'same-origin',
    },
    body: new URLSearchParams({ do: 'sign-in', api_key: apiKey }).toString(),
    redirect: 'manual',
  })
  const cookie = response.headers.getSetCookie()[0]?.split(';')[0] ?? ''
  assert.match(cookie, /^gatehouse-session=./)
  const access = await fetch(`${gateway.origin}/oauth/access`, {
    headers: { cookie },
    redirect: 'manual',
  })
  assert.equal(access.headers.get('location'), '/oauth/sign-in?back=/oauth/access')
})

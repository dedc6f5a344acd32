/**
 * Agents that call agents (RFC 8693): B, called with a token for its server, exchanges it for one for the
 * server behind it, and the chain of who acts for whom is there for rules and records (T-17, T-18).
 */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'

import { startOwnIssuer } from '../testkit/authorization-server.ts'
import { eventually } from '../testkit/eventually.ts'
import { FormRobot } from '../testkit/form-robot.ts'
import type { TestGatehouse } from '../testkit/gatehouse.ts'
import { basic, claimsOf, OauthAgent, type Reply } from '../testkit/oauth-agent.ts'
import type { RecordingServer } from '../testkit/recording-server.ts'
import { startRecordingServer } from '../testkit/recording-server.ts'
import { callTool, post } from '../testkit/rpc.ts'
import { stopAll } from '../testkit/stop-all.ts'

const GRANT = 'urn:ietf:params:oauth:grant-type:token-exchange'
const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token'
const SECRET = 'a-secret-of-the-agents-of-this-test'
const ANYBODY = [{ any: true }]

/** Agents that call each other around in a ring, each behind a server of its name. */
const RING = ['r1', 'r2', 'r3', 'r4', 'r5'] as const

let upstream: RecordingServer
let gateway: TestGatehouse
let agent: OauthAgent

/** Where Alice is signed in. */
const browser = new FormRobot()

before(async () => {
  upstream = await startRecordingServer()
  const { url } = upstream
  const scoped = (name: string, scopes: readonly string[]) => ({
    [name]: { upstream: url, scopes },
  })
  const client = (more: object) => ({
    grants: ['client_credentials', 'token_exchange'],
    secret: '${env:AGENTS}',
    ...more,
  })
  const ring = RING.map((name, at): [string, object] => {
    const to = [RING[(at + 1) % RING.length] ?? name]
    return [`agent-${name}`, client({ may_exchange: { from: [name], to } })]
  })
  gateway = await startOwnIssuer({
    servers: {
      ...scoped('reports', ['docs:read', 'docs:write', 'reports:run']),
      docs: {
        upstream: url,
        scopes: ['docs:read', 'docs:write', 'docs:admin'],
        credential: { mode: 'static', value: '${env:DOCS_KEY}' },
      },
      mail: url,
      ...Object.fromEntries(RING.map((name) => [name, url])),
    },
    rules: [
      { id: 'no-chain', effect: 'deny', subjects: [{ chain: ['agent-r1'] }], servers: ['r3'] },
      ...['reports', 'docs', 'mail', ...RING].map((name) => ({
        id: `any-${name}`,
        effect: 'allow',
        subjects: ANYBODY,
        servers: [name],
      })),
    ],
    section: {
      clients: {
        'agent-b': client({
          may_exchange: { from: ['reports'], to: ['docs'] },
          scopes: ['docs:read', 'docs:write', 'docs:admin', 'reports:run'],
        }),
        'agent-a': client({ grants: ['client_credentials'] }),
        ...Object.fromEntries(ring),
      },
    },
    env: { AGENTS: SECRET, DOCS_KEY: 'the-key-of-the-docs-server' },
  })
  agent = new OauthAgent(gateway.origin)
})

after(() => stopAll(gateway, upstream))

type Exchanged = {
  readonly access_token: string
  readonly issued_token_type?: string
  readonly token_type?: string
  readonly expires_in: number
  readonly scope?: string
  readonly error?: string
}

/** Signs in as Alice and gives a new agent a token for the reports. */
async function delegated(robot = browser, scope = 'docs:read reports:run') {
  const more = { resource: gateway.url('reports'), scope }
  const { client, tokens } = await agent.tokens(robot, more)
  return { client: client.client_id, token: tokens.access_token }
}

const as = (client: string) => basic(client, SECRET)

/** A token that an agent gets for itself. */
async function own(client: string, server: string): Promise<string> {
  const form = { grant_type: 'client_credentials', resource: gateway.url(server) }
  const { json } = await agent.token(form, as(client))
  return json.access_token
}

async function exchange(
  token: string,
  more: Readonly<Record<string, string>> = {},
  client = 'agent-b',
): Promise<Reply<Exchanged>> {
  const form = {
    grant_type: GRANT,
    subject_token: token,
    subject_token_type: ACCESS_TOKEN,
    ...more,
  }
  return await agent.form<Exchanged>('/oauth/token', form, as(client))
}

async function errorOf(asked: Promise<Reply<Exchanged>>): Promise<string> {
  const { status, json } = await asked
  assert.equal(json.access_token, undefined)
  return `${status} ${json.error}`
}

const call = (server: string, token: string) =>
  post(gateway.url(server), callTool('echo'), { token })

test('An agent that was called by another one calls on for the same person, and the chain is recorded', async () => {
  const { client, token } = await delegated()
  assert.equal((await call('reports', token)).status, 200)
  assert.equal((await call('docs', token)).status, 401)
  const { status, json } = await exchange(token, { resource: gateway.url('docs') })
  assert.equal(status, 200)
  const { access_token: exchanged, expires_in: life, ...rest } = json
  assert.deepEqual(rest, {
    issued_token_type: ACCESS_TOKEN,
    token_type: 'Bearer',
    scope: 'docs:read',
  })
  const [before, now] = [claimsOf(token), claimsOf(exchanged)]
  const { iat: _iat, exp, jti, ...claims } = now
  assert.ok(Number(exp) <= Number(before['exp']) && life <= 300)
  assert.notEqual(jti, before['jti'])
  const iss = gateway.origin
  assert.deepEqual(claims, {
    iss,
    aud: gateway.url('docs'),
    sub: 'local|alice',
    client_id: 'agent-b',
    scope: 'docs:read',
    gty: 'token_exchange',
    'urn:gw:kind': 'agent',
    act: { sub: 'agent-b', iss, act: { sub: client, iss } },
    ...Object.fromEntries(
      ['gid', 'sid', 'txn', 'auth_time', 'amr', 'groups'].map((name) => [name, before[name]]),
    ),
  })
  assert.equal((await call('docs', exchanged)).status, 200)
  assert.equal(
    upstream.calls('tools/call').at(-1)?.headers.authorization,
    'the-key-of-the-docs-server',
  )
  const actors = [
    { issuer: iss, subject: 'agent-b' },
    { issuer: iss, subject: client },
  ]
  const records = await eventually(async () => {
    const found = (await gateway.audit()).filter(
      ({ event, grant_type: type, type: kind, caller }) =>
        (event === 'token_issued' && type === 'token_exchange') ||
        (kind === 'decision' && Object(caller)['client'] === 'agent-b'),
    )
    assert.ok(found.length >= 2)
    return found
  })
  for (const record of records) {
    assert.deepEqual(record['actors'] ?? Object(record['caller'])['actors'], actors)
  }
  assert.match(
    await gateway.metrics(),
    /gatehouse_tokens_issued_total\{[^}]*grant_type="token_exchange"[^}]*\} [1-9]/,
  )
})

test('T-18 there is never more scope than before, and none that the next server has not', async () => {
  const { token } = await delegated()
  const docs = { resource: gateway.url('docs') }
  for (const scope of ['docs:write', 'docs:read docs:admin', 'reports:run', 'openid']) {
    assert.equal(await errorOf(exchange(token, { ...docs, scope })), '400 invalid_scope', scope)
  }
  const { token: both } = await delegated(browser, 'docs:read docs:write reports:run')
  assert.equal((await exchange(both, docs)).json.scope, 'docs:read docs:write')
  assert.equal((await exchange(both, { ...docs, scope: 'docs:read' })).json.scope, 'docs:read')
})

test('T-18 the target is exactly one server that the operator named', async () => {
  const { token } = await delegated()
  const { json } = await exchange(token, { audience: 'docs' })
  assert.equal(claimsOf(json.access_token)['aud'], gateway.url('docs'))
  const wrong: readonly Readonly<Record<string, string>>[] = [
    { resource: gateway.url('mail') },
    { resource: gateway.url('reports') },
    { resource: `${gateway.url('docs')}x` },
    { audience: 'nowhere' },
    { resource: gateway.url('docs'), audience: 'mail' },
  ]
  for (const target of wrong) {
    assert.equal(await errorOf(exchange(token, target)), '400 invalid_target')
  }
})

test('T-18 a subject token for another server, changed, unknown or of another type is refused', async () => {
  const { tokens } = await agent.tokens(browser, { resource: gateway.url('docs') })
  const { token } = await delegated()
  const changed = `${token.slice(0, -8)}AAAAAAAA`
  const foreign = await gateway.token('reports', { subject: 'alice' })
  for (const subject of [tokens.access_token, changed, foreign, 'no-token', '']) {
    assert.equal(await errorOf(exchange(subject)), '400 invalid_request')
  }
  const wrong: readonly Readonly<Record<string, string>>[] = [
    { subject_token_type: 'urn:ietf:params:oauth:token-type:id_token' },
    { requested_token_type: 'urn:ietf:params:oauth:token-type:refresh_token' },
    { actor_token: token },
    { actor_token_type: ACCESS_TOKEN },
  ]
  for (const more of wrong) {
    assert.equal(await errorOf(exchange(token, more)), '400 invalid_request')
  }
})

test('T-18 only a client that may exchange does, authenticated, with no actor but itself', async () => {
  const { token, client } = await delegated()
  assert.match(await errorOf(exchange(token, {}, 'agent-a')), /^400 (invalid_request|unauthorized)/)
  const form = { grant_type: GRANT, subject_token: token, subject_token_type: ACCESS_TOKEN }
  assert.match(
    await errorOf(agent.form('/oauth/token', { ...form, client_id: client })),
    /^400 (invalid_request|unauthorized)/,
  )
  assert.match(await errorOf(agent.form('/oauth/token', form)), /^40[01] invalid_/)
  const acting = (actor: string) =>
    exchange(token, { actor_token: actor, actor_token_type: ACCESS_TOKEN })
  assert.equal((await acting(await own('agent-b', 'docs'))).status, 200)
  for (const actor of [await own('agent-a', 'mail'), token, 'no-token']) {
    assert.equal(await errorOf(acting(actor)), '400 invalid_request')
  }
  const itself = await own('agent-b', 'reports')
  assert.equal(await errorOf(exchange(itself)), '400 invalid_request', 'the actor is the subject')
})

test('T-17 a chain is denied by rules that name anybody in it, has four actors at most, and no circle', async () => {
  let token = await own('agent-a', 'r1')
  for (const [at, name] of RING.slice(0, 4).entries()) {
    const { status, json } = await exchange(token, {}, `agent-${name}`)
    assert.equal(status, 200, name)
    token = json.access_token
    const next = RING[at + 1] ?? ''
    const { json: answer } = await call(next, token)
    assert.equal(answer?.error === undefined, next !== 'r3', next)
  }
  assert.equal(claimsOf(token)['sub'], 'agent-a')
  assert.equal(
    await errorOf(exchange(token, {}, 'agent-r5')),
    '400 invalid_request',
    'a fifth actor',
  )
  const { json: round } = await exchange(await own('agent-r2', 'r1'), {}, 'agent-r1')
  assert.equal(
    await errorOf(exchange(round.access_token, {}, 'agent-r2')),
    '400 invalid_request',
    'a circle',
  )
})

test('When the session of the person or the grant is revoked, exchanged tokens end too', async () => {
  for (const kind of ['session', 'grant'] as const) {
    const { token } = await delegated(new FormRobot())
    const { json } = await exchange(token)
    assert.equal((await call('docs', json.access_token)).status, 200)
    const value = String(claimsOf(token)[kind === 'session' ? 'sid' : 'gid'])
    const body = { kind, value, issuer: gateway.origin }
    assert.equal((await gateway.admin('POST', '/admin/revocations', { body })).status, 201)
    assert.equal((await call('docs', json.access_token)).status, 401)
    assert.equal(await errorOf(exchange(token)), '400 invalid_request')
  }
})

test('An exchanged token is explained to its client, who can end it alone', async () => {
  const { token } = await delegated()
  const { access_token: exchanged } = (await exchange(token)).json
  const explain = () =>
    agent.form<{ active: boolean }>('/oauth/introspect', { token: exchanged }, as('agent-b'))
  assert.equal((await explain()).json.active, true)
  assert.equal((await agent.form('/oauth/revoke', { token: exchanged }, as('agent-b'))).status, 200)
  assert.equal((await explain()).json.active, false)
  assert.equal((await call('docs', exchanged)).status, 401)
  assert.equal((await call('reports', token)).status, 200)
})

test('The metadata lists the grant', async () => {
  const response = await fetch(`${gateway.origin}/.well-known/oauth-authorization-server`)
  const metadata = (await response.json()) as { readonly grant_types_supported: readonly string[] }
  assert.ok(metadata.grant_types_supported.includes(GRANT))
})

/**
 * What servers get instead of the caller's token where it is made for each caller: tokens of the
 * gateway's own and tokens exchanged at authorization servers of four shapes.
 */
import assert from 'node:assert/strict'
import { after, before, beforeEach, test } from 'node:test'

import { createRemoteJWKSet, importJWK, jwtVerify } from 'jose'

import { A_JWT, writtenBy } from '../testkit/canaries.ts'
import { eventually } from '../testkit/eventually.ts'
import { allowAll, ISSUER, startGatehouse, type TestGatehouse } from '../testkit/gatehouse.ts'
import { startRecordingServer, type RecordingServer } from '../testkit/recording-server.ts'
import { callTool, modern, openSession, post, type Reply } from '../testkit/rpc.ts'
import { stopAll } from '../testkit/stop-all.ts'
import { startTokenServer, type TokenServer } from '../testkit/token-endpoint.ts'

const SERVERS = ['own', 'keycloak', 'entra', 'jag', 'bearer', 'fallback'] as const
type Server = (typeof SERVERS)[number]

const CLIENT = { id: 'gateway', secret: '${env:CLIENT_SECRET}' }

let upstream: RecordingServer
let tokens: TokenServer
let gateway: TestGatehouse

before(async () => {
  upstream = await startRecordingServer()
  tokens = await startTokenServer({
    verifySubject: async (token) => {
      const key = await importJWK(gateway.signer.jwk, 'RS256')
      return (await jwtVerify(token, key, { issuer: ISSUER })).payload
    },
    gatewayKeys: () => new URL(`${gateway.origin}/.well-known/jwks.json`),
  })
  const at = (path: string) => ({ token_url: `${tokens.origin}/${path}`, client: CLIENT })
  const exchange = { mode: 'exchange' }
  const keycloak = {
    ...exchange,
    ...at('keycloak'),
    audience: 'files',
    scopes: ['files.read'],
    actor: 'signed',
  }
  const credentials: Readonly<Record<Server, object>> = {
    own: { mode: 'issue', audience: 'https://own.example', scopes: ['read'] },
    keycloak,
    entra: { ...exchange, ...at('entra'), flow: 'on_behalf_of', scopes: ['api://files/.default'] },
    jag: {
      ...exchange,
      ...at('idp'),
      flow: 'id_jag',
      audience: `${tokens.origin}/`,
      resource_token_url: `${tokens.origin}/resource`,
      resource_client: { ...CLIENT, auth: 'post' },
      scopes: ['files.read'],
      header: 'X-Files-Token',
    },
    bearer: { ...exchange, ...at('bearer'), flow: 'jwt_bearer', audience: 'https://files.example' },
    fallback: keycloak,
  }
  const servers = Object.fromEntries(
    SERVERS.map((name) => [name, { upstream: upstream.url, credential: credentials[name] }]),
  )
  gateway = await startGatehouse({
    servers: {
      ...servers,
      own: {
        ...servers['own'],
        tool_credentials: { delete_all: { header: 'X-Key', value: '${env:OPERATORS_KEY}' } },
      },
      fallback: {
        ...servers['fallback'],
        fallback_credential: { header: 'X-Key', value: '${env:OPERATORS_KEY}' },
      },
    },
    rules: SERVERS.map(allowAll),
    env: { CLIENT_SECRET: 'client-secret-canary', OPERATORS_KEY: 'operators-key-canary' },
  })
})

beforeEach(() => {
  upstream.seen.length = 0
  upstream.override = undefined
  tokens.asked.length = 0
  tokens.lifeSeconds = 300
  tokens.failing = undefined
})

after(() => stopAll(gateway, upstream, tokens))

/** The token of somebody nobody has seen, so that nothing is warm. */
function fresh(server: Server, options: Parameters<TestGatehouse['token']>[1] = {}) {
  return gateway.token(server, { subject: `user-${crypto.randomUUID()}`, ...options })
}

async function call(server: Server, token: string, tool = 'echo'): Promise<Reply> {
  return await post(gateway.url(server), callTool(tool), { token })
}

/** The credential that went up with the last call of a tool. */
function sent(header = 'authorization'): string {
  return String(upstream.calls('tools/call').at(-1)?.headers[header])
}

test('A server that trusts the gateway gets a token of the gateway that names the caller, the agent and itself', async () => {
  const token = await gateway.token('own', { subject: 'alice', client: 'bot' })
  const reply = await call('own', token)
  assert.equal(reply.json?.error, undefined)
  const keys = createRemoteJWKSet(new URL(`${gateway.origin}/.well-known/jwks.json`))
  const own = sent().replace('Bearer ', '')
  const { payload } = await jwtVerify(own, keys, {
    issuer: gateway.origin,
    audience: 'https://own.example',
    typ: 'at+jwt',
  })
  assert.equal(payload.sub, `${ISSUER}|alice`)
  assert.deepEqual(payload['act'], { sub: 'bot', iss: ISSUER })
  assert.equal(payload['scope'], 'read')
  assert.ok(Number(payload.exp) - Number(payload.iat) <= 60)
})

test('A token of the gateway opens no server of the gateway', async () => {
  await call('own', await fresh('own'))
  const reply = await call('keycloak', sent().replace('Bearer ', ''))
  assert.equal(reply.status, 401)
})

test('A tool with a credential of its own gets that, and all others that of the server', async () => {
  const token = await fresh('own')
  await call('own', token, 'delete_all')
  assert.equal(sent('x-key'), 'operators-key-canary')
  assert.equal(sent(), 'undefined')
  await call('own', token)
  assert.match(sent(), /^Bearer /)
  assert.equal(sent('x-key'), 'undefined')
})

test('Keycloak-shaped: the caller’s token buys one for the audience and scopes of the server, with the actor', async () => {
  const token = await fresh('keycloak', { subject: 'alice', client: 'bot' })
  await call('keycloak', token)
  const bought = sent().replace('Bearer ', '')
  assert.deepEqual(tokens.good.get(bought), {
    sub: 'alice',
    audience: 'files',
    scope: 'files.read',
    resource: '',
    actor: 'bot',
  })
  assert.equal(tokens.asked[0]?.form.get('subject_token'), token)
})

test('Entra-shaped: on behalf of the caller', async () => {
  await call('entra', await fresh('entra', { subject: 'alice' }))
  const facts = tokens.good.get(sent().replace('Bearer ', ''))
  assert.equal(facts?.['sub'], 'alice')
  assert.equal(facts?.['scope'], 'api://files/.default')
})

test('ID-JAG: two steps at two servers, and the token goes where the template says', async () => {
  await call('jag', await fresh('jag', { subject: 'alice' }))
  assert.deepEqual(
    tokens.asked.map(({ path }) => path),
    ['/idp', '/resource'],
  )
  assert.deepEqual(tokens.good.get(sent('x-files-token')), { sub: 'alice', scope: 'files.read' })
  assert.equal(sent(), 'undefined')
})

test('JWT bearer: a statement of the gateway names the caller to a server that trusts it', async () => {
  await call('bearer', await fresh('bearer', { subject: 'alice' }))
  const facts = tokens.good.get(sent().replace('Bearer ', ''))
  assert.deepEqual(facts, { sub: 'alice', aud: 'https://files.example' })
})

test('Forty calls at once of two callers buy two tokens, and each call has that of its caller', async () => {
  const [alice, bob] = [await fresh('keycloak'), await fresh('keycloak')]
  await call('keycloak', await fresh('keycloak'))
  tokens.asked.length = 0
  upstream.seen.length = 0
  await Promise.all(
    Array.from({ length: 40 }, (_, at) => call('keycloak', at % 2 === 0 ? alice : bob)),
  )
  assert.equal(tokens.asked.length, 2)
  const used = upstream.calls('tools/call').map(({ headers }) => headers.authorization)
  assert.equal(used.length, 40)
  for (const { issued } of tokens.asked) {
    assert.equal(used.filter((value) => value === `Bearer ${issued}`).length, 20)
  }
})

test('A call that the server answers with 401 is sent once more with a new token, under one decision', async () => {
  const token = await fresh('keycloak')
  await call('keycloak', token)
  const withdrawn = sent()
  upstream.override = ({ headers }, response) => {
    if (headers.authorization !== withdrawn) return false
    response.writeHead(401, { 'www-authenticate': 'Bearer canary-challenge' }).end()
    return true
  }
  upstream.seen.length = 0
  const reply = await call('keycloak', token)
  assert.equal(reply.json?.error, undefined)
  assert.equal(upstream.calls('tools/call').length, 2)
  assert.equal(tokens.asked.length, 2)
  await eventually(async () => {
    const records = await gateway.audit()
    const twice = records.filter(({ attempts }) => attempts === 2)
    assert.equal(twice.length, 1)
    assert.equal(records.filter(({ id }) => id === twice[0]?.['id']).length, 2)
  })
})

test('A server that always answers 401 is asked twice and no more, and its challenge stays with us', async () => {
  const token = await fresh('keycloak')
  upstream.override = ({ json }, response) => {
    if (json?.method !== 'tools/call') return false
    response.writeHead(401, { 'www-authenticate': 'Bearer canary-challenge' }).end()
    return true
  }
  const reply = await call('keycloak', token)
  assert.equal(reply.json?.error?.code, 1003)
  assert.equal(upstream.calls('tools/call').length, 2)
  assert.ok(!JSON.stringify([reply.text, [...reply.headers]]).includes('canary-challenge'))
})

test('A provider that refuses or is down refuses the call, nothing goes up, and its words stay with us', async () => {
  for (const [status, code] of [
    [400, 1004],
    [503, 1003],
  ] as const) {
    tokens.failing = status
    const reply = await call('keycloak', await fresh('keycloak'))
    assert.equal(reply.status, 200)
    assert.equal(reply.json?.error?.code, status === 400 ? 1003 : code)
    assert.ok(!reply.text.includes('canary'))
  }
  tokens.failing = undefined
  const mayAct = await fresh('keycloak', { claims: { may_act: { sub: 'somebody-else' } } })
  const reply = await call('keycloak', mayAct)
  assert.equal(reply.json?.error?.code, 1004)
  assert.match(reply.json?.error?.message ?? '', /may_act/)
  assert.equal(upstream.calls('tools/call').length, 0)
})

test('Where the operator named a fallback, a caller without a token of the mode gets that', async () => {
  const token = await fresh('fallback', { claims: { may_act: { sub: 'somebody-else' } } })
  const reply = await call('fallback', token)
  assert.equal(reply.json?.error, undefined)
  assert.equal(sent('x-key'), 'operators-key-canary')
  assert.equal(sent(), 'undefined')
})

test('Sessions and modern calls are swapped alike, lists included', async () => {
  const token = await fresh('keycloak')
  await openSession(gateway.url('keycloak'), token)
  const { body, headers } = modern('tools/list')
  await post(gateway.url('keycloak'), body, { token, headers })
  const seen = upstream.seen.map((one) => one.headers.authorization)
  assert.equal(seen.length, 2)
  assert.equal(new Set(seen).size, 1)
  assert.match(seen[0] ?? '', /^Bearer tok-/)
})

test('A bought token that the server sends back is taken out of the answer', async () => {
  const token = await fresh('keycloak')
  upstream.override = ({ headers, json }, response) => {
    if (json?.method !== 'tools/call') return false
    const content = [{ type: 'text', text: `you sent ${headers.authorization}` }]
    response.writeHead(200, { 'content-type': 'application/json' })
    response.end(JSON.stringify({ jsonrpc: '2.0', id: json.id, result: { content } }))
    return true
  }
  const reply = await call('keycloak', token)
  assert.match(reply.text, /you sent Bearer \[redacted\]/)
  assert.ok(!reply.text.includes(sent().replace('Bearer ', '')))
})

test('No token, secret or word of a provider is in the audit log, the metrics or the log', async () => {
  const outputs = await writtenBy(gateway)
  assert.match(outputs, /gatehouse_swaps_total\{server="keycloak",mode="exchange",result="ok"\}/)
  for (const canary of [...tokens.good.keys(), 'canary']) {
    assert.ok(!outputs.includes(canary), canary)
  }
  assert.doesNotMatch(outputs, A_JWT)
})

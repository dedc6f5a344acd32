/**
 * What clients, browsers and operators find at the gateway besides calls: challenges, protected
 * resource metadata (RFC 9728), scopes to ask for, anonymous servers, plain HTTP refusals and the
 * operators' port.
 */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'

import {
  discoverOAuthProtectedResourceMetadata as discoverV2,
  extractWWWAuthenticateParams as challengeV2,
} from '@modelcontextprotocol/client'
import {
  discoverOAuthProtectedResourceMetadata as discoverV1,
  extractWWWAuthenticateParams as challengeV1,
} from '@modelcontextprotocol/sdk/client/auth.js'

import type { TestGatehouse } from '../testkit/gatehouse.ts'
import { startGatehouse } from '../testkit/gatehouse.ts'
import { exchangeRaw, requestText } from '../testkit/raw-http.ts'
import type { RecordingServer } from '../testkit/recording-server.ts'
import { startRecordingServer } from '../testkit/recording-server.ts'
import type { Reply } from '../testkit/rpc.ts'
import { callTool, modern, post, request } from '../testkit/rpc.ts'
import type { Signer } from '../testkit/signer.ts'
import { createSigner } from '../testkit/signer.ts'
import { stopAll } from '../testkit/stop-all.ts'

const ROBOTS = 'https://robots.test'
const PEOPLE = 'https://people.test'
const OTHER_HOST = 'tools.test:8080'
const WELL_KNOWN = '/.well-known/oauth-protected-resource'

let server: RecordingServer
let robots: Signer
let people: Signer
/** Several servers on one host, and one on a host of its own. */
let many: TestGatehouse
/** One server, at the short path. */
let sole: TestGatehouse

before(async () => {
  server = await startRecordingServer()
  robots = await createSigner('ES256', 'robots')
  people = await createSigner('ES256', 'people')
  const issuers = [
    { issuer: ROBOTS, jwks: { keys: [robots.jwk] }, kind: 'agent' },
    { issuer: PEOPLE, jwks: { keys: [people.jwk] }, kind: 'human', interactive: true },
  ]
  const upstream = server.url
  many = await startGatehouse({
    servers: {
      drive: { upstream, scopes: ['drive.read'] },
      mail: { upstream, issuers: [PEOPLE], refusals: 'http' },
      open: { upstream, anonymous: true },
      tools: { upstream, host: OTHER_HOST },
    },
    rules: [
      {
        id: 'write',
        effect: 'allow',
        subjects: [{ scopes: ['drive.read', 'drive.write'] }],
        tools: ['drive/echo'],
      },
      { id: 'read', effect: 'allow', subjects: [{ any: true }], tools: ['*/read_file'] },
      {
        id: 'kept',
        effect: 'deny',
        subjects: [{ any: true }],
        tools: ['*/delete_all'],
        reason: 'Kept for the auditors',
        disclose: true,
      },
    ],
    config: { issuers, scope_includes: { 'drive.admin': ['drive.read', 'drive.write'] } },
  })
  sole = await startGatehouse({ servers: { only: upstream }, rules: [], config: { issuers } })
})

after(() => stopAll(server, many, sole))

type Who = 'robot' | 'person'

async function tokenFor(who: Who, audience: string, scope?: string): Promise<string> {
  const seconds = Math.floor(Date.now() / 1000)
  const [issuer, signer] = who === 'robot' ? [ROBOTS, robots] : [PEOPLE, people]
  return await signer.sign({
    iss: issuer,
    aud: audience,
    sub: who,
    client_id: `${who}-client`,
    iat: seconds,
    exp: seconds + 300,
    jti: crypto.randomUUID(),
    ...(scope === undefined ? {} : { scope }),
  })
}

async function call(name: string, who: Who, tool: string, scope?: string): Promise<Reply> {
  const token = await tokenFor(who, many.url(name), scope)
  return await post(many.url(name), callTool(tool, {}, 7), { token })
}

/** The parameters of a challenge; it must be a single one, for `Bearer`, with quoted values. */
function challengeOf(header: string | null | undefined): Readonly<Record<string, string>> {
  const [, rest = ''] = /^Bearer (.*)$/.exec(header ?? '') ?? []
  const parameters = [...rest.matchAll(/([a-z_]+)="([^"\\]*)"(?:, |$)/g)]
  assert.equal(parameters.map(([all]) => all).join(''), rest)
  assert.ok(parameters.length > 0, header ?? 'no challenge')
  const pairs = parameters.map(([, name, value]): [string, string] => [name!, value!])
  assert.equal(new Set(pairs.map(([name]) => name)).size, pairs.length, 'each parameter once')
  return Object.fromEntries(pairs)
}

test('without credentials the answer is 401 with a challenge that names metadata and scope, and no error', async () => {
  for (const method of ['POST', 'GET', 'DELETE']) {
    const reply = await fetch(many.url('drive'), {
      method,
      headers: { 'content-type': 'application/json' },
      ...(method === 'POST' ? { body: JSON.stringify(request('tools/list')) } : {}),
    })
    assert.equal(reply.status, 401)
    assert.deepEqual(challengeOf(reply.headers.get('www-authenticate')), {
      scope: 'drive.read',
      resource_metadata: `${many.origin}${WELL_KNOWN}/mcp/drive`,
    })
    assert.equal(reply.headers.get('content-type'), 'application/json')
    assert.deepEqual(await reply.json(), {
      error: 'invalid_token',
      error_description: 'Authentication required',
    })
  }
})

test('a bad token, whatever is wrong with it, is 401 invalid_token in the same words', async () => {
  const drive = many.url('drive')
  const bad = {
    garbage: 'garbage',
    'another audience': await tokenFor('robot', many.url('mail')),
    'an audience that is a prefix': await tokenFor('robot', drive.slice(0, -1)),
    'another key': (await tokenFor('robot', drive)).replace(/.{20}$/, 'A'.repeat(20)),
  }
  for (const [what, token] of Object.entries(bad)) {
    const reply = await post(drive, request('tools/list'), { token })
    assert.equal(reply.status, 401, what)
    assert.deepEqual(challengeOf(reply.headers.get('www-authenticate')), {
      error: 'invalid_token',
      error_description: 'The access token is not valid here',
      scope: 'drive.read',
      resource_metadata: `${many.origin}${WELL_KNOWN}/mcp/drive`,
    })
  }
})

test('two credentials are 400 invalid_request', async () => {
  const token = await tokenFor('robot', many.url('drive'))
  const headers = { 'x-api-key': 'ghk_00000000_x' }
  const reply = await post(many.url('drive'), request('tools/list'), { token, headers })
  assert.equal(reply.status, 400)
  assert.equal(challengeOf(reply.headers.get('www-authenticate'))['error'], 'invalid_request')
})

test('a server takes tokens of its own issuers only', async () => {
  assert.equal((await call('mail', 'robot', 'read_file')).status, 401)
  assert.equal((await call('mail', 'person', 'read_file')).status, 200)
})

/** Asks under a Host that is not where the gateway really is. */
async function get(gateway: TestGatehouse, target: string, host?: string, method = 'GET') {
  const named = host ?? new URL(gateway.origin).host
  const text = requestText({ method, target, headers: [['Host', named]] })
  return (await exchangeRaw(gateway.origin, text)).reply
}

test('every server has its metadata at the path form, and nothing else is in it', async () => {
  const both = [ROBOTS, PEOPLE]
  const common = {
    bearer_methods_supported: ['header'],
    dpop_signing_alg_values_supported: ['ES256', 'EdDSA', 'ES384', 'PS256', 'RS256'],
  }
  const documents = {
    drive: { authorization_servers: both, scopes_supported: ['drive.read'] },
    mail: { authorization_servers: [PEOPLE] },
    open: { authorization_servers: both },
  }
  for (const [name, own] of Object.entries(documents)) {
    const reply = await get(many, `${WELL_KNOWN}/mcp/${name}`)
    assert.equal(reply.status, 200)
    assert.equal(reply.headers.get('content-type'), 'application/json')
    assert.equal(reply.headers.get('access-control-allow-origin'), '*')
    const resource = many.url(name)
    assert.deepEqual(JSON.parse(reply.text), { resource, ...own, ...common, resource_name: name })
  }
})

test('the root form is there for a sole server of a host, and only there', async () => {
  assert.equal((await get(many, WELL_KNOWN)).status, 404)
  const root = await get(sole, WELL_KNOWN)
  assert.equal(root.status, 200)
  assert.equal(root.text, (await get(sole, `${WELL_KNOWN}/mcp`)).text)
  assert.equal((JSON.parse(root.text) as { resource: string }).resource, `${sole.origin}/mcp`)
  const ownHost = await get(many, WELL_KNOWN, OTHER_HOST)
  assert.equal((JSON.parse(ownHost.text) as { resource: string }).resource, resourceOfTools())
})

test('a server on a host of its own is found there and nowhere else', async () => {
  const path = `${WELL_KNOWN}/mcp`
  assert.equal((await get(many, path, OTHER_HOST)).status, 200)
  assert.equal((await get(many, path)).status, 404)
  assert.equal((await get(many, `${WELL_KNOWN}/mcp/drive`, OTHER_HOST)).status, 404)
  assert.equal((await get(many, path, 'evil.example')).status, 404)
  const challenged = await get(many, '/mcp', OTHER_HOST)
  assert.equal(challenged.status, 401)
  const { resource_metadata: metadata } = challengeOf(challenged.headers.get('www-authenticate'))
  assert.equal(metadata, `http://${OTHER_HOST}${path}`)
  assert.equal((await get(many, '/mcp')).status, 404)
})

function resourceOfTools(): string {
  return `http://${OTHER_HOST}/mcp`
}

test('metadata is read with GET, and documents that are not there are 404', async () => {
  const path = `${WELL_KNOWN}/mcp/drive`
  const posted = await get(many, path, undefined, 'POST')
  assert.equal(posted.status, 405)
  assert.equal(posted.headers.get('allow'), 'GET, OPTIONS')
  const preflight = await get(many, path, undefined, 'OPTIONS')
  assert.equal(preflight.status, 204)
  assert.equal(preflight.headers.get('access-control-allow-headers'), 'mcp-protocol-version')
  const absent = [
    `${path}/`,
    `${path}x`,
    `${WELL_KNOWN}/mcp`,
    `${WELL_KNOWN}/../oauth-protected-resource/mcp/drive`,
    '/.well-known/oauth-authorization-server',
    '/.well-known/openid-configuration',
  ]
  for (const target of absent) assert.equal((await get(many, target)).status, 404, target)
})

for (const [sdk, discover, challenge] of [
  ['v1', discoverV1, challengeV1],
  ['v2', discoverV2, challengeV2],
] as const) {
  test(`the discovery of SDK ${sdk} finds the metadata by the challenge, by the path and by the root`, async () => {
    const refused = await fetch(many.url('drive'))
    const { resourceMetadataUrl, scope } = challenge(refused)
    await refused.text()
    assert.equal(resourceMetadataUrl?.href, `${many.origin}${WELL_KNOWN}/mcp/drive`)
    assert.equal(scope, 'drive.read')
    const url = many.url('drive')
    for (const options of [{ resourceMetadataUrl }, {}]) {
      const found = await discover(url, options)
      assert.equal(found.resource, url)
      assert.deepEqual(found.authorization_servers, [ROBOTS, PEOPLE])
    }
    assert.equal((await discover(sole.origin)).resource, `${sole.origin}/mcp`)
  })
}

test('a person whose token lacks scopes is told all of them at once, with 403', async () => {
  const seen = server.calls('tools/call').length
  for (const scope of ['', 'drive.read', 'other']) {
    const reply = await call('drive', 'person', 'echo', scope)
    assert.equal(reply.status, 403)
    const { error_description: why, ...rest } = challengeOf(reply.headers.get('www-authenticate'))
    assert.deepEqual(rest, {
      error: 'insufficient_scope',
      scope: 'drive.read drive.write',
      resource_metadata: `${many.origin}${WELL_KNOWN}/mcp/drive`,
    })
    assert.ok(why)
    assert.deepEqual([reply.json?.id, reply.json?.error?.code], [7, 1001])
  }
  assert.equal(server.calls('tools/call').length, seen)
  assert.equal((await call('drive', 'person', 'echo', 'drive.write drive.read')).status, 200)
  assert.equal((await call('drive', 'person', 'echo', 'drive.admin')).status, 200, 'includes both')
})

test('a person sees a tool for which scopes can be had, a machine does not and is never challenged', async () => {
  const list = async (who: Who): Promise<string> => {
    const token = await tokenFor(who, many.url('drive'))
    return (await post(many.url('drive'), request('tools/list'), { token })).text
  }
  assert.match(await list('person'), /"echo"/)
  assert.doesNotMatch(await list('robot'), /"echo"/)
  const reply = await call('drive', 'robot', 'echo', 'drive.read')
  assert.equal(reply.status, 200)
  assert.equal(reply.headers.get('www-authenticate'), null)
  assert.equal(reply.json?.error?.message, 'Unknown tool: echo')
  assert.equal((await call('drive', 'robot', 'echo', 'drive.read drive.write')).status, 200)
})

test('a modern client gets the same 403 with its id', async () => {
  const { body, headers } = modern('tools/call', { name: 'echo', arguments: {} }, 'a')
  const token = await tokenFor('person', many.url('drive'), 'drive.read')
  const reply = await post(many.url('drive'), body, { token, headers })
  assert.equal(reply.status, 403)
  assert.equal(reply.json?.id, 'a')
})

test('a disclosed denial is HTTP 200 with code 1001, and 403 where the operator wants HTTP', async () => {
  const plain = await call('drive', 'person', 'delete_all')
  const http = await call('mail', 'person', 'delete_all')
  assert.deepEqual([plain.status, http.status], [200, 403])
  for (const reply of [plain, http]) {
    assert.equal(reply.headers.get('www-authenticate'), null)
    const error = { code: 1001, message: 'Kept for the auditors' }
    assert.deepEqual(reply.json, { jsonrpc: '2.0', id: 7, error })
  }
})

test('a hidden name looks like a missing one, also where the operator wants HTTP', async () => {
  for (const [name, who] of [
    ['drive', 'robot'],
    ['mail', 'person'],
  ] as const) {
    const hidden = await call(name, who, 'echo')
    const missing = await call(name, who, 'no_such')
    assert.equal(hidden.status, 200)
    assert.equal(hidden.text.replace('echo', 'no_such'), missing.text)
  }
})

test('an anonymous server serves who shows nothing, and refuses who shows something bad', async () => {
  const body = callTool('read_file')
  assert.ok((await post(many.url('open'), body)).json?.result)
  const bad = await post(many.url('open'), body, { token: 'garbage' })
  assert.equal(bad.status, 401)
  assert.equal(
    challengeOf(bad.headers.get('www-authenticate'))['resource_metadata'],
    `${many.origin}${WELL_KNOWN}/mcp/open`,
  )
  const known = await tokenFor('robot', many.url('open'))
  assert.ok((await post(many.url('open'), body, { token: known })).json?.result)
})

test('paths of nobody are 404 before any credential is looked at', async () => {
  const token = await tokenFor('robot', many.url('drive'))
  for (const path of ['/', '/mcp', '/mcp/', '/mcp/drive2', '/metrics', '/livez', '/admin/status']) {
    for (const headers of [{}, { authorization: `Bearer ${token}` }]) {
      const reply = await fetch(`${many.origin}${path}`, { headers })
      assert.equal(reply.status, 404, path)
      assert.equal(reply.headers.get('www-authenticate'), null)
      const error = { code: 1000, message: 'Not found' }
      assert.deepEqual(await reply.json(), { jsonrpc: '2.0', error })
    }
  }
})

test('the trace a message names goes up where its headers name none of it, and baggage as it came', async () => {
  const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'
  const named = { name: 'read_file', _meta: { traceparent, tracestate: 'a=1' } }
  const headers = { baggage: 'team=a' }
  await post(many.url('open'), request('tools/call', named), { headers })
  const seen = server.calls('tools/call').at(-1)?.headers
  assert.equal(seen?.['traceparent'], traceparent)
  assert.equal(seen?.['tracestate'], 'a=1')
  assert.equal(seen?.['baggage'], 'team=a')
})

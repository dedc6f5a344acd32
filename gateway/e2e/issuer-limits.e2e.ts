/** How much the authorization server takes: who is refused is told so everywhere, and nobody pays for others. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'

import { startOwnIssuer } from '../testkit/authorization-server.ts'
import type { TestGatehouse } from '../testkit/gatehouse.ts'
import { OauthAgent } from '../testkit/oauth-agent.ts'
import type { RecordingServer } from '../testkit/recording-server.ts'
import { startRecordingServer } from '../testkit/recording-server.ts'
import { callTool, post } from '../testkit/rpc.ts'
import { stopAll } from '../testkit/stop-all.ts'

const SECRET = 'a secret that is long enough to be none of those that are refused'
/** Nothing of a budget comes back while this runs. */
const LIMITS = { network: { rate: '1/h', burst: 400 }, client: { rate: '1/h', burst: 5 } }

let upstream: RecordingServer
let gateway: TestGatehouse
let agent: OauthAgent

before(async () => {
  upstream = await startRecordingServer()
  const client = { kind: 'service', grants: ['client_credentials'], secret: '${env:SECRET}' }
  gateway = await startOwnIssuer({
    servers: { docs: upstream.url },
    rules: [{ id: 'a', effect: 'allow', subjects: [{ any: true }], servers: ['docs'] }],
    section: { limits: LIMITS, clients: { busy: client, calm: client } },
    env: { SECRET },
  })
  agent = new OauthAgent(gateway.origin)
})

after(() => stopAll(gateway, upstream))

const token = (client: string, secret = SECRET) =>
  agent.token({
    grant_type: 'client_credentials',
    client_id: client,
    client_secret: secret,
    resource: gateway.url('docs'),
  })

test('A client gets so many tokens, whatever others try in its name, and another gets its own', async () => {
  for (let at = 0; at < 20; at += 1) assert.equal((await token('busy', 'wrong')).status, 401)
  const burst = await Promise.all(Array.from({ length: 8 }, () => token('busy')))
  const statuses = burst.map(({ status }) => status).toSorted((a, b) => a - b)
  assert.deepEqual(statuses, [200, 200, 200, 200, 200, 429, 429, 429])
  const late = burst.find(({ status }) => status === 429)
  assert.equal(Reflect.get(late?.json ?? {}, 'error'), 'temporarily_unavailable')
  assert.ok(Number(late?.headers.get('retry-after')) > 60)
  assert.equal((await token('calm')).status, 200)
})

/** Every address of the authorization server, with the media type it is answered in. */
const ENDPOINTS = [
  ['GET', '/.well-known/oauth-authorization-server', 'json'],
  ['GET', '/.well-known/openid-configuration', 'json'],
  ['GET', '/.well-known/jwks.json', 'json'],
  ['GET', '/.well-known/oauth-protected-resource/mcp/docs', 'json'],
  ['POST', '/oauth/register', 'json'],
  ['GET', '/oauth/register/c_1', 'json'],
  ['PUT', '/oauth/register/c_1', 'json'],
  ['DELETE', '/oauth/register/c_1', 'json'],
  ['POST', '/oauth/token', 'json'],
  ['POST', '/oauth/par', 'json'],
  ['POST', '/oauth/device-code', 'json'],
  ['POST', '/oauth/revoke', 'json'],
  ['POST', '/oauth/introspect', 'json'],
  ['POST', '/oauth/backchannel-logout/corp', 'json'],
  ['GET', '/oauth/authorize?client_id=x', 'html'],
  ['POST', '/oauth/authorize', 'html'],
  ['GET', '/oauth/authorize/abc', 'html'],
  ['GET', '/oauth/device', 'html'],
  ['POST', '/oauth/device', 'html'],
  ['GET', '/oauth/ui/abc', 'html'],
  ['POST', '/oauth/ui/abc', 'html'],
  ['GET', '/oauth/ui/abc/with/corp', 'html'],
  ['GET', '/oauth/callback/corp?code=x', 'html'],
  ['GET', '/oauth/sign-in', 'html'],
  ['POST', '/oauth/sign-in', 'html'],
  ['GET', '/oauth/access', 'html'],
  ['POST', '/oauth/access', 'html'],
] as const

test('A network that asks for too much is told so at every endpoint, and its calls go on', async () => {
  const { json } = await token('calm')
  const metadata = `${gateway.origin}/.well-known/oauth-authorization-server`
  for (let status = 200, at = 0; status !== 429; at += 1) {
    assert.ok(at <= LIMITS.network.burst, 'it is never refused')
    const response = await fetch(metadata)
    await response.body?.cancel()
    status = response.status
  }
  for (const [method, path, type] of ENDPOINTS) {
    const response = await fetch(gateway.origin + path, { method, redirect: 'manual' })
    const text = await response.text()
    const said = `${method} ${path}: ${text}`
    assert.equal(response.status, 429, said)
    assert.ok(Number(response.headers.get('retry-after')) > 0, said)
    assert.ok(response.headers.get('content-type')?.includes(type), said)
  }
  const reply = await post(gateway.url('docs'), callTool('echo'), { token: json.access_token })
  assert.equal(reply.status, 200)
  const details = (await gateway.audit()).map(({ detail }) => detail)
  assert.equal(details.filter((detail) => detail === 'limits.client').length, 3)
  assert.ok(details.includes('limits.network'))
})

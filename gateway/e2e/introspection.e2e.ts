/** Opaque tokens of a real identity provider, asked about by a real gateway (RFC 7662, T-15). */
import assert from 'node:assert/strict'
import type { ServerResponse } from 'node:http'
import { after, before, test } from 'node:test'

import { eventually } from '../testkit/eventually.ts'
import type { TestGatehouse } from '../testkit/gatehouse.ts'
import { startGatehouse } from '../testkit/gatehouse.ts'
import type { OpaqueIdp } from '../testkit/opaque-idp.ts'
import { startOpaqueIdp } from '../testkit/opaque-idp.ts'
import type { RecordingServer } from '../testkit/recording-server.ts'
import { startRecordingServer } from '../testkit/recording-server.ts'
import { callTool, post } from '../testkit/rpc.ts'
import { stopAll } from '../testkit/stop-all.ts'

let idp: OpaqueIdp
let server: RecordingServer
let gateway: TestGatehouse
let url: string

before(async () => {
  idp = await startOpaqueIdp()
  server = await startRecordingServer()
  const introspection = {
    url: idp.introspectionUrl,
    client: { id: 'gatehouse', secret: '${env:IDP_SECRET}' },
    max_age: '5s',
  }
  gateway = await startGatehouse({
    servers: { docs: server.url, other: server.url },
    rules: [
      {
        id: 'readers',
        effect: 'allow',
        subjects: [{ clients: ['agent-1'], scopes: ['read'] }],
        tools: ['docs/*', 'other/*'],
      },
    ],
    config: { issuers: [{ issuer: idp.issuer, introspection }] },
    env: { IDP_SECRET: idp.secret },
  })
  url = gateway.url('docs')
})

after(() => stopAll(gateway, server, idp))

const call = async (token: string, to = url): Promise<number> =>
  (await post(to, callTool('echo'), { token })).status

test('an opaque token is its caller, and its issuer is asked once for many calls', async () => {
  const token = await idp.token(url)
  assert.equal(await call(token), 200)
  assert.equal(server.seen.at(-1)?.headers.authorization, undefined)
  const asked = idp.asked()
  const statuses = await Promise.all(Array.from({ length: 20 }, () => call(token)))
  assert.deepEqual(new Set(statuses), new Set([200]))
  // Once more where all this took longer than an answer is believed.
  assert.ok(idp.asked() - asked <= 1)
})

test('a token for another server, a made-up one and a revoked one reach nobody', async () => {
  const before = server.seen.length
  const elsewhere = await idp.token(gateway.url('other'))
  assert.equal(await call(elsewhere), 401)
  assert.equal(await call('made-up'), 401)
  const revoked = await idp.token(url)
  await idp.revoke(revoked)
  assert.equal(await call(revoked), 401)
  assert.equal(server.seen.length, before)
})

test('a token revoked at its issuer works no longer than the last answer is believed', async () => {
  const token = await idp.token(url)
  assert.equal(await call(token), 200)
  await idp.revoke(token)
  await eventually(async () => assert.equal(await call(token), 401))
})

const FAULTS: readonly (readonly [string, number, (response: ServerResponse) => void])[] = [
  ['a text in place of true', 503, (response) => void json(response).end('{"active":"true"}')],
  ['nothing', 503, (response) => void json(response).end('{}')],
  ['a page', 503, (response) => void response.end('<p>active</p>')],
  ['an error', 503, (response) => void response.writeHead(500).end()],
  ['another place', 503, (response) => void response.writeHead(302, { location: '/x' }).end()],
  ['nothing for 30 seconds', 503, () => undefined],
  ['no', 401, (response) => void json(response).end('{"active":false,"aud":"x"}')],
]

for (const [what, status, answer] of FAULTS) {
  test(`an issuer that answers ${what} lets nobody in, and soon`, async () => {
    const token = await idp.token(url)
    const before = server.seen.length
    idp.interfere(answer)
    const from = performance.now()
    assert.equal(await call(token), status)
    assert.ok(performance.now() - from < 15_000)
    idp.interfere(undefined)
    assert.equal(server.seen.length, before)
    if (status === 503) assert.equal(await call(token), 200)
  })
}

function json(response: ServerResponse): ServerResponse {
  return response.writeHead(200, { 'content-type': 'application/json' })
}

test('neither the token nor the secret is in the records', async () => {
  const token = await idp.token(url)
  await call(token)
  const records = JSON.stringify(await gateway.audit())
  assert.ok(!records.includes(token))
  assert.ok(!records.includes(idp.secret))
})

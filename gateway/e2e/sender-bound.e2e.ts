/** Clients that prove who they are with keys: signed assertions, DPoP, and requests that were pushed before. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { after, before, test } from 'node:test'

import { calculateJwkThumbprint, exportJWK, generateKeyPair, SignJWT } from 'jose'
import type { JWK } from 'jose'

import { startOwnIssuer } from '../testkit/authorization-server.ts'
import { FormRobot } from '../testkit/form-robot.ts'
import type { TestGatehouse } from '../testkit/gatehouse.ts'
import { claimsOf, OauthAgent, REDIRECT } from '../testkit/oauth-agent.ts'
import type { RecordingServer } from '../testkit/recording-server.ts'
import { startRecordingServer } from '../testkit/recording-server.ts'
import { callTool, post } from '../testkit/rpc.ts'
import { stopAll } from '../testkit/stop-all.ts'

const keys = await generateKeyPair('ES256')
const publicJwk: JWK = await exportJWK(keys.publicKey)

let upstream: RecordingServer
let gateway: TestGatehouse
let agent: OauthAgent

before(async () => {
  upstream = await startRecordingServer()
  gateway = await startOwnIssuer({
    servers: { docs: upstream.url },
    rules: [{ id: 'all', effect: 'allow', subjects: [{ any: true }], servers: ['docs'] }],
    section: {
      clients: {
        job: { kind: 'service', grants: ['client_credentials'], jwks: { keys: [publicJwk] } },
      },
    },
  })
  agent = new OauthAgent(gateway.origin)
})

after(() => stopAll(gateway, upstream))

function assertion(audience: string, jti: string = crypto.randomUUID()): Promise<string> {
  return new SignJWT({ jti })
    .setProtectedHeader({ alg: 'ES256' })
    .setIssuer('job')
    .setSubject('job')
    .setAudience(audience)
    .setIssuedAt()
    .setExpirationTime('60s')
    .sign(keys.privateKey)
}

const CREDENTIALS = {
  grant_type: 'client_credentials',
  client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
}

test('A service gets a token with a signed assertion, once for each, and only one made for us', async () => {
  const text = await assertion(gateway.origin)
  const first = await agent.token({ ...CREDENTIALS, client_assertion: text })
  assert.equal(first.status, 200)
  assert.equal(claimsOf(first.json.access_token)['sub'], 'job')
  assert.equal((await agent.token({ ...CREDENTIALS, client_assertion: text })).status, 401)
  const other = await assertion('https://other.example')
  assert.equal((await agent.token({ ...CREDENTIALS, client_assertion: other })).status, 401)
})

async function proof(url: string, more: { token?: string; method?: string } = {}): Promise<string> {
  const { token, method = 'POST' } = more
  const ath = token && createHash('sha256').update(token).digest('base64url')
  return await new SignJWT({ htu: url, htm: method, jti: crypto.randomUUID(), ...(ath && { ath }) })
    .setProtectedHeader({ alg: 'ES256', typ: 'dpop+jwt', jwk: publicJwk })
    .setIssuedAt()
    .sign(keys.privateKey)
}

test('A token bound to a key works with a proof of the key, and as a bearer token it does not', async () => {
  const { json: client } = await agent.register()
  const url = await agent.consent(new FormRobot(), agent.authorizeUrl(client.client_id))
  const form = {
    grant_type: 'authorization_code',
    client_id: client.client_id,
    redirect_uri: REDIRECT,
    code_verifier: agent.verifier,
    code: url.searchParams.get('code') ?? '',
  }
  const dpop = await proof(`${gateway.origin}/oauth/token`)
  const { status, json } = await agent.token(form, { dpop })
  assert.equal(status, 200)
  const token = json.access_token
  assert.deepEqual(claimsOf(token)['cnf'], { jkt: await calculateJwkThumbprint(publicJwk) })
  const docs = gateway.url('docs')
  const call = async (headers: Record<string, string>) =>
    (await post(docs, callTool('echo'), { headers })).status
  const authorization = `DPoP ${token}`
  assert.equal(await call({ authorization, dpop: await proof(docs, { token }) }), 200)
  assert.equal(await call({ authorization }), 401)
  assert.equal(await call({ authorization: `Bearer ${token}` }), 401)
})

test('A request that was pushed is good once, and is completed like any other', async () => {
  const { json: client } = await agent.register()
  const { searchParams } = new URL(agent.authorizeUrl(client.client_id))
  const pushed = await agent.form<{ request_uri: string }>(
    '/oauth/par',
    Object.fromEntries(searchParams),
  )
  assert.equal(pushed.status, 201)
  const query = new URLSearchParams({
    client_id: client.client_id,
    request_uri: pushed.json.request_uri,
  })
  const address = `${gateway.origin}/oauth/authorize?${query.toString()}`
  const url = await agent.consent(new FormRobot(), address)
  const redeemed = await agent.redeem(client.client_id, url.searchParams.get('code') ?? '')
  assert.deepEqual([redeemed.status, redeemed.json.scope], [200, 'mcp'])
  assert.equal((await new FormRobot().open(address)).status, 400)
})

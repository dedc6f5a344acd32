/**
 * Stock clients with their own OAuth code, from nothing to a tool call: they find the authorization server,
 * register, send a person to it, redeem the code, refresh, and come back after their registration was lost.
 */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'

import {
  ClientCredentialsProvider as ModernCredentials,
  PrivateKeyJwtProvider as ModernKeys,
} from '@modelcontextprotocol/client'
import {
  ClientCredentialsProvider,
  PrivateKeyJwtProvider,
} from '@modelcontextprotocol/sdk/client/auth-extensions.js'
import { exportJWK } from 'jose'

import { startOwnIssuer } from '../testkit/authorization-server.ts'
import { FormRobot } from '../testkit/form-robot.ts'
import type { TestGatehouse } from '../testkit/gatehouse.ts'
import { claimsOf, OauthAgent } from '../testkit/oauth-agent.ts'
import { RobotProvider } from '../testkit/oauth-provider.ts'
import type { RecordingServer } from '../testkit/recording-server.ts'
import { startRecordingServer } from '../testkit/recording-server.ts'
import { connectV1With, connectV2With, signInV1, signInV2 } from '../testkit/sdk-oauth.ts'
import type { Signer } from '../testkit/signer.ts'
import { createSigner } from '../testkit/signer.ts'
import { stopAll } from '../testkit/stop-all.ts'

let upstream: RecordingServer
let gateway: TestGatehouse
let signer: Signer

const SECRET = 'a-secret-of-the-nightly-job-2026'

before(async () => {
  signer = await createSigner()
  const program = { kind: 'service', grants: ['client_credentials'], scopes: ['docs:read'] }
  upstream = await startRecordingServer()
  gateway = await startOwnIssuer({
    servers: { docs: upstream.url, code: upstream.url },
    rules: [
      { id: 'echo', effect: 'allow', subjects: [{ scopes: ['docs:read'] }], tools: ['docs/echo'] },
      {
        id: 'del',
        effect: 'allow',
        subjects: [{ scopes: ['docs:all'] }],
        tools: ['docs/delete_all'],
      },
      { id: 'code', effect: 'allow', subjects: [{ any: true }], servers: ['code'] },
    ],
    section: {
      registration: { per_minute: 100 },
      clients: {
        secretive: { ...program, secret: '${env:NIGHTLY}' },
        signing: { ...program, jwks: { keys: [signer.jwk] } },
      },
    },
    env: { NIGHTLY: SECRET },
  })
})

after(() => stopAll(gateway, upstream))

const provider = () => new RobotProvider(new FormRobot(), new OauthAgent(gateway.origin))

test('The TypeScript SDK v1 gets from nothing to a tool call', async () => {
  const auth = provider()
  const client = await signInV1(gateway.url('docs'), auth)
  const result = await client.callTool({ name: 'echo', arguments: {} })
  assert.ok(result.content)
  assert.equal(auth.asked, 1)
  assert.equal(claimsOf(auth.held!.access_token)['aud'], gateway.url('docs'))
  await client.close()
})

test('The TypeScript SDK v2 gets from nothing to a tool call', async () => {
  const auth = provider()
  const client = await signInV2(gateway.url('docs'), auth)
  const result = await client.callTool({ name: 'echo', arguments: {} })
  assert.ok(result.content)
  assert.equal(auth.asked, 1)
  await client.close()
})

test('A client of a server without scopes gets there too', async () => {
  const auth = provider()
  const client = await signInV1(gateway.url('code'), auth)
  assert.ok((await client.listTools()).tools.length > 0)
  assert.equal(claimsOf(auth.held!.access_token)['scope'], 'mcp')
  await client.close()
})

test('A client refreshes by itself, and nobody is asked again', async () => {
  const auth = provider()
  const client = await signInV1(gateway.url('docs'), auth)
  const before = auth.held!
  auth.held = { ...before, access_token: `${before.access_token.slice(0, -8)}AAAAAAAA` }
  assert.ok((await client.callTool({ name: 'echo', arguments: {} })).content)
  assert.equal(auth.asked, 1)
  assert.notEqual(auth.held.refresh_token, before.refresh_token)
  await client.close()
})

test('Programs with a secret or a key get a token for themselves with both SDKs', async () => {
  const expectedIssuer = gateway.origin
  const secret = { clientId: 'secretive', clientSecret: SECRET, expectedIssuer }
  const privateKey = { ...(await exportJWK(signer.privateKey)) }
  const key = { clientId: 'signing', privateKey, algorithm: signer.algorithm, expectedIssuer }
  const url = gateway.url('docs')
  const clients = [
    await connectV1With(url, new ClientCredentialsProvider(secret)),
    await connectV1With(url, new PrivateKeyJwtProvider(key)),
    await connectV2With(url, new ModernCredentials(secret)),
    await connectV2With(url, new ModernKeys(key)),
  ]
  for (const client of clients) {
    assert.ok((await client.callTool({ name: 'echo', arguments: {} })).content)
    await client.close()
  }
})

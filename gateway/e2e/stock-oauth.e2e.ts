/**
 * Stock clients with their own OAuth code, from nothing to a tool call: they find the authorization server,
 * register, send a person to it, redeem the code, refresh, and come back after their registration was lost.
 */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'

import {
  Client as ModernClient,
  StreamableHTTPClientTransport as ModernTransport,
  UnauthorizedError as ModernUnauthorized,
} from '@modelcontextprotocol/client'
import { UnauthorizedError } from '@modelcontextprotocol/sdk/client/auth.js'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'

import { startOwnIssuer } from '../testkit/authorization-server.ts'
import { FormRobot } from '../testkit/form-robot.ts'
import type { TestGatehouse } from '../testkit/gatehouse.ts'
import { claimsOf, OauthAgent } from '../testkit/oauth-agent.ts'
import { RobotProvider } from '../testkit/oauth-provider.ts'
import type { RecordingServer } from '../testkit/recording-server.ts'
import { startRecordingServer } from '../testkit/recording-server.ts'

let upstream: RecordingServer
let gateway: TestGatehouse

before(async () => {
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
    section: { registration: { per_minute: 100 } },
  })
})

after(async () => {
  await gateway.stop()
  await upstream.stop()
})

const provider = () => new RobotProvider(new FormRobot(), new OauthAgent(gateway.origin))

/** Connects with the SDK v1; the first attempt ends where a person is needed. */
async function connectV1(server: string, auth: RobotProvider): Promise<Client> {
  const url = new URL(gateway.url(server))
  const first = new StreamableHTTPClientTransport(url, { authProvider: auth })
  const client = new Client({ name: 'stock', version: '1.0.0' })
  try {
    await client.connect(first)
    return client
  } catch (error) {
    if (!(error instanceof UnauthorizedError)) throw error
  }
  await first.finishAuth(auth.code)
  const next = new Client({ name: 'stock', version: '1.0.0' })
  await next.connect(new StreamableHTTPClientTransport(url, { authProvider: auth }))
  return next
}

async function connectV2(server: string, auth: RobotProvider): Promise<ModernClient> {
  const url = new URL(gateway.url(server))
  const first = new ModernTransport(url, { authProvider: auth })
  const client = new ModernClient({ name: 'stock', version: '1.0.0' })
  try {
    await client.connect(first)
    return client
  } catch (error) {
    if (!(error instanceof ModernUnauthorized)) throw error
  }
  await first.finishAuth(auth.answer)
  const next = new ModernClient({ name: 'stock', version: '1.0.0' })
  await next.connect(new ModernTransport(url, { authProvider: auth }))
  return next
}

test('The TypeScript SDK v1 gets from nothing to a tool call', async () => {
  const auth = provider()
  const client = await connectV1('docs', auth)
  const result = await client.callTool({ name: 'echo', arguments: {} })
  assert.ok(result.content)
  assert.equal(auth.asked, 1)
  assert.equal(claimsOf(auth.held!.access_token)['aud'], gateway.url('docs'))
  await client.close()
})

test('The TypeScript SDK v2 gets from nothing to a tool call', async () => {
  const auth = provider()
  const client = await connectV2('docs', auth)
  const result = await client.callTool({ name: 'echo', arguments: {} })
  assert.ok(result.content)
  assert.equal(auth.asked, 1)
  await client.close()
})

test('A client of a server without scopes gets there too', async () => {
  const auth = provider()
  const client = await connectV1('code', auth)
  assert.ok((await client.listTools()).tools.length > 0)
  assert.equal(claimsOf(auth.held!.access_token)['scope'], 'mcp')
  await client.close()
})

test('A client refreshes by itself, and nobody is asked again', async () => {
  const auth = provider()
  const client = await connectV1('docs', auth)
  const before = auth.held!
  auth.held = { ...before, access_token: `${before.access_token.slice(0, -8)}AAAAAAAA` }
  assert.ok((await client.callTool({ name: 'echo', arguments: {} })).content)
  assert.equal(auth.asked, 1)
  assert.notEqual(auth.held.refresh_token, before.refresh_token)
  await client.close()
})

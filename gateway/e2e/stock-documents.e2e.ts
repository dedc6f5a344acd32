/**
 * Stock clients that are described at their own address (Client ID Metadata Documents) and register nowhere: no
 * gateway asks on loopback for a description, so the authorization server is one in this process that has the
 * documents, and the gateway trusts it as it would any other.
 */
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'

import { FormRobot } from '../testkit/form-robot.ts'
import { freePort } from '../testkit/free-port.ts'
import type { TestGatehouse } from '../testkit/gatehouse.ts'
import { allowAll, startGatehouse } from '../testkit/gatehouse.ts'
import type { LoneIssuer } from '../testkit/lone-issuer.ts'
import { startLoneIssuer } from '../testkit/lone-issuer.ts'
import { claimsOf, OauthAgent } from '../testkit/oauth-agent.ts'
import { RobotProvider } from '../testkit/oauth-provider.ts'
import type { RecordingServer } from '../testkit/recording-server.ts'
import { startRecordingServer } from '../testkit/recording-server.ts'
import { signInV1, signInV2 } from '../testkit/sdk-oauth.ts'
import {
  allowAt,
  INSPECTOR_ASKS,
  openRemote,
  REMOTE_ASKS,
  startInspector,
} from '../testkit/stock-commands.ts'
import { stopAll } from '../testkit/stop-all.ts'

const ID = 'https://app.example/oauth/client.json'
/** Of the commands, which listen for their answer; any port of it will do. */
const REDIRECTS = [
  'http://127.0.0.1:9/callback',
  'http://localhost/oauth/callback',
  'http://127.0.0.1/oauth/callback',
]

let upstream: RecordingServer
let issuer: LoneIssuer
let gateway: TestGatehouse
let homes: string

before(async () => {
  homes = await mkdtemp(join(tmpdir(), 'gatehouse-documents-'))
  upstream = await startRecordingServer()
  const port = await freePort()
  const origin = `http://127.0.0.1:${port}`
  issuer = await startLoneIssuer({
    documents: { [ID]: { client_id: ID, client_name: 'Described', redirect_uris: REDIRECTS } },
    servers: [{ name: 'docs', resource: `${origin}/mcp`, scopes: [] }],
  })
  gateway = await startGatehouse({
    servers: { docs: upstream.url },
    rules: [allowAll('docs')],
    config: {
      public_url: origin,
      listen: { port },
      issuers: [{ issuer: issuer.origin, jwks: { keys: issuer.keys } }],
    },
  })
})

after(async () => {
  await stopAll(gateway, issuer, upstream)
  await rm(homes, { recursive: true, force: true })
})

for (const [name, signIn] of [
  ['v1', signInV1],
  ['v2', signInV2],
] as const) {
  test(`The TypeScript SDK ${name} gets to a tool call as what it is described to be`, async () => {
    const auth = new RobotProvider(new FormRobot(), new OauthAgent(issuer.origin))
    auth.clientMetadataUrl = ID
    const client = await signIn(gateway.url('docs'), auth)
    assert.ok((await client.callTool({ name: 'echo', arguments: {} })).content)
    assert.equal(claimsOf(auth.held!.access_token)['client_id'], ID)
    await client.close()
  })
}

test('mcp-remote gets to a tool call as what it is described to be', async () => {
  const options = { url: gateway.url('docs'), home: join(homes, 'remote') }
  const args = ['--client-metadata-url', ID]
  const remote = await openRemote({ ...options, args }, async (hear) => {
    const page = await hear(REMOTE_ASKS)
    assert.equal(new URL(page).searchParams.get('client_id'), ID)
    await allowAt(page)
  })
  assert.ok((await remote.client.callTool({ name: 'echo' })).content)
  await remote.close()
})

test('The Inspector gets to a tool call as what it is described to be', async () => {
  const options = { url: gateway.url('docs'), home: join(homes, 'inspector') }
  const inspector = await startInspector({ ...options, args: ['--client-metadata-url', ID] })
  const [, page = ''] = await inspector.waitFor(INSPECTOR_ASKS)
  assert.equal(new URL(page).searchParams.get('client_id'), ID)
  await allowAt(page)
  assert.equal(await inspector.exited, 0, inspector.output())
  assert.match(inspector.output(), /called echo/)
})

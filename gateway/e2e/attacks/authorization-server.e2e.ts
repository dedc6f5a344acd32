/** Ways around what the authorization server decides: other spellings, second thoughts, two at once. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'

import { startOwnIssuer } from '../../testkit/authorization-server.ts'
import type { TestGatehouse } from '../../testkit/gatehouse.ts'
import { allowAll } from '../../testkit/gatehouse.ts'
import type { Registered } from '../../testkit/oauth-agent.ts'
import { OauthAgent } from '../../testkit/oauth-agent.ts'
import type { RecordingServer } from '../../testkit/recording-server.ts'
import { startRecordingServer } from '../../testkit/recording-server.ts'

let upstream: RecordingServer
let gateway: TestGatehouse
let agent: OauthAgent

before(async () => {
  upstream = await startRecordingServer()
  gateway = await startOwnIssuer({
    servers: { docs: upstream.url },
    rules: [allowAll('docs')],
    section: { registration: { per_minute: 100, redirect_hosts: ['app.example'] } },
  })
  agent = new OauthAgent(gateway.origin)
})

after(async () => {
  await gateway.stop()
  await upstream.stop()
})

const REDIRECT = 'https://app.example/cb'

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

/** An agent without a browser: it shows a code, a person types it in elsewhere and decides (RFC 8628). */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'

import { startOwnIssuer } from '../testkit/authorization-server.ts'
import { FormRobot } from '../testkit/form-robot.ts'
import type { TestGatehouse } from '../testkit/gatehouse.ts'
import { allowAll } from '../testkit/gatehouse.ts'
import { claimsOf, OauthAgent, signIn } from '../testkit/oauth-agent.ts'
import type { RecordingServer } from '../testkit/recording-server.ts'
import { startRecordingServer } from '../testkit/recording-server.ts'
import { stopAll } from '../testkit/stop-all.ts'

const DEVICE_CODE = 'urn:ietf:params:oauth:grant-type:device_code'

type Device = {
  readonly device_code: string
  readonly user_code: string
  readonly verification_uri: string
}

let upstream: RecordingServer
let gateway: TestGatehouse
let agent: OauthAgent
let client = ''

before(async () => {
  upstream = await startRecordingServer()
  gateway = await startOwnIssuer({ servers: { docs: upstream.url }, rules: [allowAll('docs')] })
  agent = new OauthAgent(gateway.origin)
  const metadata = { grant_types: [DEVICE_CODE, 'refresh_token'], redirect_uris: [] }
  client = (await agent.register(metadata)).json.client_id
})

after(() => stopAll(gateway, upstream))

async function begin(): Promise<Device> {
  const { status, json } = await agent.form<Device>('/oauth/device-code', { client_id: client })
  assert.equal(status, 200)
  assert.equal(json.verification_uri, `${gateway.origin}/oauth/device`)
  // A device with a ready link would show that and no code.
  assert.ok(!('verification_uri_complete' in json))
  return json
}

async function poll(device: Device, id = client) {
  const form = { grant_type: DEVICE_CODE, client_id: id, device_code: device.device_code }
  const { status, json } = await agent.token(form)
  return { status, json, error: Reflect.get(json, 'error') as unknown }
}

test('A person types the code, signs in and decides, and the device gets a token for the server', async () => {
  const device = await begin()
  assert.equal((await poll(device)).error, 'authorization_pending')
  const robot = new FormRobot()
  const asked = await robot.open(`${device.verification_uri}?user_code=${device.user_code}`)
  // A link cannot fill it in.
  assert.ok(!asked.text.includes(device.user_code) && !asked.text.includes('<script'))
  assert.match(asked.headers.get('content-security-policy') ?? '', /frame-ancestors 'none'/)
  const confirm = await robot.submit(asked, { user_code: device.user_code.toLowerCase() })
  assert.ok(confirm.text.includes(device.user_code))
  const consent = await signIn(robot, await robot.submit(confirm, {}))
  assert.match(consent.text, /the device<\/strong> that showed you the code/)
  const done = await robot.submit(consent, { do: 'allow' })
  assert.match(done.text, /Your device goes on by itself/)
  const { status, json } = await poll(device)
  assert.equal(status, 200)
  const claims = claimsOf(json.access_token)
  assert.deepEqual(
    [claims['gty'], claims['sub'], claims['aud']],
    ['device', 'local|alice', gateway.url('docs')],
  )
  assert.equal((await poll(device)).error, 'invalid_grant')
})

test('A device whose person says no, or another client with its code, gets nothing', async () => {
  const device = await begin()
  const { json: other } = await agent.register({ grant_types: [DEVICE_CODE], redirect_uris: [] })
  assert.equal((await poll(device, other.client_id)).error, 'invalid_grant')
  const robot = new FormRobot()
  const asked = await robot.open(device.verification_uri)
  const confirm = await robot.submit(asked, { user_code: device.user_code })
  await robot.submit(confirm, { abort: 'yes' })
  assert.equal((await poll(device)).error, 'access_denied')
})

test('Codes cannot be tried without end, and a form of another site does nothing', async () => {
  const device = await begin()
  const robot = new FormRobot()
  const asked = await robot.open(device.verification_uri)
  const forged = await robot.submit(asked, { xsrf: 'x', user_code: device.user_code })
  assert.ok(!forged.text.includes('Is this your code'))
  assert.match((await robot.submit(asked, { user_code: 'AAAA-AAAA' })).text, /type it again/)
  let status = 200
  for (let attempt = 0; attempt < 2_000 && status !== 429; attempt++) {
    status = (await robot.submit(asked, { user_code: 'BBBB-BBBB' })).status
  }
  assert.equal(status, 429)
})

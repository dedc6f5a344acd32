/** Back-channel logout: signing out at the company ends what came of it here, and nobody else can say so. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'

import { startOwnIssuer } from '../testkit/authorization-server.ts'
import type { CorporateIdp } from '../testkit/corporate-idp.ts'
import { IDP_SECRET, signOutAt, startCorporateIdp } from '../testkit/corporate-idp.ts'
import { eventually } from '../testkit/eventually.ts'
import { FormRobot } from '../testkit/form-robot.ts'
import { freePort } from '../testkit/free-port.ts'
import type { TestGatehouse } from '../testkit/gatehouse.ts'
import { allowAll } from '../testkit/gatehouse.ts'
import { OauthAgent } from '../testkit/oauth-agent.ts'
import type { RecordingServer } from '../testkit/recording-server.ts'
import { startRecordingServer } from '../testkit/recording-server.ts'
import { callTool, post } from '../testkit/rpc.ts'
import { stopAll } from '../testkit/stop-all.ts'

let upstream: RecordingServer
/** Says which session has ended. */
let corp: CorporateIdp
/** Says who has signed out. */
let partner: CorporateIdp
let gateway: TestGatehouse
let agent: OauthAgent

before(async () => {
  upstream = await startRecordingServer()
  const port = await freePort()
  const origin = `http://127.0.0.1:${port}`
  const start = (name: string, namesSessions: boolean) =>
    startCorporateIdp([`${origin}/oauth/callback/${name}`], {
      backChannel: { uri: `${origin}/oauth/backchannel-logout/${name}`, namesSessions },
    })
  corp = await start('corp', true)
  partner = await start('partner', false)
  const entry = ({ issuer }: CorporateIdp) => ({
    issuer,
    client_id: 'gatehouse',
    client_secret: '${env:IDP_SECRET}',
  })
  gateway = await startOwnIssuer({
    servers: { docs: upstream.url },
    rules: [allowAll('docs')],
    env: { IDP_SECRET },
    section: {
      registration: { per_minute: 100 },
      sign_in: { corp: entry(corp), partner: entry(partner) },
    },
    config: { public_url: origin, listen: { port } },
  })
  agent = new OauthAgent(gateway.origin)
})

after(() => stopAll(gateway, corp, partner, upstream))

/** A person signs in at a provider and lets an agent act. */
async function allowed(name: 'corp' | 'partner', robot = new FormRobot()) {
  const { json: client } = await agent.register({
    grant_types: ['authorization_code', 'refresh_token'],
  })
  const page = await robot.open(agent.authorizeUrl(client.client_id))
  const left = await robot.open(`${page.url}/with/${name}`)
  const there = await robot.open(left.headers.get('location') ?? '')
  const consent = await robot.open(there.headers.get('location') ?? '')
  const done = await robot.submit(consent, { do: 'allow' })
  const code = new URL(done.headers.get('location') ?? '').searchParams.get('code') ?? ''
  const { json } = await agent.redeem(client.client_id, code)
  const calls = async () =>
    (await post(gateway.url('docs'), callTool('echo'), { token: json.access_token })).status
  const refreshes = async () => {
    const form = { grant_type: 'refresh_token', client_id: client.client_id }
    return (await agent.token({ ...form, refresh_token: json.refresh_token ?? '' })).status
  }
  const isSignedIn = async () =>
    /may act for you/.test((await robot.open(`${gateway.origin}/oauth/access`)).text)
  return { robot, calls, refreshes, isSignedIn }
}

async function send(name: string, token: string): Promise<number> {
  const { status } = await agent.form(`/oauth/backchannel-logout/${name}`, { logout_token: token })
  return status
}

test('Signing out at the company ends the browser session and what agents were allowed in it, within a second', async () => {
  const one = await allowed('corp')
  const elsewhere = await allowed('corp')
  assert.deepEqual([await one.calls(), await one.isSignedIn()], [200, true])
  await signOutAt(corp, one.robot)
  // The company has told us before it answers.
  const ended = [await one.calls(), await one.refreshes(), await one.isSignedIn()]
  assert.deepEqual(ended, [401, 400, false])
  // Another session of the same person at the same company goes on.
  assert.deepEqual([await elsewhere.calls(), await elsewhere.isSignedIn()], [200, true])
  assert.equal(await elsewhere.refreshes(), 200)
})

test('A provider that names no session ends all of the person, who may sign in anew; others go on', async () => {
  const one = await allowed('partner')
  const other = await allowed('partner')
  const namesake = await allowed('corp')
  await signOutAt(partner, one.robot)
  for (const { calls, refreshes, isSignedIn } of [one, other]) {
    assert.deepEqual([await calls(), await refreshes(), await isSignedIn()], [401, 400, false])
  }
  assert.deepEqual([await namesake.calls(), await namesake.isSignedIn()], [200, true])
  // The cutoff is the end of the second in which it was made.
  await eventually(async () => assert.equal(await (await allowed('partner')).calls(), 200))
})

test('A logout token counts once, for the provider it is of, and nothing else passes as one', async () => {
  const one = await allowed('corp')
  await signOutAt(corp, one.robot)
  const token = corp.logoutTokens.at(-1) ?? ''
  assert.equal(await one.calls(), 401)
  const again = await allowed('corp')
  assert.equal(await send('corp', token), 400)
  assert.equal(await send('partner', token), 400)
  assert.equal(await send('unknown', token), 404)
  const [head, , signature] = token.split('.')
  const claims = { iss: corp.issuer, aud: 'gatehouse', sub: '00u1', jti: 'x', events: {} }
  const body = Buffer.from(JSON.stringify(claims)).toString('base64url')
  assert.equal(await send('corp', `${head}.${body}.${signature}`), 400)
  assert.equal(await again.calls(), 200)
  const got = await fetch(`${gateway.origin}/oauth/backchannel-logout/corp?logout_token=${token}`)
  assert.equal(got.status, 404)
})

test('Who ended what is in the audit log and the metrics, and no token is', async () => {
  const one = await allowed('corp')
  await signOutAt(corp, one.robot)
  const text = await eventually(async () => {
    const records = await gateway.audit()
    assert.ok(
      records.some(
        ({ event, subject, way }) =>
          event === 'signed_out' && subject === 'corp|00u1' && way === 'corp',
      ),
    )
    return JSON.stringify(records)
  })
  for (const token of corp.logoutTokens) assert.ok(!text.includes(token.slice(-40)))
  assert.match(await gateway.metrics(), /gatehouse_sign_outs_total\{way="corp"\} [1-9]/)
})

/**
 * Somebody else's protected server, for which another gateway stands, with an authorization server of its own:
 * registration, PKCE, `iss`, resource indicators, rotated refresh tokens. The person has an account at both.
 */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'

import { temporaryKey } from '../seal/seal.ts'
import { startOwnIssuer } from '../testkit/authorization-server.ts'
import { eventually } from '../testkit/eventually.ts'
import { FormRobot, type Shown } from '../testkit/form-robot.ts'
import { allowAll, type TestGatehouse } from '../testkit/gatehouse.ts'
import { claimsOf, OauthAgent, signIn } from '../testkit/oauth-agent.ts'
import { startRecordingServer, type RecordingServer } from '../testkit/recording-server.ts'
import { callTool, modern, post } from '../testkit/rpc.ts'
import { stopAll } from '../testkit/stop-all.ts'

let server: RecordingServer
let theirs: TestGatehouse
let ours: TestGatehouse
/** What the agent has for our gateway. */
let token: string

/** The person's browser, signed in at ours; theirs asks for itself. */
const robot = new FormRobot()

before(async () => {
  server = await startRecordingServer()
  theirs = await startOwnIssuer({ servers: { docs: server.url }, rules: [allowAll('docs')] })
  const discover = theirs.url('docs')
  ours = await startOwnIssuer({
    servers: {
      partner: { upstream: discover, credential: { mode: 'vault', provider: 'partner' } },
    },
    rules: [allowAll('partner')],
    config: { providers: { partner: { discover, title: 'Partner' } } },
    env: { GATEHOUSE_KEYS: `k1:${temporaryKey().key.reveal()}` },
  })
})

after(() => stopAll(ours, theirs, server))

/** From our page to theirs, through their sign-in and consent, and back. */
async function connect(offer: Shown): Promise<Shown> {
  const away = await robot.submit(offer, {})
  const url = away.headers.get('location') ?? ''
  assert.ok(url.startsWith(`${theirs.origin}/oauth/authorize?`), `${away.url} ${away.text}`)
  const back = await new OauthAgent(theirs.origin).consent(new FormRobot(), url)
  return await robot.open(back.href)
}

test('In one visit a person allows an agent here and connects the account there', async () => {
  const agent = new OauthAgent(ours.origin)
  const { json: client } = await agent.register()
  const url = agent.authorizeUrl(client.client_id, { resource: ours.url('partner') })
  const consent = await signIn(robot, await robot.open(url))
  assert.match(consent.text, /<strong>Partner<\/strong>, not connected yet/)
  const offer = await robot.submit(consent, { do: 'allow' })
  assert.match(offer.text, /Connect your Partner account/)
  const done = await connect(offer)
  const code = new URL(done.headers.get('location') ?? 'none:').searchParams.get('code') ?? ''
  token = (await agent.redeem(client.client_id, code)).json.access_token
  const { json } = await post(ours.url('partner'), callTool('echo'), { token })
  assert.ok(json?.result, JSON.stringify(json))
})

test('The call there is under the account there, with a token for that server alone', async () => {
  // The records of a moment are written together.
  const callers = await eventually(async () => {
    const found = (await theirs.audit()).flatMap(({ caller }) => (caller ? [caller] : []))
    assert.ok(found.length > 0)
    return found
  })
  for (const { issuer, subject } of callers as { issuer: string; subject: string }[]) {
    assert.deepEqual([issuer, subject], [theirs.origin, 'local|alice'])
  }
  const issued = (await theirs.audit()).filter(({ event }) => event === 'token_issued')
  assert.deepEqual([...new Set(issued.map(({ audience }) => audience))], [theirs.url('docs')])
  // Their gateway took it, so it was theirs; ours is for nobody but us.
  assert.equal(claimsOf(token)['aud'], ours.url('partner'))
})

test('A client that was removed there is replaced by the next connection, and the call goes through', async () => {
  const { json } = await theirs.admin('GET', '/admin/clients')
  const [client, ...others] = json['clients'] as { id: string }[]
  assert.ok(client !== undefined && others.length === 0, JSON.stringify(json))
  const gone = await theirs.admin('DELETE', `/admin/clients/${client.id}`)
  assert.equal(gone.status, 200, JSON.stringify(gone.json))
  const { body, headers } = modern('tools/call', { name: 'echo', arguments: {} })
  const asked = await post(ours.url('partner'), body, { token, headers })
  const [request] = Object.values(asked.json?.result?.['inputRequests'] ?? {}) as [
    { params: { url: string } },
  ]
  assert.ok(request, asked.text)
  const page = await connect(await robot.open(request.params.url))
  assert.match(page.text, /Partner is connected/)
  const retry = await post(ours.url('partner'), body, { token, headers })
  assert.equal(retry.json?.result?.['resultType'] ?? 'complete', 'complete', retry.text)
  const registered = (await ours.audit()).filter(({ event }) => event === 'provider_registration')
  assert.equal(new Set(registered.map((record) => record['client'])).size, 2)
  const ended = (await ours.audit()).filter(({ action }) => action === 'ended')
  assert.deepEqual(
    ended.map(({ detail }) => detail),
    ['invalid_client'],
  )
})

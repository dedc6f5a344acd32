/** What a person has allowed, seen and taken back; and that signing out ends what was allowed meanwhile. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'

import { startOwnIssuer } from '../testkit/authorization-server.ts'
import { cheapHash } from '../testkit/cheap-hash.ts'
import { eventually } from '../testkit/eventually.ts'
import { FormRobot } from '../testkit/form-robot.ts'
import type { TestGatehouse } from '../testkit/gatehouse.ts'
import { allowAll } from '../testkit/gatehouse.ts'
import { ALICE, OauthAgent, REDIRECT, signIn } from '../testkit/oauth-agent.ts'
import type { RecordingServer } from '../testkit/recording-server.ts'
import { startRecordingServer } from '../testkit/recording-server.ts'
import { callTool, post } from '../testkit/rpc.ts'
import { stopAll } from '../testkit/stop-all.ts'

let upstream: RecordingServer
let gateway: TestGatehouse
let agent: OauthAgent

/** Scopes of the server, and where applications that the operator knows may lead back to. */
const SCOPES = ['docs:read', 'docs:write'] as const
const [HERE, THERE] = ['https://console.example/cb', 'https://console.example/other'] as const

const ruleFor = (scope: string) => ({
  id: scope.replace(':', '-'),
  effect: 'allow',
  subjects: [{ scopes: [scope] }],
  servers: ['docs'],
})

before(async () => {
  const application = { kind: 'human', redirect_uris: [HERE, THERE] }
  const user = { password: cheapHash(ALICE.password), groups: ['analysts'] }
  upstream = await startRecordingServer()
  gateway = await startOwnIssuer({
    servers: { docs: upstream.url },
    rules: [allowAll('docs'), ...SCOPES.map(ruleFor)],
    section: {
      registration: { per_minute: 100 },
      clients: { console: application, reports: application },
    },
    files: { 'users.yaml': JSON.stringify({ version: 1, users: { alice: user, bob: user } }) },
  })
  agent = new OauthAgent(gateway.origin)
})

after(() => stopAll(gateway, upstream))

/** An agent that was allowed to act, and may refresh. */
async function allowed(robot: FormRobot) {
  const { json: client } = await agent.register({
    grant_types: ['authorization_code', 'refresh_token'],
  })
  const url = await agent.consent(robot, agent.authorizeUrl(client.client_id))
  const { json } = await agent.redeem(client.client_id, url.searchParams.get('code') ?? '')
  const works = async () =>
    (await post(gateway.url('docs'), callTool('echo'), { token: json.access_token })).status === 200
  const refreshes = async () => {
    const form = { grant_type: 'refresh_token', client_id: client.client_id }
    const sent = { ...form, refresh_token: json.refresh_token ?? '' }
    return (await agent.token(sent)).status === 200
  }
  return { id: client.client_id, works, refreshes }
}

const accessUrl = (): string => `${gateway.origin}/oauth/access`

test('A person sees what acts for them and ends one of them, and the other goes on', async () => {
  const robot = new FormRobot()
  const [one, other] = [await allowed(robot), await allowed(robot)]
  const page = await robot.open(accessUrl())
  assert.ok(page.text.includes(one.id) && page.text.includes(other.id))
  const fields = { client: one.id, redirect: REDIRECT.replace(':9', ''), do: 'revoke' }
  assert.equal((await robot.submit(page, { ...fields, form_token: 'x' })).status, 403)
  assert.equal((await robot.submit(page, fields, { 'sec-fetch-site': 'cross-site' })).status, 403)
  assert.ok(await one.works())
  const left = await robot.submit(page, fields)
  assert.ok(!left.text.includes(one.id) && left.text.includes(other.id))
  assert.deepEqual([await one.works(), await one.refreshes()], [false, false])
  assert.deepEqual([await other.works(), await other.refreshes()], [true, true])
})

test('Nobody sees or ends what others have allowed, and who is not signed in is asked to', async () => {
  const robot = new FormRobot()
  const own = await allowed(robot)
  const stranger = await new FormRobot().open(accessUrl())
  assert.match(stranger.text, /name="password"/)
  assert.ok(!stranger.text.includes(own.id) && (await own.works()))
})

test('What was allowed holds for that person, application, redirect and scope, and is asked anew of any other', async () => {
  const ask = (client: string, redirect: string, scope: string): string =>
    agent.authorizeUrl(client, { redirect_uri: redirect, scope })
  const [read, both] = [SCOPES[0], SCOPES.join(' ')]
  const robot = new FormRobot()
  const isAsked = async (url: string): Promise<boolean> => {
    const { headers, text } = await robot.open(url)
    const location = headers.get('location')
    assert.ok(location === null ? text.includes('value="allow"') : /[?&]code=/.test(location))
    return location === null
  }
  await agent.consent(robot, ask('console', HERE, read))
  assert.ok(!(await isAsked(ask('console', HERE, read))))
  const others = [
    ask('console', THERE, read),
    ask('console', HERE, both),
    ask('reports', HERE, read),
  ]
  for (const url of others) assert.ok(await isAsked(url), url)
  const bob = new FormRobot()
  const page = await bob.open(ask('console', HERE, read))
  const asked = await bob.submit(page, { ...ALICE, name: 'bob', do: 'sign-in' })
  assert.match(asked.text, /value="allow"/)
  await bob.submit(asked, { do: 'deny' })
  // Being asked, or another's no, changes nothing; and each yes is one of its own.
  assert.ok(!(await isAsked(ask('console', HERE, read))))
  for (const url of others) await agent.consent(robot, url)
  for (const url of others) assert.ok(!(await isAsked(url)), url)
  assert.ok(await isAsked(ask('console', THERE, both)))
})

test('Signing in leads back to a page of ours and nowhere else', async () => {
  for (const back of [
    '//evil.example',
    '/\\evil.example',
    'https:evil.example',
    '/%2f%2fevil',
    'x',
  ]) {
    const robot = new FormRobot()
    const page = await robot.open(
      `${gateway.origin}/oauth/sign-in?back=${encodeURIComponent(back)}`,
    )
    const after = await signIn(robot, page)
    assert.equal(new URL(after.url).origin, gateway.origin, back)
    assert.equal(after.headers.get('location'), null, back)
  }
  const robot = new FormRobot()
  const page = await robot.open(accessUrl())
  assert.equal((await new FormRobot().submit(page, { do: 'sign-in' })).status, 403)
  assert.match((await signIn(robot, page)).text, /Applications that may act for you/)
})

test('Whoever signs out ends what applications were allowed in that session', async () => {
  const robot = new FormRobot()
  const own = await allowed(robot)
  const page = await robot.open(accessUrl())
  const out = await robot.submit(page, { do: 'sign-out' })
  assert.match(out.text, /name="password"/)
  assert.deepEqual([await own.works(), await own.refreshes()], [false, false])
  assert.match((await robot.open(accessUrl())).text, /name="password"/)
})

test('Whoever is revoked is signed in nowhere any more, and may sign in anew', async () => {
  const robot = new FormRobot()
  const own = await allowed(robot)
  assert.match((await robot.open(accessUrl())).text, /Applications that may act for you/)
  const body = { kind: 'subject', issuer: gateway.origin, value: 'local|alice' }
  const { status, json } = await gateway.admin('POST', '/admin/revocations', { body })
  assert.deepEqual([status, json['expiresAtSeconds']], [201, undefined])
  const page = await robot.open(accessUrl())
  assert.match(page.text, /name="password"/)
  assert.deepEqual([await own.works(), await own.refreshes()], [false, false])
  // The cutoff is the end of the second in which it was made.
  await eventually(async () => {
    const signedIn = await signIn(robot, await robot.open(accessUrl()))
    assert.match(signedIn.text, /Applications that may act for you/)
  })
})

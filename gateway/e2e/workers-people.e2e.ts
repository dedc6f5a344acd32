/**
 * Two workers are one gateway to people as well: signing in, connecting an account, approving and revoking,
 * with each request at another worker than the one before.
 */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'

import { ACME_SECRET } from '../testkit/acme.ts'
import { startOwnIssuer } from '../testkit/authorization-server.ts'
import { eventually } from '../testkit/eventually.ts'
import { FormRobot, type Shown } from '../testkit/form-robot.ts'
import { freePort } from '../testkit/free-port.ts'
import { allowAll, type TestGatehouse } from '../testkit/gatehouse.ts'
import { claimsOf, OauthAgent, signIn } from '../testkit/oauth-agent.ts'
import type { RecordingServer } from '../testkit/recording-server.ts'
import { startRecordingServer } from '../testkit/recording-server.ts'
import { ringEntry } from '../testkit/replicas.ts'
import type { RotatingProvider } from '../testkit/rotating-provider.ts'
import { startRotatingProvider } from '../testkit/rotating-provider.ts'
import { callTool, post } from '../testkit/rpc.ts'
import { stopAll } from '../testkit/stop-all.ts'
import { takeTurns } from '../testkit/turns.ts'

const WORKERS = 2
const ANYBODY = [{ any: true }]

let upstream: RecordingServer
let acme: RotatingProvider
let gateway: TestGatehouse
const robot = new FormRobot()
let token = ''

before(async () => {
  takeTurns()
  const port = await freePort()
  const origin = `http://127.0.0.1:${port}`
  upstream = await startRecordingServer()
  acme = await startRotatingProvider({
    lifeSeconds: 600,
    redirectUris: [`${origin}/connect/acme/callback`],
  })
  gateway = await startOwnIssuer({
    servers: {
      files: { upstream: upstream.url, credential: { mode: 'vault', provider: 'acme' } },
    },
    rules: [
      allowAll('files'),
      {
        id: 'own',
        effect: 'require',
        subjects: ANYBODY,
        tools: ['files/delete_all'],
        require: { approval: { by: 'subject' } },
      },
    ],
    config: {
      workers: WORKERS,
      public_url: origin,
      listen: { port },
      providers: { acme: acme.entry },
    },
    env: { ACME_SECRET, GATEHOUSE_KEYS: ringEntry('k1') },
  })
})

after(() => stopAll(gateway, upstream, acme))

const call = (tool: string) => post(gateway.url('files'), callTool(tool, { path: '/a' }), { token })

/** The same call at every worker, twice. */
const callEach = (tool: string) =>
  Promise.all(Array.from({ length: 2 * WORKERS }, () => call(tool)))

const location = ({ headers }: Shown): string => headers.get('location') ?? ''

test('a person signs in, allows an agent and connects an account, and the agent calls as that account', async () => {
  const agent = new OauthAgent(gateway.origin)
  const { json: client } = await agent.register()
  const url = agent.authorizeUrl(client.client_id, { resource: gateway.url('files') })
  const consent = await signIn(robot, await robot.open(url))
  const offer = await robot.submit(consent, { do: 'allow' })
  assert.match(offer.text, /Connect your Acme account/)
  const back = await new FormRobot().open(location(await robot.submit(offer, {})))
  const done = new URL(location(await robot.open(location(back))))
  const { json } = await agent.redeem(client.client_id, done.searchParams.get('code') ?? '')
  token = json.access_token
  const replies = await callEach('echo')
  assert.deepEqual(new Set(replies.map(({ json: reply }) => reply?.error)), new Set([undefined]))
  const sent = new Set(upstream.calls('tools/call').map(({ headers }) => headers.authorization))
  const [credential = ''] = sent
  assert.deepEqual([sent.size, await acme.userOf(credential.replace('Bearer ', ''))], [1, 'nobody'])
})

test('what is approved at one worker is done once by all of them', async () => {
  const link = /http:\S+\/approve\/[\w-]+/.exec((await call('delete_all')).text)?.[0] ?? ''
  const decided = await robot.submit(await robot.open(link), { do: 'once' })
  assert.match(decided.text, /This call was approved/)
  const made = (): number =>
    upstream.calls('tools/call').filter(({ json }) => json?.params?.['name'] === 'delete_all')
      .length
  await eventually(async () => {
    await callEach('delete_all')
    assert.equal(made(), 1)
  })
  for (const { text } of await callEach('delete_all')) assert.match(text, /\/approve\//)
  assert.equal(made(), 1)
})

test('what an operator ends has ended at every worker when that is answered', async () => {
  const { sub } = claimsOf(token)
  const body = { kind: 'subject', issuer: gateway.origin, value: sub }
  assert.equal((await gateway.admin('POST', '/admin/revocations', { body })).status, 201)
  const statuses = (await callEach('echo')).map(({ status }) => status)
  assert.deepEqual(new Set(statuses), new Set([401]))
  const writers = new Set((await gateway.audit()).map((record) => record['instance']))
  assert.equal(writers.size, WORKERS)
})

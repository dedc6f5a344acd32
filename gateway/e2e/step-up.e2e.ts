/**
 * A rule wants a fresh or a stronger sign-in (RFC 9470): the call is answered with a challenge and nothing goes
 * up, and whoever follows it to the authorization server comes back with a token that passes.
 */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'

import { startOwnIssuer } from '../testkit/authorization-server.ts'
import { IDP_SECRET, startCorporateIdp, type CorporateIdp } from '../testkit/corporate-idp.ts'
import { eventually } from '../testkit/eventually.ts'
import { FormRobot, type Shown } from '../testkit/form-robot.ts'
import { freePort } from '../testkit/free-port.ts'
import { ISSUER, startGatehouse, type TestGatehouse } from '../testkit/gatehouse.ts'
import { claimsOf, OauthAgent, signIn } from '../testkit/oauth-agent.ts'
import { startRecordingServer, type RecordingServer } from '../testkit/recording-server.ts'
import { callTool, post, type Reply } from '../testkit/rpc.ts'
import { stopAll } from '../testkit/stop-all.ts'

const ANN = { subject: 'ann', client: 'assistant', scope: 'read' }
const GOLD = 'urn:corp:gold'
const ANYBODY = [{ any: true }]
const ALLOW = { id: 'all', effect: 'allow', subjects: ANYBODY, tools: ['docs/*'] }

/** What tools/call is answered with where this kind of sign-in is required. */
function requiring(stepUp: object): Readonly<Record<string, unknown>>[] {
  const require = { step_up: stepUp }
  return [ALLOW, { ...ALLOW, id: 'signed-in-so', effect: 'require', require }]
}

let upstream: RecordingServer
let idp: CorporateIdp
/** Takes tokens of an issuer elsewhere. */
let foreign: TestGatehouse
/** Issues its own. */
let own: TestGatehouse
let agent: OauthAgent

before(async () => {
  upstream = await startRecordingServer()
  foreign = await startGatehouse({
    servers: { docs: upstream.url },
    rules: requiring({ max_age: '10m' }),
  })
  const issuer = { issuer: ISSUER, jwks: { keys: [foreign.signer.jwk] }, interactive: true }
  await foreign.writeConfig({ issuers: [{ ...issuer, kind: 'agent' }] })
  assert.equal((await foreign.admin('POST', '/admin/reload')).status, 200)
  const port = await freePort()
  const origin = `http://127.0.0.1:${port}`
  idp = await startCorporateIdp([`${origin}/oauth/callback/corp`])
  const corp = { issuer: idp.issuer, client_id: 'gatehouse', client_secret: '${env:IDP_SECRET}' }
  own = await startOwnIssuer({
    servers: { docs: upstream.url },
    rules: requiring({ acr: [GOLD] }),
    env: { IDP_SECRET },
    section: { registration: { per_minute: 100 }, sign_in: { corp } },
    config: { public_url: origin, listen: { port } },
  })
  agent = new OauthAgent(own.origin)
})

after(() => stopAll(foreign, own, idp, upstream))

async function call(gateway: TestGatehouse, token: string): Promise<Reply> {
  return await post(gateway.url('docs'), callTool('echo'), { token })
}

test('A token with an old sign-in is challenged, nothing goes up, and a fresh one passes', async () => {
  const nowSeconds = Math.floor(Date.now() / 1_000)
  const tokenOf = async (auth_time: unknown): Promise<string> =>
    await foreign.token('docs', { ...ANN, claims: { auth_time } })
  const before = upstream.calls('tools/call').length
  for (const auth_time of [nowSeconds - 3_600, undefined, String(nowSeconds)]) {
    const { status, headers, text } = await call(foreign, await tokenOf(auth_time))
    assert.equal(status, 401)
    const challenge = headers.get('www-authenticate') ?? ''
    assert.match(challenge, /^Bearer error="insufficient_user_authentication", /)
    assert.match(challenge, /, scope="read", max_age="600", resource_metadata="/)
    assert.match(text, /"error":"insufficient_user_authentication"/)
  }
  assert.equal(upstream.calls('tools/call').length, before)
  await eventually(async () => {
    const refused = (await foreign.audit()).find((record) => record['reason'] === 'step_up')
    assert.deepEqual([refused?.['effect'], refused?.['rule']], ['deny', 'signed-in-so'])
  })
  assert.ok((await call(foreign, await tokenOf(nowSeconds - 60))).json?.result)
  // A client without a person could do nothing about it: to it the tool is not there.
  const machine = { subject: 'bot', client: 'bot' }
  const { status, json } = await call(foreign, await foreign.token('docs', machine))
  assert.deepEqual([status, json?.error?.code], [200, -32602])
})

/**
 * From a page that asks to sign in through the identity provider, and allows everything.
 *
 * @param without Parameters that somebody takes out of the address on the way there.
 */
async function throughCorp(robot: FormRobot, page: Shown, without: readonly string[] = []) {
  const left = await robot.open(`${page.url}/with/corp`)
  const there = new URL(left.headers.get('location') ?? '')
  const changed = new URL(there)
  for (const name of without) changed.searchParams.delete(name)
  const back = (await robot.open(changed.href)).headers.get('location') ?? ''
  const done = await robot.submit(await robot.open(back), { do: 'allow' })
  const { searchParams } = new URL(done.headers.get('location') ?? '')
  return { asked: there.searchParams, code: searchParams.get('code') ?? '' }
}

test('A client that follows the challenge has its person sign in stronger, and gets through', async () => {
  const robot = new FormRobot()
  const { json: client } = await agent.register()
  const tokenFor = async (more: Readonly<Record<string, string>>) => {
    const page = await robot.open(agent.authorizeUrl(client.client_id, more))
    const { asked, code } = await throughCorp(robot, page)
    assert.equal(asked.get('acr_values'), more['acr_values'] ?? null)
    return (await agent.redeem(client.client_id, code)).json.access_token
  }
  idp.usualClass = 'urn:corp:silver'
  const refused = await call(own, await tokenFor({}))
  assert.equal(refused.status, 401)
  const challenge = refused.headers.get('www-authenticate') ?? ''
  const [, acr_values = ''] = /acr_values="([^"]*)"/.exec(challenge) ?? []
  assert.equal(acr_values, GOLD)
  const token = await tokenFor({ acr_values })
  assert.equal(claimsOf(token)['acr'], GOLD)
  assert.ok((await call(own, token)).json?.result)
  // Signed in like that already, the person is not asked again.
  const again = await robot.open(agent.authorizeUrl(client.client_id, { acr_values }))
  assert.match(again.text, /wants to use docs/)
})

test('Who signs in in another way than the client wants is sent back with an error, not around', async () => {
  const robot = new FormRobot()
  const { client } = await agent.tokens(robot)
  const page = await robot.open(agent.authorizeUrl(client.client_id, { acr_values: 'gold iron' }))
  const done = await signIn(robot, page)
  const { searchParams } = new URL(done.headers.get('location') ?? '')
  assert.equal(searchParams.get('error'), 'unmet_authentication_requirements')
  const silent = { acr_values: GOLD, prompt: 'none' }
  const none = await robot.open(agent.authorizeUrl(client.client_id, silent))
  assert.match(none.headers.get('location') ?? '', /error=unmet_authentication_requirements/)
})

describe('the time of a sign-in', { concurrency: true }, () => {
  test('A password that was typed too long ago is asked for again, and the token says when', async () => {
    const robot = new FormRobot()
    const { client, tokens } = await agent.tokens(robot)
    await sleep(2_100)
    const url = (max_age: string): string => agent.authorizeUrl(client.client_id, { max_age })
    assert.match((await robot.open(url('600'))).text, /wants to use docs/)
    const page = await robot.open(url('1'))
    assert.match(page.text, /name="password"/)
    const code = (await agent.consent(robot, page.url)).searchParams.get('code') ?? ''
    const { json } = await agent.redeem(client.client_id, code)
    const [was, is] = [tokens, json].map((one) => Number(claimsOf(one.access_token)['auth_time']))
    assert.ok(was !== undefined && is !== undefined && is >= was + 2, `${was} ${is}`)
  })

  test('The time of a sign-in elsewhere is what the identity provider says, not when it sent its person back', async () => {
    const robot = new FormRobot()
    const { json: client } = await agent.register()
    const tokenAfter = async (
      more: Readonly<Record<string, string>>,
      without?: readonly string[],
    ): Promise<unknown> => {
      const page = await robot.open(agent.authorizeUrl(client.client_id, more))
      const { asked, code } = await throughCorp(robot, page, without)
      assert.equal(asked.get('prompt'), more['prompt'] ?? null)
      // Whoever is to sign in now is asked when, too.
      const maxAge = more['max_age'] ?? (more['prompt'] === undefined ? null : '0')
      assert.equal(asked.get('max_age'), maxAge)
      const { json } = await agent.redeem(client.client_id, code)
      return claimsOf(json.access_token)['auth_time']
    }
    const startedSeconds = Math.floor(Date.now() / 1_000)
    // Nobody asked when, so it does not say, and nor does the token.
    assert.equal(await tokenAfter({}), undefined)
    const signedInSeconds = Math.floor(Date.now() / 1_000)
    await sleep(1_100)
    // A session of which nobody knows how old it is does for no age: the provider is asked, and says it.
    const at = Number(await tokenAfter({ max_age: '3600' }))
    assert.ok(
      at >= startedSeconds && at <= signedInSeconds,
      `${at} is not when the person signed in`,
    )
    // Whoever must sign in now does so there. The pages tell time by the second.
    await sleep(1_100)
    assert.ok(Number(await tokenAfter({ prompt: 'login' })) > at)
    await sleep(1_100)
    // A browser can leave the wish out: then nobody says that its person has signed in now.
    assert.equal(await tokenAfter({ prompt: 'login' }, ['prompt', 'max_age']), undefined)
  })
})

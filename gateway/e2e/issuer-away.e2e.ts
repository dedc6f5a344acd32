/** The authorization server without its store: nothing is given, nothing is lost, everybody is told to come back. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'

import { FormRobot } from '../testkit/form-robot.ts'
import type { LoneIssuer } from '../testkit/lone-issuer.ts'
import { startLoneIssuer } from '../testkit/lone-issuer.ts'
import type { Login } from '../testkit/oauth-agent.ts'
import { ALICE, OauthAgent, REDIRECT } from '../testkit/oauth-agent.ts'

let isAway = false
let issuer: LoneIssuer
let agent: OauthAgent
let login: Login

before(async () => {
  issuer = await startLoneIssuer({
    documents: {},
    registration: { mode: 'open', maxClients: 10 },
    isAway: () => isAway,
  })
  agent = new OauthAgent(issuer.origin)
  const robot = new FormRobot()
  const { json: client } = await agent.register({
    grant_types: ['authorization_code', 'refresh_token'],
  })
  const url = await agent.consent(robot, agent.authorizeUrl(client.client_id))
  const code = url.searchParams.get('code') ?? ''
  const { json: tokens } = await agent.redeem(client.client_id, code)
  login = { client, code, tokens }
})

after(() => issuer.stop())

const refresh = (token: string | undefined) =>
  agent.token({
    grant_type: 'refresh_token',
    client_id: login.client.client_id,
    refresh_token: token ?? '',
  })

test('A client is told 503 with an OAuth error at every endpoint, and goes on where it was', async () => {
  const { client, tokens } = login
  const id = { client_id: client.client_id }
  const parameters = {
    response_type: 'code',
    redirect_uri: REDIRECT,
    code_challenge_method: 'S256',
  }
  const asked = { ...id, ...parameters, code_challenge: 'x'.repeat(43) }
  isAway = true
  try {
    const replies = {
      register: await agent.register(),
      refresh: await refresh(tokens.refresh_token),
      code: await agent.redeem(client.client_id, 'x'),
      par: await agent.form('/oauth/par', asked),
      device: await agent.form('/oauth/device-code', id),
      introspect: await agent.form('/oauth/introspect', { ...id, token: tokens.access_token }),
      revoke: await agent.form('/oauth/revoke', { ...id, token: tokens.refresh_token ?? '' }),
    }
    for (const [what, { status, json, headers }] of Object.entries(replies)) {
      assert.equal(status, 503, what)
      assert.equal(Reflect.get(Object(json), 'error'), 'temporarily_unavailable', what)
      assert.ok(Number(headers.get('retry-after')) > 0, what)
    }
    const authorization = `Bearer ${client.registration_access_token}`
    const managed = await fetch(client.registration_client_uri, { headers: { authorization } })
    assert.equal(managed.status, 503)
    await managed.body?.cancel()
  } finally {
    isAway = false
  }
  assert.equal((await refresh(tokens.refresh_token)).status, 200)
})

test('A person reads that it cannot be done right now, and decides later on the same page', async () => {
  const robot = new FormRobot()
  const { json } = await agent.register()
  const page = await robot.open(agent.authorizeUrl(json.client_id))
  isAway = true
  try {
    const shown = await robot.submit(page, { ...ALICE, do: 'sign-in' })
    assert.equal(shown.status, 503)
    assert.match(shown.text, /Nothing was allowed/)
    assert.equal((await robot.open(agent.authorizeUrl(json.client_id))).status, 503)
    assert.equal((await robot.open(`${issuer.origin}/oauth/device`)).status, 503)
  } finally {
    isAway = false
  }
  const consent = await robot.submit(page, { ...ALICE, do: 'sign-in' })
  const done = await robot.submit(consent, { do: 'allow' })
  assert.ok(new URL(done.headers.get('location') ?? '').searchParams.has('code'))
})

/** Signing in at a corporate identity provider, and what must not get anybody in. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'

import { startOwnIssuer } from '../testkit/authorization-server.ts'
import type { CorporateIdp } from '../testkit/corporate-idp.ts'
import { away, IDP_SECRET, startCorporateIdp } from '../testkit/corporate-idp.ts'
import type { Shown } from '../testkit/form-robot.ts'
import { FormRobot } from '../testkit/form-robot.ts'
import { freePort } from '../testkit/free-port.ts'
import type { TestGatehouse } from '../testkit/gatehouse.ts'
import { claimsOf, OauthAgent } from '../testkit/oauth-agent.ts'
import type { RecordingServer } from '../testkit/recording-server.ts'
import { startRecordingServer } from '../testkit/recording-server.ts'
import { callTool, post } from '../testkit/rpc.ts'
import { stopAll } from '../testkit/stop-all.ts'

let upstream: RecordingServer
let idp: CorporateIdp
let other: CorporateIdp
let gateway: TestGatehouse
let agent: OauthAgent

before(async () => {
  upstream = await startRecordingServer()
  const port = await freePort()
  const origin = `http://127.0.0.1:${port}`
  idp = await startCorporateIdp([`${origin}/oauth/callback/corp`])
  other = await startCorporateIdp([`${origin}/oauth/callback/partner`])
  const provider = (issuer: string) => ({
    issuer,
    client_id: 'gatehouse',
    client_secret: '${env:IDP_SECRET}',
  })
  gateway = await startOwnIssuer({
    servers: { docs: upstream.url },
    rules: [
      { id: 'a', effect: 'allow', subjects: [{ groups: ['analysts'] }], tools: ['docs/echo'] },
      { id: 's', effect: 'allow', subjects: [{ scopes: ['read', 'write'] }], tools: ['docs/x'] },
    ],
    env: { IDP_SECRET },
    section: {
      registration: { per_minute: 100 },
      sign_in: {
        corp: {
          ...provider(idp.issuer),
          title: 'Corp account',
          required: { hd: 'corp.example' },
          group_scopes: { analysts: ['read'] },
        },
        partner: provider(other.issuer),
      },
    },
    config: { public_url: origin, listen: { port } },
  })
  agent = new OauthAgent(gateway.origin)
})

after(() => stopAll(gateway, idp, other, upstream))

/** The page that asks to sign in, for a new client. */
async function begin(robot: FormRobot): Promise<{ readonly page: Shown; readonly client: string }> {
  const { json } = await agent.register()
  const page = await robot.open(agent.authorizeUrl(json.client_id))
  return { page, client: json.client_id }
}

async function answerOf(robot: FormRobot, consent: Shown): Promise<URLSearchParams> {
  const done = await robot.submit(consent, { do: 'allow' })
  return new URL(done.headers.get('location') ?? '').searchParams
}

test('A person signs in at their company, and is known to policy by its groups', async () => {
  const robot = new FormRobot()
  const { page, client } = await begin(robot)
  assert.match(page.text, /Sign in with Corp account/)
  const consent = await robot.open(await away(robot, page, 'corp'))
  assert.match(consent.text, /You are signed in as Bea/)
  // What the group may not grant is not even asked.
  assert.ok(consent.text.includes('>read<') && !consent.text.includes('>write<'))
  const code = (await answerOf(robot, consent)).get('code') ?? ''
  const { json } = await agent.redeem(client, code)
  const claims = claimsOf(json.access_token)
  assert.equal(claims['sub'], 'corp|00u1')
  assert.deepEqual(claims['groups'], ['analysts'])
  assert.deepEqual([claims['amr'], claims['acr']], [['pwd', 'mfa'], 'urn:corp:gold'])
  assert.equal(json.scope, 'read')
  const called = await post(gateway.url('docs'), callTool('echo'), { token: json.access_token })
  assert.ok(called.json?.result)
  // Signed in once, the next application needs the decision alone.
  const next = await begin(robot)
  assert.match(next.page.text, /wants to use docs/)
})

test('The way back counts once, in the browser that left, and for the provider it left to', async () => {
  const robot = new FormRobot()
  const { page } = await begin(robot)
  const back = await away(robot, page, 'corp')
  assert.equal((await new FormRobot().open(back)).status, 403)
  // A stranger who tried it has used it up.
  assert.equal((await robot.open(back)).status, 403)
  const again = await away(robot, page, 'corp')
  const mixed = again.replace('/callback/corp', '/callback/partner')
  assert.equal((await robot.open(mixed)).status, 403)
  const forged = (await away(robot, page, 'corp')).replace(
    /iss=[^&]+/,
    'iss=https%3A%2F%2Fevil.example',
  )
  const refused = await robot.open(forged)
  assert.deepEqual([refused.status, refused.text.includes('were not signed in')], [403, true])
  const stateless = `${gateway.origin}/oauth/callback/corp?code=x`
  assert.equal((await robot.open(stateless)).status, 403)
})

test('Somebody the operator does not let in is told so, and nobody is signed in', async () => {
  const before = idp.person
  idp.person = { sub: '00u2', claims: { name: 'Eve', hd: 'evil.example' } }
  const robot = new FormRobot()
  const { page } = await begin(robot)
  const refused = await robot.open(await away(robot, page, 'corp'))
  assert.match(refused.text, /this account may not use this gateway/)
  assert.match((await robot.open(page.url)).text, /Sign in with/)
  idp.person = before
})

test('Two companies may know the same name: they are two people', async () => {
  const robot = new FormRobot()
  const { page, client } = await begin(robot)
  const consent = await robot.open(await away(robot, page, 'partner'))
  const code = (await answerOf(robot, consent)).get('code') ?? ''
  assert.equal(
    claimsOf((await agent.redeem(client, code)).json.access_token)['sub'],
    'partner|00u1',
  )
})

test('Signing in makes a new session, whatever cookie was there before', async () => {
  const robot = new FormRobot()
  const first = await begin(robot)
  await robot.open(await away(robot, first.page, 'corp'))
  const session = robot.cookies.find((cookie) => cookie.startsWith('gatehouse-session='))
  const second = await begin(robot)
  const forced = await robot.open(agent.authorizeUrl(second.client, { prompt: 'login' }))
  await robot.open(await away(robot, forced, 'corp'))
  const now = robot.cookies.find((cookie) => cookie.startsWith('gatehouse-session='))
  assert.ok(session !== undefined && now !== undefined && session !== now)
})

test('A new signing key is published at once and signs later, and no token is lost', async () => {
  const kids = async (): Promise<readonly string[]> => {
    const set = await (await fetch(`${gateway.origin}/.well-known/jwks.json`)).json()
    return (set as { readonly keys: readonly { readonly kid: string }[] }).keys.map(
      ({ kid }) => kid,
    )
  }
  const before = await kids()
  const { status, json } = await gateway.admin('POST', '/admin/signing-keys/rotate')
  assert.deepEqual([status, json['published']], [200, before.length + 1])
  const after = await kids()
  assert.ok(before.every((kid) => after.includes(kid)) && after.length === before.length + 1)
  const robot = new FormRobot()
  const { page, client } = await begin(robot)
  const consent = await robot.open(await away(robot, page, 'corp'))
  const code = (await answerOf(robot, consent)).get('code') ?? ''
  const { json: tokens } = await agent.redeem(client, code)
  const head = JSON.parse(
    Buffer.from(tokens.access_token.split('.')[0] ?? '', 'base64url').toString(),
  )
  assert.ok(before.includes((head as { readonly kid: string }).kid))
  const called = await post(gateway.url('docs'), callTool('echo'), { token: tokens.access_token })
  assert.ok(called.json?.result)
})

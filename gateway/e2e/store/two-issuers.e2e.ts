/**
 * Two processes on the databases that machines share are one authorization server: signing in leaves one and
 * comes back to the other, signing out ends it at both, races for refresh tokens end no grant, and a stolen old
 * one does. `make prove` runs a hundred rounds of the race, `make test` five.
 */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'

import { REFRESH_GRACE_MS } from '../../issuer/adapter.ts'
import { startBalancer, WHICH } from '../../testkit/balancer.ts'
import type { CorporateIdp } from '../../testkit/corporate-idp.ts'
import { away, IDP_SECRET, signOutAt, startCorporateIdp } from '../../testkit/corporate-idp.ts'
import { eventually } from '../../testkit/eventually.ts'
import { FormRobot } from '../../testkit/form-robot.ts'
import type { Tokens } from '../../testkit/oauth-agent.ts'
import { claimsOf } from '../../testkit/oauth-agent.ts'
import { reportProof } from '../../testkit/proof.ts'
import type { SharedDatabase } from '../../testkit/shared-database.ts'
import { SHARED_DATABASES } from '../../testkit/shared-database.ts'
import { stopAll } from '../../testkit/stop-all.ts'
import type { TwoIssuers } from '../../testkit/two-issuers.ts'
import {
  allowedAgent,
  fetchAt,
  raceRefreshes,
  REFRESHES_AT_ONCE,
  startTwoIssuers,
} from '../../testkit/two-issuers.ts'

/** Until calls are refused at the process that was not told of a logout: a second, and one for a busy machine; ms. */
const LOGOUT_MS = 2_000

const ROUNDS = process.env['GATEHOUSE_PROVE'] === undefined ? 5 : 100

describe('one authorization server of two processes', { concurrency: 2 }, () => {
  for (const name of ['redis', 'postgres'] as const) {
    describe(name, () => testPair(name, SHARED_DATABASES[name]))
  }
})

function testPair(name: string, open: () => Promise<SharedDatabase>): void {
  let database: SharedDatabase
  let idp: CorporateIdp
  let issuers: TwoIssuers
  /** An agent whose first refresh token was used at this moment, and what it brought. */
  let robbed: Awaited<ReturnType<typeof allowedAgent>>
  let usedAtMs = 0
  let next: Tokens

  before(async () => {
    const balancer = await startBalancer()
    idp = await startCorporateIdp([`${balancer.origin}/oauth/callback/corp`], {
      backChannel: {
        uri: `${balancer.origin}/oauth/backchannel-logout/corp`,
        namesSessions: true,
      },
    })
    database = await open()
    const { issuer } = idp
    const corp = { issuer, client_id: 'gatehouse', client_secret: '${env:IDP_SECRET}' }
    issuers = await startTwoIssuers({
      state: database.state,
      env: { ...database.env, IDP_SECRET },
      section: { sign_in: { corp } },
      balancer,
    })
    robbed = await allowedAgent(issuers.agent())
    next = (await robbed.refresh(robbed.tokens.refresh_token)).json
    usedAtMs = Date.now()
  })

  after(() => stopAll(issuers, idp, database))

  /** Bea leaves the first process to sign in at her provider, and comes back to the second. */
  const signedOn = async () => {
    let which = 0
    const robot = new FormRobot({ fetch: fetchAt(() => which) })
    const agent = issuers.agent()
    const { json: client } = await agent.register({
      grant_types: ['authorization_code', 'refresh_token'],
    })
    const page = await robot.open(agent.authorizeUrl(client.client_id))
    const back = await away(robot, page, 'corp')
    which = 1
    const consent = await robot.open(back)
    assert.match(consent.text, /You are signed in as Bea/)
    const done = await robot.submit(consent, { do: 'allow' })
    const code = new URL(done.headers.get('location') ?? '').searchParams.get('code') ?? ''
    const { json } = await agent.redeem(client.client_id, code)
    return {
      robot,
      token: json.access_token,
      refreshAt: async (at: number) => {
        const form = { grant_type: 'refresh_token', client_id: client.client_id }
        const sent = { ...form, refresh_token: json.refresh_token ?? '' }
        return (await agent.token(sent, { [WHICH]: String(at) })).status
      },
      isSignedInAt: async (at: number) => {
        which = at
        const { text } = await robot.open(`${issuers.balancer.origin}/oauth/access`)
        return /may act for you/.test(text)
      },
    }
  }

  test(`${name}: sign-in leaves one process and comes back to the other, whose token the first one serves`, async () => {
    const { token } = await signedOn()
    assert.equal(claimsOf(token)['sub'], 'corp|00u1')
    for (const at of [0, 1]) assert.equal(await issuers.statusAt(at, token), 200)
  })

  test(`${name}: signing out at the provider ends at both what came of it, whichever of them it tells`, async () => {
    const [leaving, staying] = [await signedOn(), await signedOn()]
    const statuses = ({ token }: { readonly token: string }) =>
      Promise.all([0, 1].map((at) => issuers.statusAt(at, token)))
    const told = idp.logoutTokens.length
    assert.deepEqual(await statuses(leaving), [200, 200])
    await signOutAt(idp, leaving.robot)
    await eventually(async () => assert.deepEqual(await statuses(leaving), [401, 401]), LOGOUT_MS)
    assert.equal(idp.logoutTokens.length, told + 1, 'one of the two was told, once')
    for (const at of [0, 1]) {
      assert.equal(await leaving.isSignedInAt(at), false)
      assert.equal(await leaving.refreshAt(at), 400)
    }
    // The same person, in another session there.
    assert.deepEqual(await statuses(staying), [200, 200])
    assert.equal(await staying.isSignedInAt(1), true)
  })

  test(`${name}: an agent that refreshes at both processes at once keeps its grant`, async () => {
    await raceRefreshes(issuers, ROUNDS)
    const what = `refreshes of one agent raced at two processes on ${name}`
    reportProof({ what, cases: ROUNDS * REFRESHES_AT_ONCE, seed: undefined })
  })

  test(`${name}: an old refresh token that somebody else brings ends the grant at both`, async () => {
    const { tokens, refresh } = robbed
    assert.equal(await issuers.statusAt(0, next.access_token), 200)
    await pause(REFRESH_GRACE_MS + 500 - (Date.now() - usedAtMs))
    const stolen = await refresh(tokens.refresh_token)
    assert.deepEqual([stolen.status, Reflect.get(stolen.json, 'error')], [400, 'invalid_grant'])
    assert.equal((await refresh(next.refresh_token)).status, 400)
    await eventually(async () => {
      const statuses = [0, 1].map((at) => issuers.statusAt(at, next.access_token))
      assert.deepEqual(await Promise.all(statuses), [401, 401])
    })
    await eventually(async () => {
      const records = await Promise.all(issuers.gateways.map((gateway) => gateway.audit()))
      assert.ok(records.flat().some((record) => record['what'] === 'token_replayed'))
    })
  })
}

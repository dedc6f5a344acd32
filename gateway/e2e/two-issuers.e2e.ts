/**
 * Two processes on one store are one authorization server: every step of an authorization may happen at the
 * other one, codes count once between them, and concurrent refreshes never end a grant.
 */
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'

import { WHICH } from '../testkit/balancer.ts'
import { eventually } from '../testkit/eventually.ts'
import { FormRobot } from '../testkit/form-robot.ts'
import { stopAll } from '../testkit/stop-all.ts'
import type { TwoIssuers } from '../testkit/two-issuers.ts'
import { allowedAgent, raceRefreshes, startTwoIssuers } from '../testkit/two-issuers.ts'

let issuers: TwoIssuers
let directory: string

before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'gatehouse-two-'))
  const file = join(directory, 'state.db')
  issuers = await startTwoIssuers({ state: { driver: 'sqlite', file } })
})

after(async () => {
  await stopAll(issuers)
  await rm(directory, { recursive: true, force: true })
})

const statusesOf = async (token: string): Promise<readonly number[]> => [
  await issuers.statusAt(0, token),
  await issuers.statusAt(1, token),
]

test('Registration, sign-in, consent, code and call may each happen at the other process', async () => {
  const one = issuers.agent()
  const { client, code, tokens } = await allowedAgent(one)
  assert.deepEqual(await statusesOf(tokens.access_token), [200, 200])
  // Used again at either, it ends what it brought at both.
  assert.equal((await one.redeem(client, code)).status, 400)
  await eventually(async () => assert.deepEqual(await statusesOf(tokens.access_token), [401, 401]))
})

test('Of twenty who redeem a code at both at once one at most gets a token, and it is soon worth nothing', async () => {
  const one = issuers.agent()
  const { json: client } = await one.register()
  const url = await one.consent(new FormRobot(), one.authorizeUrl(client.client_id))
  const code = url.searchParams.get('code') ?? ''
  const tries = Array.from({ length: 20 }, () => one.redeem(client.client_id, code))
  const lucky = (await Promise.all(tries)).filter(({ status }) => status === 200)
  assert.ok(lucky.length <= 1)
  for (const { json } of lucky) {
    await eventually(async () => assert.deepEqual(await statusesOf(json.access_token), [401, 401]))
  }
})

test('An agent that refreshes at both processes at once keeps its grant', async () => {
  await raceRefreshes(issuers, 5)
})

test('Both publish the same keys, and what one signs the other knows', async () => {
  const keysAt = async (which: number): Promise<unknown> => {
    const headers = { [WHICH]: String(which) }
    const keys = `${issuers.balancer.origin}/.well-known/jwks.json`
    return await (await fetch(keys, { headers })).json()
  }
  assert.deepEqual(await keysAt(0), await keysAt(1))
})

/**
 * Two processes on one store are one authorization server: every step of an authorization may happen at the
 * other one, codes count once between them, and concurrent refreshes never end a grant.
 */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'

import { startOwnIssuer } from '../testkit/authorization-server.ts'
import type { Balancer } from '../testkit/balancer.ts'
import { startBalancer, WHICH } from '../testkit/balancer.ts'
import { eventually } from '../testkit/eventually.ts'
import { FormRobot } from '../testkit/form-robot.ts'
import { freePort } from '../testkit/free-port.ts'
import type { TestGatehouse } from '../testkit/gatehouse.ts'
import { allowAll } from '../testkit/gatehouse.ts'
import { OauthAgent } from '../testkit/oauth-agent.ts'
import type { RecordingServer } from '../testkit/recording-server.ts'
import { startRecordingServer } from '../testkit/recording-server.ts'
import { callTool, post } from '../testkit/rpc.ts'

let upstream: RecordingServer
let balancer: Balancer
let directory: string
const gateways: TestGatehouse[] = []

before(async () => {
  upstream = await startRecordingServer()
  balancer = await startBalancer()
  directory = await mkdtemp(join(tmpdir(), 'gatehouse-two-'))
  const ring = `k1:${randomBytes(32).toString('base64url')}`
  for (const port of [await freePort(), await freePort()]) {
    balancer.ports.push(port)
    const gateway = await startOwnIssuer({
      servers: { docs: upstream.url },
      rules: [allowAll('docs')],
      section: { registration: { per_minute: 100 } },
      env: { GATEHOUSE_KEYS: ring },
      config: {
        public_url: balancer.origin,
        listen: { port },
        state: { driver: 'sqlite', file: join(directory, 'state.db') },
      },
    })
    gateways.push(gateway)
  }
})

after(async () => {
  for (const gateway of gateways) await gateway.stop()
  await balancer.stop()
  await upstream.stop()
  await rm(directory, { recursive: true, force: true })
})

const agent = (): OauthAgent => new OauthAgent(balancer.origin)
const REFRESHING = { grant_types: ['authorization_code', 'refresh_token'] }

async function statusAt(which: number, token: string): Promise<number> {
  const headers = { [WHICH]: String(which) }
  return (await post(`${balancer.origin}/mcp`, callTool('echo'), { token, headers })).status
}

test('Registration, sign-in, consent, code and call may each happen at the other process', async () => {
  const one = agent()
  const { json: client } = await one.register(REFRESHING)
  const robot = new FormRobot()
  const url = await one.consent(robot, one.authorizeUrl(client.client_id))
  const code = url.searchParams.get('code') ?? ''
  const { status, json } = await one.redeem(client.client_id, code)
  assert.equal(status, 200)
  assert.deepEqual(
    [await statusAt(0, json.access_token), await statusAt(1, json.access_token)],
    [200, 200],
  )
  // Used again at either, it ends what it brought at both.
  assert.equal((await one.redeem(client.client_id, code)).status, 400)
  await eventually(async () => {
    const statuses = [await statusAt(0, json.access_token), await statusAt(1, json.access_token)]
    assert.deepEqual(statuses, [401, 401])
  })
})

test('Of twenty who redeem a code at both at once one at most gets a token, and it is soon worth nothing', async () => {
  const one = agent()
  const { json: client } = await one.register()
  const url = await one.consent(new FormRobot(), one.authorizeUrl(client.client_id))
  const code = url.searchParams.get('code') ?? ''
  const tries = Array.from({ length: 20 }, () => one.redeem(client.client_id, code))
  const lucky = (await Promise.all(tries)).filter(({ status }) => status === 200)
  assert.ok(lucky.length <= 1)
  for (const { json } of lucky) {
    await eventually(async () => assert.equal(await statusAt(0, json.access_token), 401))
    await eventually(async () => assert.equal(await statusAt(1, json.access_token), 401))
  }
})

test('Agents that refresh at both processes at once keep their grants', async () => {
  const one = agent()
  const robot = new FormRobot()
  for (let round = 0; round < 5; round++) {
    const { json: client } = await one.register(REFRESHING)
    const url = await one.consent(robot, one.authorizeUrl(client.client_id))
    const first = await one.redeem(client.client_id, url.searchParams.get('code') ?? '')
    const refresh = (token: string | undefined) =>
      one.token({
        grant_type: 'refresh_token',
        client_id: client.client_id,
        refresh_token: token ?? '',
      })
    const race = await Promise.all(
      Array.from({ length: 20 }, () => refresh(first.json.refresh_token)),
    )
    assert.deepEqual([...new Set(race.map(({ status }) => status))], [200])
    assert.equal((await refresh(race[7]?.json.refresh_token)).status, 200)
  }
})

test('Both publish the same keys, and what one signs the other knows', async () => {
  const keysAt = async (which: number): Promise<unknown> => {
    const headers = { [WHICH]: String(which) }
    return await (await fetch(`${balancer.origin}/.well-known/jwks.json`, { headers })).json()
  }
  assert.deepEqual(await keysAt(0), await keysAt(1))
})

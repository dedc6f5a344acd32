/** A hundred agents that register themselves, call a tool and are forgotten. */
import assert from 'node:assert/strict'
import { hash, randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { after, before, test } from 'node:test'

import { startOwnIssuer } from '../testkit/authorization-server.ts'
import { eventually } from '../testkit/eventually.ts'
import type { FleetAgent } from '../testkit/fleet.ts'
import { askToken, startFleet } from '../testkit/fleet.ts'
import type { TestGatehouse } from '../testkit/gatehouse.ts'
import type { MovedClock } from '../testkit/moved-clock.ts'
import { startMovedClock } from '../testkit/moved-clock.ts'
import { claimsOf, OauthAgent } from '../testkit/oauth-agent.ts'
import type { RecordingServer } from '../testkit/recording-server.ts'
import { startRecordingServer } from '../testkit/recording-server.ts'
import { callTool, post } from '../testkit/rpc.ts'
import { stopAll } from '../testkit/stop-all.ts'

const COUNT = 100
const TOKEN = `ghr_${randomBytes(32).toString('base64url')}`
/** Those who come with it are soon forgotten. */
const SHORT = `ghr_${randomBytes(32).toString('base64url')}`
const OFF = `ghr_${randomBytes(32).toString('base64url')}`

let upstream: RecordingServer
let gateway: TestGatehouse
let clock: MovedClock
let agent: OauthAgent
/** What the store held before anybody registered. */
let beforehand: readonly string[]

before(async () => {
  const token = (text: string, more: object) => ({
    sha256: hash('sha256', text),
    groups: ['fleet'],
    servers: ['docs'],
    ...more,
  })
  upstream = await startRecordingServer()
  clock = startMovedClock({ hastens: true })
  gateway = await startOwnIssuer({
    servers: { docs: upstream.url, code: upstream.url },
    rules: [
      { id: 'f', effect: 'allow', subjects: [{ groups: ['fleet'] }], tools: ['docs/echo'] },
      { id: 'c', effect: 'allow', subjects: [{ any: true }], servers: ['code'] },
    ],
    section: {
      registration: {
        per_minute: 5,
        tokens: {
          fleet: token(TOKEN, { max_clients: COUNT }),
          short: token(SHORT, { idle: '5s' }),
        },
      },
    },
    config: { state: { driver: 'sqlite', file: 'state.db' } },
    nodeArgs: clock.nodeArgs,
  })
  agent = new OauthAgent(gateway.origin)
  beforehand = stored()
})

after(() => stopAll(gateway, upstream, clock))

/** The whole store, each row by its table and key. */
function stored(): readonly string[] {
  const database = new DatabaseSync(join(gateway.directory, 'state.db'), { readOnly: true })
  const rows = ['entries', 'leases', 'counters'].flatMap((table) =>
    database
      .prepare(`SELECT key FROM ${table} ORDER BY key`)
      .all()
      .map(({ key }) => `${table} ${String(key)}`),
  )
  database.close()
  return rows
}

const start = (registrationToken: string, count: number): Promise<readonly FleetAgent[]> =>
  startFleet({ origin: gateway.origin, resource: gateway.url('docs'), registrationToken, count })

/** Ids of all that are registered, page by page. */
async function registered(): Promise<ReadonlySet<string>> {
  const ids = new Set<string>()
  for (let after: string | undefined = ''; after !== undefined;) {
    const { json } = await gateway.admin('GET', `/admin/clients?after=${after}`)
    const page = json as { readonly clients: readonly { id: string }[]; readonly next?: string }
    for (const { id } of page.clients) ids.add(id)
    after = page.next
  }
  return ids
}

test('A hundred agents register at once, get a token each and call a tool', async () => {
  const fleet = await start(TOKEN, COUNT)
  assert.equal((await registered()).size, COUNT)
  const { status, json } = await askToken(agent, { ...fleet[0]!, resource: gateway.url('code') })
  assert.deepEqual([status, Reflect.get(json, 'error')], [400, 'invalid_target'])
  const calls = fleet.map(({ token }) => post(gateway.url('docs'), callTool('echo'), { token }))
  const results = await Promise.all(calls)
  assert.deepEqual([...new Set(results.map(({ json }) => json?.error))], [undefined])
  assert.equal(new Set(fleet.map(({ id }) => id)).size, COUNT)
  const claims = claimsOf(fleet[0]!.token)
  assert.deepEqual([claims['urn:gw:kind'], claims['sub']], ['agent', fleet[0]!.id])
})

test('One more than the quota is turned away, and so is whoever has no token of ours', async () => {
  const headers = { authorization: `Bearer ${TOKEN}` }
  const metadata = { grant_types: ['client_credentials'], redirect_uris: [] }
  assert.equal((await agent.register(metadata, headers)).status, 429)
  assert.equal((await agent.register(metadata, { authorization: `Bearer ${OFF}` })).status, 401)
})

test('Who registers without a token has a quota per address', async () => {
  const replies = await Promise.all(Array.from({ length: 8 }, () => agent.register()))
  const statuses = replies.map(({ status }) => status).toSorted((a, b) => a - b)
  assert.deepEqual(statuses, [201, 201, 201, 201, 201, 429, 429, 429])
  const late = replies.find(({ status }) => status === 429)
  assert.equal(late?.headers.get('retry-after'), '60')
})

test('An agent that works stays; those that are left alone are gone, and their secrets worth nothing', async () => {
  const [first, ...idle] = await start(SHORT, 5)
  const worker = { ...first!, resource: gateway.url('docs') }
  // Those without a token stay for a day, those with the other one for longer than this takes.
  await eventually(async () => {
    assert.equal((await askToken(agent, worker)).status, 200)
    const there = await registered()
    assert.deepEqual(
      idle.filter(({ id }) => there.has(id)),
      [],
    )
  })
  assert.equal((await registered()).size, COUNT + 5 + 1)
  const gone = await askToken(agent, { ...idle[0]!, resource: gateway.url('docs') })
  assert.deepEqual([gone.status, Reflect.get(gone.json, 'error')], [401, 'invalid_client'])
})

test('Whoever guesses is not listened to for a while, and the others go on', async () => {
  const guess = () => askToken(agent, { id: 'nobody', secret: 'x', resource: gateway.url('docs') })
  const statuses = new Set<number>()
  for (let round = 0; round < 10 && !statuses.has(429); round++) {
    const replies = await Promise.all(Array.from({ length: 50 }, guess))
    for (const { status } of replies) statuses.add(status)
  }
  assert.ok(statuses.has(401) && statuses.has(429))
  await eventually(async () => assert.equal((await guess()).status, 401))
})

test('Once their time is over nothing of all these agents is left in the store', async () => {
  assert.ok(stored().length > beforehand.length + 3 * COUNT)
  const without = (these: RegExp) => stored().filter((row) => !these.test(row))
  await passDays(2)
  // When a caller last looked at the tools of a server is kept for 30 days.
  await eventually(() => assert.deepEqual(without(/^entries pin\//), beforehand))
  await passDays(31)
  // What the tools are is of the server, whoever has looked at them.
  await eventually(() => assert.deepEqual(without(/^entries pin\/(?:head|tool|text)/), beforehand))
})

/** Lets time pass; records that waited for so long would count as lost. */
async function passDays(days: number): Promise<void> {
  await gateway.audit()
  clock.advance(days * 24 * 3_600_000)
}

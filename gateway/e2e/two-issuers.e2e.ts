/**
 * Two processes on one store are one authorization server: every step of an authorization may happen at the
 * other one, codes count once between them, and concurrent refreshes never end a grant.
 */
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { createLocalJWKSet, decodeProtectedHeader, jwtVerify } from 'jose'
import type { JSONWebKeySet } from 'jose'

import { WHICH } from '../testkit/balancer.ts'
import { eventually } from '../testkit/eventually.ts'
import { FormRobot } from '../testkit/form-robot.ts'
import type { MovedClock } from '../testkit/moved-clock.ts'
import { startMovedClock } from '../testkit/moved-clock.ts'
import { basic } from '../testkit/oauth-agent.ts'
import { stopAll } from '../testkit/stop-all.ts'
import type { TwoIssuers } from '../testkit/two-issuers.ts'
import { allowedAgent, raceRefreshes, startTwoIssuers } from '../testkit/two-issuers.ts'

let issuers: TwoIssuers
let directory: string
let clock: MovedClock

/** A key is published for so long before it signs, in milliseconds. */
const AHEAD_MS = 20 * 60_000

/** How long before that moment work begins, in milliseconds: less than a token lives. */
const SHORTLY_MS = 30_000

/** Then the clock moves on in steps, with time to write the records of each: they must not seem 10 s old. */
const STEP_MS = 5_000
const STEP_PAUSE_MS = 200

/** Tokens of each key that are looked at, at least. */
const ENOUGH = 10

const NIGHTLY = 'a-secret-of-the-nightly-job-2026'

before(async () => {
  clock = startMovedClock({ hastens: true })
  directory = await mkdtemp(join(tmpdir(), 'gatehouse-two-'))
  const file = join(directory, 'state.db')
  issuers = await startTwoIssuers({
    state: { driver: 'sqlite', file },
    section: {
      clients: {
        nightly: { kind: 'service', grants: ['client_credentials'], secret: '${env:NIGHTLY}' },
      },
    },
    env: { NIGHTLY },
    nodeArgs: clock.nodeArgs,
  })
})

after(async () => {
  await stopAll(issuers)
  clock.stop()
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

/** The published keys at one of them. */
async function keysAt(which: number): Promise<JSONWebKeySet> {
  const headers = { [WHICH]: String(which) }
  const keys = `${issuers.balancer.origin}/.well-known/jwks.json`
  return (await (await fetch(keys, { headers })).json()) as JSONWebKeySet
}

const kidOf = (token: string): string | undefined => decodeProtectedHeader(token).kid

/** The token of a service, asked for at one of them. */
async function tokenAt(which: number): Promise<string> {
  const headers = { ...basic('nightly', NIGHTLY), [WHICH]: String(which) }
  const { status, json } = await issuers.agent().token(SERVICE, headers)
  assert.equal(status, 200, JSON.stringify(json))
  return json.access_token
}

const SERVICE = { grant_type: 'client_credentials' }

test('Both publish the same keys, and what one signs the other knows', async () => {
  assert.deepEqual(await keysAt(0), await keysAt(1))
})

test('A new key signs at both from the same moment on, and nobody at work is refused through it', async () => {
  const [first] = (await keysAt(0)).keys
  const earliestMs = clock.now() + AHEAD_MS
  const { status } = await issuers.gateways[0]!.admin('POST', '/admin/signing-keys/rotate')
  const latestMs = clock.now() + AHEAD_MS
  assert.ok(status < 300)
  const published = await eventually(async () => {
    const [one, other] = [await keysAt(0), await keysAt(1)]
    assert.deepEqual(other, one)
    assert.equal(one.keys.length, 2)
    return one
  })
  clock.advance(AHEAD_MS - SHORTLY_MS)
  const early = await eventually(async () => {
    const token = await tokenAt(0)
    assert.deepEqual(await statusesOf(token), [200, 200])
    return token
  })

  /** Tokens that were surely signed before the moment, or surely after it. */
  const signed = { before: [early], after: [] as string[] }
  const over = new AbortController()
  const work = Promise.all(
    [0, 1].map(async (which) => {
      while (!over.signal.aborted) {
        const askedMs = clock.now()
        const token = await tokenAt(which)
        if (clock.now() < earliestMs) signed.before.push(token)
        if (askedMs >= latestMs) signed.after.push(token)
        for (const one of [token, early]) assert.deepEqual(await statusesOf(one), [200, 200])
      }
    }),
  )
  const watch = async () => {
    await eventually(() => assert.ok(signed.before.length > ENOUGH))
    for (; clock.now() < latestMs; await pause(STEP_PAUSE_MS)) clock.advance(STEP_MS)
    await eventually(() => assert.ok(signed.after.length > ENOUGH))
  }
  await Promise.race([work, watch()]).finally(() => over.abort())
  await work

  const second = published.keys.find(({ kid }) => kid !== first?.kid)
  assert.deepEqual(new Set(signed.before.map(kidOf)), new Set([first?.kid]))
  assert.deepEqual(new Set(signed.after.map(kidOf)), new Set([second?.kid]))
  // Who fetched the keys before the new one signed knows it.
  const known = createLocalJWKSet(published)
  const currentDate = new Date(clock.now())
  for (const token of [...signed.before, ...signed.after]) {
    await jwtVerify(token, known, { currentDate, issuer: issuers.balancer.origin })
  }
})

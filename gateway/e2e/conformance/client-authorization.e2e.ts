/**
 * The official suite's scenarios for the authorization of clients. The client that it meets is a gateway in
 * front of its servers: it discovers them, becomes their client and connects the account of a person, whose
 * calls go through then. What is between programs, or bound to keys, is left to others; see below.
 */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'

import { NODE } from '../../testkit/child.ts'
import { runClientSuite } from '../../testkit/conformance-suite.ts'
import type { ProtectedServers } from '../../testkit/conformance/protected-servers.ts'
import { startProtectedServers } from '../../testkit/conformance/protected-servers.ts'
import { stopAll } from '../../testkit/stop-all.ts'

const CLIENT = new URL('../../testkit/conformance/tell-scenario.ts', import.meta.url).pathname

/** Scenarios of both revisions whose calls are answered in the end. */
const ANSWERED = [
  'basic-cimd',
  'metadata-default',
  'metadata-var1',
  'metadata-var2',
  'metadata-var3',
  'pre-registration',
  'scope-from-scopes-supported',
  'scope-from-www-authenticate',
  'scope-omitted-when-undefined',
  'scope-step-up',
  'token-endpoint-auth-basic',
  'token-endpoint-auth-none',
  'token-endpoint-auth-post',
]

/** Of the newer one alone. */
const ANSWERED_SINCE = [
  'authorization-server-migration',
  'iss-not-advertised',
  'iss-supported',
  'offline-access-not-supported',
  'offline-access-scope',
]

/** Servers whose calls must not be answered, and what their caller is told. */
const REFUSED: Readonly<Record<string, RegExp>> = {
  'scope-retry-limit': /HTTP 502/,
}

const REFUSED_SINCE: Readonly<Record<string, RegExp>> = {
  'iss-normalized': /This was not begun in this browser/,
  'iss-supported-missing': /This was not begun in this browser/,
  'iss-unexpected': /This was not begun in this browser/,
  'iss-wrong-issuer': /This was not begun in this browser/,
  'metadata-issuer-mismatch': /cannot be connected at the moment/,
  'resource-mismatch': /cannot be connected at the moment/,
}

/** Extensions that no person has a part in: their client is a program with a key or assertion of its own. */
const NOT_OURS = [
  'client-credentials-basic',
  'client-credentials-jwt',
  'dpop',
  'dpop-nonce',
  'enterprise-managed-authorization',
  'wif-jwt-bearer',
]

let servers: ProtectedServers

before(async () => {
  servers = await startProtectedServers()
})

after(() => stopAll(servers))

const REVISIONS = [
  {
    revision: '2026-07-28',
    answered: [...ANSWERED, ...ANSWERED_SINCE],
    refused: { ...REFUSED, ...REFUSED_SINCE },
  },
  // Nothing in it that the other has not; its servers speak the legacy era.
  ...(process.env['GATEHOUSE_PROVE'] === undefined
    ? []
    : [{ revision: '2025-11-25', answered: ANSWERED, refused: REFUSED }]),
]

for (const { revision, answered, refused } of REVISIONS) {
  test(`conformance client auth ${revision}: the gateway passes every scenario that a person has a part in`, async () => {
    servers.faults.clear()
    const command = [NODE, CLIENT, servers.url]
    const { passing, checks } = await runClientSuite({ command, revision })
    const names = new Set(checks.map(({ scenario }) => scenario))
    const isAuth = (name: string): boolean => name.startsWith('auth/')
    const short = (name: string): string => name.slice('auth/'.length)
    const passed = [...passing].filter(isAuth).map(short).toSorted()
    const failed = [...names].filter((name) => isAuth(name) && !passing.has(name)).map(short)
    const faults = new Map(servers.faults)
    const why = JSON.stringify([...faults], undefined, 1)
    assert.deepEqual(failed.toSorted(), NOT_OURS, why)
    assert.deepEqual(passed, [...answered, ...Object.keys(refused)].toSorted(), why)
    assert.deepEqual([...faults.keys()].map(short).toSorted(), Object.keys(refused).toSorted(), why)
    for (const [name, words] of Object.entries(refused))
      assert.match(faults.get(`auth/${name}`) ?? '', words)
  })
}

test('What was found and registered is in the audit log and the metrics, and what is wrong where', async () => {
  const records = await servers.gateway.audit()
  const of = (event: string, ok: boolean) =>
    records.filter((record) => record['event'] === event && record['ok'] === ok)
  const registered = of('provider_registration', true)
  assert.ok(registered.some(({ client }) => client === 'as2-client-id'))
  const details = of('provider_discovery', false).map(({ detail }) => detail)
  const wrong =
    /is about "https:\/\/evil\.example\.com\/mcp", not about http:\/\/localhost:\d+\/mcp$/
  assert.ok(
    details.some((detail) => wrong.test(String(detail))),
    details.join('\n'),
  )
  const metrics = await servers.gateway.metrics()
  const told = `${JSON.stringify(records)} ${metrics} ${servers.gateway.child.output()}`
  assert.doesNotMatch(
    told,
    /test-client-secret|as\d-client-secret|test-secret-|test-token|pre-registered-secret/,
  )
  assert.match(
    metrics,
    /gatehouse_provider_discoveries_total\{provider="[^"]+",result="failed"\} [1-9]/,
  )
  assert.match(metrics, /gatehouse_provider_registrations_total\{provider="[^"]+",result="ok"\} 2/)
})

test('Anybody may read who we are, and nobody where there is nothing to say', async () => {
  const name = Object.keys(servers.providers).find((one) => one.endsWith('basic-cimd'))
  const at = (what: string): string => `${servers.gateway.origin}/connect/${what}/client.json`
  const answer = await fetch(at(String(name)))
  assert.match(answer.headers.get('content-type') ?? '', /^application\/json/)
  const document = (await answer.json()) as Record<string, unknown>
  assert.equal(document['client_id'], 'https://conformance-test.local/client-metadata.json')
  assert.deepEqual(document['redirect_uris'], [
    `${servers.gateway.origin}/connect/${name}/callback`,
  ])
  assert.equal((await fetch(at('nobody'))).status, 404)
})

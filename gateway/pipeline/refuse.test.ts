import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Call } from '../model/call.ts'
import { Refusal, type RefusalCode } from '../model/refusal.ts'
import { judgedCall, testCall } from '../testkit/journey.ts'
import { testCaller, testJourney, testSeat, testServer } from '../testkit/pipeline.ts'
import { askToSignIn } from './ask-again.ts'
import type { Desk } from './desk.ts'
import { refuse, refuseMessage } from './refuse.ts'
import type { Visit } from './visit.ts'

const desk = {
  routes: { sites: new Map(), allowedOrigins: new Set() },
  metadataUrl: () => 'http://127.0.0.1/metadata',
  scopesOf: () => [],
} as unknown as Desk

/** The status and headers of a refusal of this call, under this version header. */
function refused(code: RefusalCode, call?: Partial<Call>, protocolVersion?: string) {
  const journey = testJourney()
  if (call !== undefined) journey.calls.push(judgedCall({ call: testCall(call) }))
  const { head } = testSeat({ head: { protocolVersion } })
  const visit = { journey, head, server: testServer() } as unknown as Visit
  const { status, body } = refuse(new Refusal(code, { retryAfterSeconds: 1 }), visit, desk)
  const text = body.kind === 'whole' ? String(body.bytes) : ''
  return { status, error: (JSON.parse(text) as { error: { code: number } }).error.code }
}

test('a judged call is refused so that stock clients can read why', () => {
  for (const code of ['policy_denied', 'unknown_name', 'upstream_unavailable'] as const) {
    assert.equal(refused(code, {}).status, 200)
  }
  assert.deepEqual(refused('upstream_unavailable', {}), { status: 200, error: 1003 })
})

test('nothing that answers server/discover looks like a server that does not know it', () => {
  const discover = { method: 'server/discover', era: 'modern' } as const
  const status = (code: RefusalCode): number => refused(code, discover, '2026-07-28').status
  assert.equal(status('upstream_unavailable'), 502)
  assert.equal(status('upstream_timeout'), 504)
  assert.equal(status('policy_denied'), 403)
})

test('a caller above its places is told so in a way that its era understands', () => {
  assert.deepEqual(refused('rate_limited'), { status: 429, error: 1002 })
  assert.deepEqual(refused('rate_limited', undefined, '2025-11-25'), { status: 429, error: 1002 })
  for (const version of ['2026-07-28', '2031-01-01']) {
    assert.deepEqual(refused('rate_limited', undefined, version), { status: 503, error: 1002 })
  }
})

test('a 401 speaks of the token and cannot be taken for the answer to a message', () => {
  const { head } = testSeat({})
  const visit = { journey: testJourney(), head, server: testServer() } as unknown as Visit
  const { status, body } = refuse(new Refusal('unauthenticated'), visit, desk)
  assert.equal(status, 401)
  assert.deepEqual(JSON.parse(body.kind === 'whole' ? String(body.bytes) : ''), {
    error: 'invalid_token',
    error_description: 'Authentication required',
  })
})

test('who has to sign in anew is challenged for it, with what the token had and what it lacks', () => {
  const journey = testJourney()
  journey.caller = testCaller({ scopes: new Set(['docs:read', 'docs:write']) })
  journey.calls.push(judgedCall({ call: testCall({}) }))
  const visit = {
    journey,
    head: testSeat({}).head,
    server: testServer({ refusals: 'http' }),
  } as unknown as Visit
  const stepUp = { acr: ['gold'], maxAgeSeconds: 300 }
  const refusal = askToSignIn(stepUp, ['docs:write', 'docs:delete'], 'Sign in, it is money.')
  const { status, headers, body } = refuse(refusal, visit, desk)
  assert.equal(status, 401)
  assert.equal(
    headers[headers.indexOf('www-authenticate') + 1],
    'Bearer error="insufficient_user_authentication", error_description="Sign in, it is money.", ' +
      'scope="docs:read docs:write docs:delete", acr_values="gold", max_age="300", ' +
      'resource_metadata="http://127.0.0.1/metadata"',
  )
  assert.deepEqual(JSON.parse(body.kind === 'whole' ? String(body.bytes) : ''), {
    error: 'insufficient_user_authentication',
    error_description: 'Sign in, it is money.',
  })
})

test('on a connection, where nothing can challenge, the error says how to sign in', () => {
  const refusal = askToSignIn({ acr: [], maxAgeSeconds: 60 }, [])
  const { error } = JSON.parse(refuseMessage(refusal, testSeat(), desk)) as {
    error: { code: number; data: unknown }
  }
  assert.deepEqual([error.code, error.data], [1001, { maxAgeSeconds: 60 }])
})

test('on a connection the end of a token is told as the answer to the message', () => {
  const journey = testJourney()
  const seat = { ...testSeat(), journey }
  const text = refuseMessage(new Refusal('invalid_token', { id: '7' }), seat, desk)
  const { id, error } = JSON.parse(text) as { id: unknown; error: { code: number } }
  assert.deepEqual([id, error.code, journey.rpcError, journey.ending], [7, 1000, 1000, 'refused'])
})

import assert from 'node:assert/strict'
import { test } from 'node:test'

import { livesOf } from '../testkit/lives.ts'
import { testCaller } from '../testkit/pipeline.ts'
import type { ExchangeAnswer, ExchangeRequest } from './exchange.ts'
import { judgeExchange } from './exchange.ts'
import type { OwnToken } from './own-token.ts'
import { SELF_REGISTERED } from './setup.ts'

const ISSUER = 'https://gw.example'
const NOW_SECONDS = 1_000

const SERVERS = [
  { name: 'reports', resource: `${ISSUER}/mcp/reports`, scopes: ['docs:read', 'run'] },
  { name: 'docs', resource: `${ISSUER}/mcp/docs`, scopes: ['docs:read', 'docs:write'] },
  { name: 'plain', resource: `${ISSUER}/mcp/plain`, scopes: [] },
]

type TokenOptions = {
  readonly subject?: string
  readonly client?: string
  readonly scopes?: readonly string[]
  readonly grant?: string
  readonly expiresAtSeconds?: number
  readonly claims?: Readonly<Record<string, unknown>>
}

function ownToken(options: TokenOptions = {}): OwnToken {
  const { subject = 'local|alice', client = 'agent-a', claims = {} } = options
  const scopes = options.scopes ?? ['docs:read', 'run']
  return {
    caller: testCaller({
      issuer: ISSUER,
      subject,
      client,
      scopes: new Set(scopes),
      grant: options.grant,
      expiresAtSeconds: options.expiresAtSeconds ?? NOW_SECONDS + 200.5,
    }),
    claims: {
      iss: ISSUER,
      sub: subject,
      aud: `${ISSUER}/mcp/reports`,
      exp: 0,
      iat: 0,
      jti: 'j',
      client_id: client,
      gty: 'authorization_code',
      txn: 'txn-1',
      ...claims,
    },
  }
}

const MAY = { from: ['reports'], to: ['docs', 'plain'] }

function judge(more: Partial<ExchangeRequest> = {}): ExchangeAnswer {
  const request: ExchangeRequest = {
    client: 'agent-b',
    entitlement: { ...SELF_REGISTERED, mayExchange: MAY },
    subject: ownToken(),
    account: undefined,
    actor: undefined,
    targets: ['docs'],
    scope: undefined,
    ...more,
  }
  const setup = {
    issuer: ISSUER,
    lives: livesOf({ service: { accessTokenSeconds: 60 } }),
    servers: SERVERS,
  }
  return judgeExchange(request, { setup, nowSeconds: NOW_SECONDS })
}

function errorOf(answer: ExchangeAnswer): string {
  return answer.ok ? 'allowed' : answer.error
}

function allowed(answer: ExchangeAnswer) {
  assert.ok(answer.ok)
  return answer
}

const person = (scopes?: readonly string[]) => ({
  id: 'local|alice',
  name: 'Alice',
  groups: ['now'],
  scopes,
})

test('A client that the operator did not name exchanges nothing', () => {
  const entitlement = { ...SELF_REGISTERED, mayExchange: undefined }
  assert.equal(errorOf(judge({ entitlement })), 'unauthorized_client')
})

test('T-18 an exchanged token ends with its subject token and its actor token, in whole seconds', () => {
  assert.equal(allowed(judge()).expiresAtSeconds, NOW_SECONDS + 200)
  const long = ownToken({ expiresAtSeconds: NOW_SECONDS + 9_999 })
  assert.equal(allowed(judge({ subject: long })).expiresAtSeconds, NOW_SECONDS + 300)
  const own = { client: 'agent-b', subject: 'agent-b', expiresAtSeconds: NOW_SECONDS + 50 }
  assert.equal(allowed(judge({ actor: ownToken(own) })).expiresAtSeconds, NOW_SECONDS + 50)
})

test('T-18 a token that has ended within the leeway of clocks is not exchanged', () => {
  for (const left of [0, -10, 0.5]) {
    const subject = ownToken({ expiresAtSeconds: NOW_SECONDS + left })
    assert.equal(errorOf(judge({ subject })), 'invalid_request')
  }
})

test('T-18 tokens bound to a key, and statements made for servers, are not exchanged', () => {
  for (const claims of [{ cnf: { jkt: 'x' } }, { gty: undefined }, { aud: `${ISSUER}/mcp/docs` }]) {
    assert.equal(errorOf(judge({ subject: ownToken({ claims }) })), 'invalid_request')
  }
})

test('T-18 the actor is the client itself, with a token of its own, and not the subject', () => {
  const actors: readonly TokenOptions[] = [
    { client: 'agent-a', subject: 'agent-a' },
    { client: 'agent-b', subject: 'local|alice' },
    { client: 'agent-b', subject: 'agent-b', claims: { gty: undefined } },
    { client: 'agent-b', subject: 'agent-b', claims: { cnf: { jkt: 'x' } } },
  ]
  for (const actor of actors) {
    assert.equal(errorOf(judge({ actor: ownToken(actor) })), 'invalid_request')
  }
  const subject = ownToken({ subject: 'agent-b', client: 'agent-b' })
  assert.equal(errorOf(judge({ subject })), 'invalid_request')
})

test('T-17 the client is put before those who acted so far, four in all, nobody twice', () => {
  const chain = (names: readonly string[]): object | undefined =>
    names.reduceRight<object | undefined>(
      (act, sub) => ({ sub, iss: ISSUER, ...(act && { act }) }),
      undefined,
    )
  const after = (names: readonly string[]) => {
    const act = chain(names)
    return judge({ subject: ownToken({ claims: act === undefined ? {} : { act } }) })
  }
  assert.deepEqual(allowed(after([])).claims['act'], chain(['agent-b']), 'nobody acted yet')
  assert.deepEqual(allowed(after(['a', 'b', 'c'])).claims['act'], chain(['agent-b', 'a', 'b', 'c']))
  for (const names of [['a', 'b', 'c', 'd'], ['a', 'agent-b'], ['agent-b']]) {
    assert.equal(errorOf(after(names)), 'invalid_request')
  }
})

test('T-18 scopes are those that subject token, server, client and person all have', () => {
  const scopes = ['docs:read', 'docs:write']
  const both = { subject: ownToken({ scopes, grant: 'g' }), account: person() }
  assert.deepEqual(allowed(judge(both)).scopes, scopes)
  const entitlement = { ...SELF_REGISTERED, scopes: ['docs:write'], mayExchange: MAY }
  assert.deepEqual(allowed(judge({ ...both, entitlement })).scopes, ['docs:write'])
  assert.deepEqual(allowed(judge({ ...both, account: person(['docs:read']) })).scopes, [
    'docs:read',
  ])
  for (const scope of ['docs:write', 'docs:read run', ' ', 'mcp']) {
    assert.equal(errorOf(judge({ scope })), 'invalid_scope', scope)
  }
  assert.equal(errorOf(judge({ subject: ownToken({ scopes: ['run'] }) })), 'invalid_scope')
})

test('A server without scopes is reached with the one that stands for none', () => {
  assert.deepEqual(allowed(judge({ targets: ['plain'] })).scopes, ['mcp'])
  const subject = ownToken({ scopes: ['mcp'] })
  assert.equal(errorOf(judge({ subject })), 'invalid_scope', 'and it stands for no other')
})

test('T-18 the target is one server, by name or URL, that the operator and the client list', () => {
  assert.equal(allowed(judge({ targets: ['docs', `${ISSUER}/mcp/docs/`] })).server.name, 'docs')
  for (const targets of [['docs', 'plain'], ['reports'], ['nowhere'], ['']]) {
    assert.equal(errorOf(judge({ targets })), 'invalid_target')
  }
  assert.equal(errorOf(judge({ targets: [] })), 'invalid_target', 'two would be possible')
  const one = { ...SELF_REGISTERED, mayExchange: { ...MAY, to: ['docs'] } }
  assert.equal(allowed(judge({ targets: [], entitlement: one })).server.name, 'docs')
  const entitlement = { ...SELF_REGISTERED, servers: ['plain'], mayExchange: MAY }
  assert.equal(errorOf(judge({ entitlement })), 'invalid_target')
})

test('Groups are those the person has now; of somebody who is gone nothing is exchanged', () => {
  const subject = ownToken({ grant: 'g', claims: { gid: 'g', sid: 's', groups: ['then'] } })
  const { claims } = allowed(judge({ subject, account: person() }))
  assert.deepEqual([claims['groups'], claims['gid'], claims['sid']], [['now'], 'g', 's'])
  assert.equal(claims['txn'], 'txn-1')
  assert.equal(errorOf(judge({ subject })), 'invalid_request')
})

test('The kind is what the operator says of the client that acts now', () => {
  const entitlement = { ...SELF_REGISTERED, kind: 'service' as const, mayExchange: MAY }
  const subject = ownToken({ claims: { 'urn:gw:kind': 'human' } })
  const { claims, expiresAtSeconds } = allowed(judge({ entitlement, subject }))
  assert.equal(claims['urn:gw:kind'], 'service')
  assert.equal(expiresAtSeconds, NOW_SECONDS + 60, 'and so is its life')
})

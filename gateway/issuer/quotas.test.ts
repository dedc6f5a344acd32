import assert from 'node:assert/strict'
import type { IncomingMessage } from 'node:http'
import { test } from 'node:test'

import type { IssuerLimits } from '../model/authorization-rules.ts'
import { createQuotas, namedClient } from './quotas.ts'

const BUDGET = { perSecond: 1, burst: 2 }

function counting(limits: IssuerLimits) {
  const clock = { nowMs: 1_000_000 }
  const keys: string[] = []
  const quotas = createQuotas({
    limits: () => limits,
    take: async (key) => {
      keys.push(key)
      return { ok: false, retryAfterSeconds: 3 }
    },
    now: () => clock.nowMs,
  })
  return { clock, keys, quotas }
}

test('What is not limited is counted nowhere', async () => {
  const { keys, quotas } = counting({ network: undefined, client: undefined })
  assert.ok((await quotas.fromNetwork('192.0.2.1')).ok)
  assert.ok((await quotas.ofClient('agent')).ok)
  assert.deepEqual(keys, [])
})

test('A network is counted as one, each client by itself, and neither can be named as another', async () => {
  const { keys, quotas } = counting({ network: BUDGET, client: BUDGET })
  assert.deepEqual(await quotas.fromNetwork('2001:db8::1'), { ok: false, retryAfterSeconds: 3 })
  await quotas.fromNetwork('2001:db8::2')
  await quotas.fromNetwork('2001:db8:0:1::1')
  await quotas.ofClient('a')
  await quotas.ofClient('b')
  await quotas.ofClient(`https://app.example/${'x'.repeat(30_000)}`)
  assert.equal(keys[0], keys[1])
  assert.equal(new Set(keys).size, 5)
  assert.ok(keys.every((key) => key.length < 100))
})

test('That a network is refused is news once a second', () => {
  const { clock, quotas } = counting({ network: BUDGET, client: undefined })
  assert.ok(quotas.isNews('192.0.2.1'))
  assert.ok(!quotas.isNews('192.0.2.1'))
  assert.ok(quotas.isNews('192.0.2.2'))
  clock.nowMs += 1_000
  assert.ok(quotas.isNews('192.0.2.1'))
})

const named = (form: Record<string, string>, authorization?: string): string | undefined =>
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- nothing else of it is read
  namedClient({ headers: { authorization } } as IncomingMessage, new URLSearchParams(form))

const jwt = (claims: unknown): string =>
  `e30.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.x`

test('A client names itself in a header, in the form or in its assertion', () => {
  const basic = Buffer.from('a%3Ab:s:t').toString('base64')
  assert.equal(named({}, `Basic ${basic}`), 'a:b')
  assert.equal(named({ client_id: 'c' }), 'c')
  assert.equal(named({ client_assertion: jwt({ sub: 'd' }) }), 'd')
})

test('What names nobody names nobody, however it is bent', () => {
  assert.equal(named({}), undefined)
  for (const assertion of [
    'x',
    'e30.e30.x',
    jwt(null),
    jwt({ sub: 7 }),
    `e30.${'!'.repeat(9)}.x`,
  ]) {
    assert.equal(named({ client_assertion: assertion }), undefined, assertion)
  }
  assert.equal(named({}, `Basic ${Buffer.from('%zz:s').toString('base64')}`), undefined)
})

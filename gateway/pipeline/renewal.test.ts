import assert from 'node:assert/strict'
import { test } from 'node:test'

import type { Caller } from '../model/caller.ts'
import { Refusal } from '../model/refusal.ts'
import { testCaller, testServer } from '../testkit/pipeline.ts'
import type { Desk } from './desk.ts'
import { renew, renewalAnswer, renewalIn } from './renewal.ts'

const asks = (text: string) => renewalIn(Buffer.from(text))

test('a renewal is one request of that method and nothing else', () => {
  const params = '"params":{"ticket":"t-1"}'
  const fit = `{"jsonrpc":"2.0","id":"a","method":"gatehouse/renew",${params}}`
  assert.deepEqual(asks(fit), { id: '"a"', ticket: 't-1' })
  assert.deepEqual(asks(fit.replace('"t-1"', '7'))?.ticket, '')
  assert.deepEqual(asks(`{"jsonrpc":"2.0","id":1,"method":"gatehouse/renew"}`)?.ticket, '')
  for (const other of [
    `[${fit}]`,
    `{"jsonrpc":"2.0","method":"gatehouse/renew",${params}}`,
    `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"gatehouse/renew"}}`,
    `{"jsonrpc":"2.0","id":1,"result":{"x":"gatehouse/renew"}}`,
    fit.replace('"id"', '"id":1,"id"'),
    'gatehouse/renew',
    '{}',
  ]) {
    assert.equal(asks(other), undefined, other)
  }
})

const CALLER = testCaller()
const SERVER = testServer()

/** The caller that a ticket stands for is this one. */
async function renewed(fresh: Caller): Promise<Caller> {
  const desk = {
    tickets: {
      redeem: async (
        ticket: string,
        { resource, origin }: { resource: string; origin: unknown },
      ) => {
        assert.deepEqual([ticket, resource, origin], ['t-1', SERVER.resource, 'https://app.test'])
        return { authorization: 'Bearer fresh', apiKey: undefined }
      },
    },
    identify: async ({ authorization }: { authorization: unknown }) => {
      assert.equal(authorization, 'Bearer fresh')
      return fresh
    },
  }
  const origin = 'https://app.test'
  const at = { caller: CALLER, server: SERVER, address: '127.0.0.1', target: '/mcp', origin }
  return await renew('t-1', at, desk as unknown as Pick<Desk, 'tickets' | 'identify'>)
}

test('the same caller goes on with its fresh credential, and nobody else does', async () => {
  const fresh = testCaller({ tokenId: 'jti-2', expiresAtSeconds: 2e10 })
  assert.equal(await renewed(fresh), fresh)
  for (const other of [
    { subject: 'mallory' },
    { issuer: 'https://other.test' },
    { client: 'another' },
    { tenant: 'another' },
  ]) {
    await assert.rejects(
      renewed(testCaller(other)),
      (error) => error instanceof Refusal && error.code === 'invalid_token',
    )
  }
})

test('a renewal is answered with nothing, or with why it was refused', () => {
  const renewal = { id: '"a"', ticket: 't' }
  assert.equal(renewalAnswer(renewal), '{"jsonrpc":"2.0","id":"a","result":{}}')
  const told = (error: unknown) => JSON.parse(renewalAnswer(renewal, error)) as { error: object }
  const refusal = new Refusal('invalid_token', { message: 'The ticket is not valid here' })
  assert.deepEqual(told(refusal).error, { code: 1000, message: 'The ticket is not valid here' })
  assert.deepEqual(told(new TypeError('secret')).error, { code: -32603, message: 'Internal error' })
})

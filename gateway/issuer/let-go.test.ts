import assert from 'node:assert/strict'
import { IncomingMessage, ServerResponse } from 'node:http'
import { Socket } from 'node:net'
import { test } from 'node:test'

import { letGoWhenOver } from './let-go.ts'

test('a context keeps what it holds until its answer is out, and nothing after that', () => {
  const res = new ServerResponse(new IncomingMessage(new Socket()))
  const oidc = { client: { id: 'agent' } }
  const context = { res, oidc, body: 'answer' }
  letGoWhenOver(context)
  assert.deepEqual([context.body, oidc.client], ['answer', { id: 'agent' }])
  res.emit('close')
  assert.deepEqual(Object.values({ ...context, ...oidc }), [
    undefined,
    undefined,
    undefined,
    undefined,
  ])
})

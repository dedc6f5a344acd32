import assert from 'node:assert/strict'
import { test } from 'node:test'
import { problemsOf, settingsOf } from '../testkit/settings-file.ts'

/** A configuration whose `limits` are on line 5, and those of its server on line 4. */
function limited(limits: string, ofServer = '{}'): string {
  return `version: 1
public_url: https://mcp.example
servers:
  docs: { upstream: 'https://up.example/mcp', limits: ${ofServer} }
limits: ${limits}
api_keys: []
policies: [policy.yaml]
`
}

test('a rate is kept by the second, and its burst is what it makes in ten of them', async () => {
  const { limits } = await settingsOf(
    limited(
      '{ callers: { agent: { rate: 600/m }, human: { rate: 1/h } }, clients: { rate: 2/s, burst: 7 } }',
    ),
  )
  assert.deepEqual(limits.callers.agent, { perSecond: 10, burst: 100 })
  assert.deepEqual(limits.callers.human, { perSecond: 1 / 3_600, burst: 1 })
  assert.deepEqual(limits.clients, { perSecond: 2, burst: 7 })
  assert.equal(limits.callers.service, undefined)
})

test('only what opens sessions is limited where nothing is said, and that until it says none', async () => {
  const { limits } = await settingsOf(limited('{}'))
  assert.deepEqual(limits.initialize, { perSecond: 1, burst: 60 })
  assert.equal(limits.clients ?? limits.sameCall, undefined)
  assert.equal((await settingsOf(limited('{ initialize: none }'))).limits.initialize, undefined)
})

test('a budget that is none is refused where it stands, in each place that has one', async () => {
  const rate = 'must be a rate such as 10/s, 60/m or 1000/h'
  for (const [limits, ofServer, at, what] of [
    ['{ callers: { agent: { rate: 60/d } } }', '{}', '5:37', `limits.callers.agent.rate: ${rate}`],
    [
      '{ callers: { agent: { burst: 3 } } }',
      '{}',
      '5:22',
      'limits.callers.agent: "rate" is missing',
    ],
    ['{ clients: { rate: 0/s } }', '{}', '5:28', `limits.clients.rate: ${rate}`],
    [
      '{ same_call: { rate: 1/s, burst: 0 } }',
      '{}',
      '5:42',
      'limits.same_call.burst: must be at least 1, not 0',
    ],
    ['{}', '{ caller: { rate: fast } }', '4:73', `servers.docs.limits.caller.rate: ${rate}`],
    ['{}', '{ everybody: {} }', '4:57', 'servers.docs.limits.everybody: "rate" is missing'],
  ] as const) {
    assert.deepEqual(await problemsOf(limited(limits, ofServer)), [`${at} ${what}`])
  }
})

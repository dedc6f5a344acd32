import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Call } from '../model/call.ts'
import { judgedCall } from '../testkit/journey.ts'
import { testCaller, testJourney } from '../testkit/pipeline.ts'
import { changeOf, hearersAmong } from './hearers.ts'
import type { HttpVisit } from './http-visit.ts'

/** What is said on a visit whose call and acknowledgement are these, when all lists have changed. */
function said(call: Partial<Call>, hears?: HttpVisit['hears']): readonly string[] {
  const events: string[] = []
  const journey = testJourney()
  journey.caller = testCaller()
  journey.server = 'docs'
  const own = judgedCall()
  journey.calls.push({ ...own, call: { ...own.call, ...call } })
  const visit = { journey, hears, announce: (event: string) => void events.push(event) }
  for (const hearer of hearersAmong([visit as unknown as HttpVisit])) {
    for (const list of ['tools', 'prompts', 'resources'] as const) hearer.tell(list)
  }
  return events
}

const event = (message: string): string => `data: ${message}\n\n`

test('a stream of the legacy revisions is told of every list', () => {
  const events = said({ kind: 'open_stream', era: 'legacy', id: undefined })
  assert.deepEqual(
    events,
    (['tools', 'prompts', 'resources'] as const).map((list) => event(changeOf(list))),
  )
})

test('a subscription is told of the lists its server acknowledged, in its own name', () => {
  const subscribed = { kind: 'request', era: 'modern', method: 'subscriptions/listen' } as const
  const events = said({ ...subscribed, id: '"s-1"' }, ['prompts'])
  assert.deepEqual(events, [
    event(
      '{"jsonrpc":"2.0","method":"notifications/prompts/list_changed","params":' +
        '{"_meta":{"io.modelcontextprotocol/subscriptionId":"s-1"}}}',
    ),
  ])
  assert.deepEqual(said({ ...subscribed, id: '4' }), [])
  assert.deepEqual(said({ ...subscribed, id: '4' }, []), [])
})

test('a stream that answers a call is told nothing', () => {
  assert.deepEqual(said({ kind: 'request', era: 'legacy', method: 'tools/call', id: '1' }), [])
})

test('a stream is told that an elicitation is complete where its session knows of such and its client opens links', () => {
  const declared = ['elicitation_url'] as const
  const told = (session: HttpVisit['session']): readonly string[] => {
    const events: string[] = []
    const journey = { ...testJourney(), caller: testCaller(), server: 'docs' }
    const own = judgedCall()
    journey.calls.push({ ...own, call: { ...own.call, kind: 'open_stream', era: 'legacy' } })
    const visit = { journey, session, announce: (text: string) => void events.push(text) }
    for (const { complete } of hearersAmong([visit as unknown as HttpVisit])) complete?.('e-1')
    return events
  }
  const session = { handle: 'h', id: 's', version: '2025-11-25', declared }
  assert.deepEqual(told(session), [
    event(
      '{"jsonrpc":"2.0","method":"notifications/elicitation/complete","params":{"elicitationId":"e-1"}}',
    ),
  ])
  assert.deepEqual(told({ ...session, version: '2025-06-18' }), [])
  assert.deepEqual(told({ ...session, declared: [] }), [])
  assert.deepEqual(told(undefined), [])
})

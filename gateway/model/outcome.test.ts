import assert from 'node:assert/strict'
import { test } from 'node:test'
import { endedJourney, judgedCall } from '../testkit/journey.ts'
import { outcomeOf } from './outcome.ts'

test('a call that was answered is ok', () => {
  assert.equal(outcomeOf(endedJourney(), judgedCall()), 'ok')
})

test('an error the server answered is an error, whatever its HTTP status', () => {
  assert.equal(outcomeOf(endedJourney({ rpcError: -32000 }), judgedCall()), 'error')
  assert.equal(outcomeOf(endedJourney({ upstreamStatus: 404 }), judgedCall()), 'error')
})

test('a visit that did not complete ended as it did, whatever the server said before', () => {
  const journey = endedJourney({ ending: 'client_gone', rpcError: -32000 })
  assert.equal(outcomeOf(journey, judgedCall()), 'client_gone')
  assert.equal(outcomeOf(journey, undefined), 'client_gone')
})

test('a denied call is refused even in a visit that goes on', () => {
  assert.equal(outcomeOf(endedJourney(), judgedCall({ effect: 'deny' })), 'refused')
})

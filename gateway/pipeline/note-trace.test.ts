import assert from 'node:assert/strict'
import { test } from 'node:test'
import { scan } from '../mcp/scan.ts'
import type { TraceContext } from '../model/journey.ts'
import { testSeat } from '../testkit/pipeline.ts'
import type { Seat } from './frame.ts'
import { noteTrace } from './note-trace.ts'

const FROM_HEADER: TraceContext = {
  traceId: 'h',
  parentId: 'sent',
  sampled: true,
  state: undefined,
}

/** Traces are written as `id-parent` here; anything without a dash is malformed. */
function parseTrace(traceparent: string | undefined, state: string | undefined) {
  const [traceId, parentId] = traceparent?.split('-') ?? []
  if (traceId === undefined || parentId === undefined) return undefined
  return { traceId, parentId, sampled: true, state }
}

/** How often a trace was begun for a message with this `_meta`. */
function note(meta: string, seat: Seat): number {
  const scanned = scan(
    Buffer.from(`{"jsonrpc":"2.0","id":1,"method":"ping","params":{"_meta":${meta}}}`),
  )
  assert.ok(scanned.ok)
  const content = { kind: 'message', message: scanned.messages[0]! } as const
  let begun = 0
  noteTrace({ seat, direction: 'up', content }, { parseTrace, startTrace: () => (begun += 1) })
  return begun
}

test('a message that names its trace is part of it', () => {
  const seat = testSeat()
  assert.equal(note('{"traceparent":"m-call","tracestate":"a=1"}', seat), 1)
  assert.deepEqual(seat.journey.trace, {
    traceId: 'm',
    parentId: 'call',
    sampled: true,
    state: 'a=1',
  })
})

test('what the message names counts for more than the headers of its connection, unless both are of one trace', () => {
  const seat = testSeat()
  seat.journey.trace = FROM_HEADER
  assert.equal(note('{"traceparent":"h-call"}', seat), 0)
  assert.equal(seat.journey.trace, FROM_HEADER)
  assert.equal(note('{"traceparent":"m-call"}', seat), 1)
  assert.equal(seat.journey.trace.traceId, 'm')
})

test('a trace that is malformed, or no text, changes nothing', () => {
  const seat = testSeat()
  seat.journey.trace = FROM_HEADER
  for (const value of ['"nonsense"', '7', '{}', 'null']) {
    assert.equal(note(`{"traceparent":${value}}`, seat), 0, value)
  }
  assert.equal(seat.journey.trace, FROM_HEADER)
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatTraceparent, MAX_TRACESTATE_CHARS, parseTraceparent } from './traceparent.ts'

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736'
const PARENT = '00f067aa0ba902b7'
const VALID = `00-${TRACE}-${PARENT}-01`

test('a valid traceparent is read', () => {
  assert.deepEqual(parseTraceparent(VALID, undefined), {
    traceId: TRACE,
    parentId: PARENT,
    sampled: true,
    state: undefined,
  })
})

test('only the lowest flag says that a trace is sampled', () => {
  assert.equal(parseTraceparent(`00-${TRACE}-${PARENT}-00`, undefined)?.sampled, false)
  assert.equal(parseTraceparent(`00-${TRACE}-${PARENT}-fe`, undefined)?.sampled, false)
  assert.equal(parseTraceparent(`00-${TRACE}-${PARENT}-03`, undefined)?.sampled, true)
})

const MALFORMED = [
  ['nothing', undefined],
  ['an empty one', ''],
  ['upper-case digits', VALID.toUpperCase()],
  ['a trace id of zeros', `00-${'0'.repeat(32)}-${PARENT}-01`],
  ['a parent id of zeros', `00-${TRACE}-${'0'.repeat(16)}-01`],
  ['a later version', `01-${TRACE}-${PARENT}-01`],
  ['the forbidden version', `ff-${TRACE}-${PARENT}-01`],
  ['more after the flags', `${VALID}-x`],
  ['a trace id that is too short', `00-${TRACE.slice(1)}-${PARENT}-01`],
  ['white space around', ` ${VALID}`],
  ['a newline after', `${VALID}\n`],
  ['other separators', VALID.replaceAll('-', '_')],
  ['letters that are no digits', VALID.replace('4bf', '4bg')],
  ['two joined by a comma', `${VALID}, ${VALID}`],
] as const

for (const [what, text] of MALFORMED) {
  test(`a traceparent with ${what} is none`, () => {
    assert.equal(parseTraceparent(text, 'vendor=1'), undefined)
  })
}

test('a valid tracestate is kept as it came', () => {
  for (const state of [
    'rojo=00f067aa0ba902b7,congo=t61rcWkgMzE',
    'a=1, b=2',
    'fw529a3039@dt=x',
    'a=1,',
  ]) {
    assert.equal(parseTraceparent(VALID, state)?.state, state)
  }
})

const BAD_STATES = [
  ['no key', '=1'],
  ['no value', 'a='],
  ['no equals sign', 'a'],
  ['an upper-case key', 'A=1'],
  ['a second equals sign in the value', 'a=1=2'],
  ['a key twice', 'a=1,a=2'],
  ['a control character', 'a=1\u0001'],
  ['a newline', 'a=1\r\nx: y'],
  ['a letter outside ASCII', 'a=ü'],
  ['nothing in it', ''],
  ['commas only', ',,'],
  ['more than 512 characters', `a=${'x'.repeat(250)},b=${'x'.repeat(256)},c=1`],
  ['a value of more than 256 characters', `a=${'x'.repeat(257)}`],
  ['more than 32 members', Array.from({ length: 33 }, (_, at) => `k${at}=1`).join(',')],
] as const

for (const [what, state] of BAD_STATES) {
  test(`a tracestate with ${what} is left out, and the traceparent counts`, () => {
    assert.deepEqual(parseTraceparent(VALID, state), {
      traceId: TRACE,
      parentId: PARENT,
      sampled: true,
      state: undefined,
    })
  })
}

test('a tracestate of 512 characters is read', () => {
  const state = `a=${'x'.repeat(256)},b=${'x'.repeat(251)}`
  assert.equal(state.length, MAX_TRACESTATE_CHARS)
  assert.equal(parseTraceparent(VALID, state)?.state, state)
})

test('what is formatted is read back, and only the sampled flag is passed on', () => {
  assert.equal(formatTraceparent({ traceId: TRACE, spanId: PARENT, sampled: true }), VALID)
  const unsampled = formatTraceparent({ traceId: TRACE, spanId: PARENT, sampled: false })
  assert.equal(parseTraceparent(unsampled, undefined)?.sampled, false)
})

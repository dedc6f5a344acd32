import assert from 'node:assert/strict'
import { test } from 'node:test'
import { recordedArguments } from './recorded-arguments.ts'

/** What is recorded of arguments, as they are sent, without these paths. */
function recorded(sent: string, ...paths: readonly string[]): string | undefined {
  const frame = Buffer.from(`{"arguments":${sent}}`)
  const span = { start: '{"arguments":'.length, end: frame.length - 1 }
  const redact = paths.map((path) => path.split('.'))
  return recordedArguments({ arguments: span }, frame, { redact })
}

test('without anything to redact the arguments are recorded as they were sent', () => {
  assert.equal(
    recorded('{ "a":1e400, "é": 12345678901234567890 }'),
    '{ "a":1e400, "é": 12345678901234567890 }',
  )
})

test('a call without arguments, or that came in no message, has none to record', () => {
  assert.equal(
    recordedArguments({ arguments: undefined }, Buffer.from('{}'), { redact: [] }),
    undefined,
  )
  const span = { start: 0, end: 2 }
  assert.equal(recordedArguments({ arguments: span }, undefined, { redact: [] }), undefined)
})

test('what a path names is replaced whatever it is, and nothing else', () => {
  const sent = '{"password":"hunter2","login":{"password":{"is":"hunter2"},"user":"ann"},"n":[1]}'
  assert.equal(
    recorded(sent, 'password', 'login.password'),
    '{"password":"[redacted]","login":{"password":"[redacted]","user":"ann"},"n":[1]}',
  )
  assert.equal(recorded('{"Password":"a"}', 'password'), '{"Password":"a"}')
})

test('a path goes through lists, and lists of lists', () => {
  assert.equal(
    recorded('{"users":[{"key":1,"name":"a"},[{"key":2}]]}', 'users.key'),
    '{"users":[{"key":"[redacted]","name":"a"},[{"key":"[redacted]"}]]}',
  )
})

test('what stands in the way of a path and is no mapping is replaced', () => {
  assert.equal(recorded('{"login":"ann:hunter2"}', 'login.password'), '{"login":"[redacted]"}')
  assert.equal(recorded('{"login":["hunter2"]}', 'login.password'), '{"login":["[redacted]"]}')
  assert.equal(recorded('"hunter2"', 'password'), '"[redacted]"')
})

test('a name is found however it is escaped, with dots in it, and whatever it means to JavaScript', () => {
  assert.equal(recorded('{"p\\u0061ss":"a"}', 'pass'), '{"pass":"[redacted]"}')
  assert.equal(
    recorded('{"a.b":1,"a":{"b":2}}', 'a.b'),
    '{"a.b":"[redacted]","a":{"b":"[redacted]"}}',
  )
  assert.equal(recorded('{"__proto__":{"k":1}}', '__proto__.k'), '{"__proto__":{"k":"[redacted]"}}')
  assert.equal(recorded('{"x":1}', 'constructor', 'toString.name'), '{"x":1}')
})

test('a name that is written with an escape is redacted as well, whatever was sent before', () => {
  const primed = '{"x":1,"\\\\u0070as":1,"z":1}'
  assert.equal(recorded(primed, 'password'), primed)
  assert.equal(
    recorded('{"x":1,"\\u0070assword":"hunter2","z":1}', 'password'),
    '{"x":1,"password":"[redacted]","z":1}',
  )
})

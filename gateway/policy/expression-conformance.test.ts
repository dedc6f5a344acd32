import assert from 'node:assert/strict'
import { test } from 'node:test'
import { celCases } from '../testkit/cel-cases.ts'
import { createExpressions } from './expression.ts'

test('what policies allow of CEL is what the public conformance data says it is', () => {
  const compile = createExpressions()
  const wrong: string[] = []
  let asked = 0
  for (const { name, text, answer } of celCases()) {
    const read = compile(text)
    // Messages, extensions and the rest of what no policy may contain.
    if (!read.ok) continue
    asked += 1
    const given = read.expression.evaluate({})
    if (given !== answer) wrong.push(`${name}: ${text} is ${given}, not ${answer}`)
  }
  assert.deepEqual(wrong, [])
  assert.ok(asked > 500, `${asked} cases were asked`)
})

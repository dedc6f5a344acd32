import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { Ajv2020, type AnySchemaObject } from 'ajv/dist/2020.js'
import { explainErrors } from './explain-errors.ts'
import { validate } from './validate.ts'
import { readYaml } from './yaml.ts'

/** What is said about `data` under a schema; `path message` each. */
function explain(schema: AnySchemaObject, data: unknown): readonly string[] {
  const ajv = new Ajv2020({ allErrors: true, strict: false, verbose: true })
  const errorsOf = (one: AnySchemaObject, value: unknown) => {
    const check = ajv.compile({ ...one })
    return check(value) === true ? [] : (check.errors ?? [])
  }
  return explainErrors(errorsOf(schema, data), errorsOf).map(({ message }) => message)
}

test('problems come in the order of the document, with its name', () => {
  const document = readYaml('f.yaml', 'servers: 1\nversion: 2\n')
  assert.ok(document.ok)
  assert.deepEqual(validate('config', document), [
    { file: 'f.yaml', line: 1, column: 1, message: '"public_url" is missing' },
    { file: 'f.yaml', line: 1, column: 10, message: 'servers: must be a mapping, not 1' },
    { file: 'f.yaml', line: 2, column: 10, message: 'version: must be 1, not 2' },
  ])
})

test('every published schema loads, and refuses nonsense', () => {
  const document = readYaml('f.yaml', 'nonsense: true\n')
  assert.ok(document.ok)
  for (const name of ['config', 'policy', 'cases'] as const) {
    const messages = validate(name, document).map(({ message }) => message)
    assert.ok(
      messages.some((message) => message.startsWith('unknown key "nonsense"')),
      name,
    )
  }
})

test('every published schema is a schema', () => {
  const root = join(import.meta.dirname, '../..')
  const files = globSync('{config,policies}/*.schema.json', { cwd: root })
  assert.ok(files.length >= 5)
  for (const file of files) {
    const schema: unknown = JSON.parse(readFileSync(join(root, file), 'utf8'))
    const ajv = new Ajv2020()
    assert.equal(
      ajv.validateSchema(schema as AnySchemaObject),
      true,
      `${file}: ${ajv.errorsText()}`,
    )
  }
})

const RECTANGLE = { type: 'object', required: ['w', 'h'], properties: { w: { type: 'number' } } }
const SHAPE = { anyOf: [{ const: 'none' }, { type: 'string', minLength: 9 }, RECTANGLE] }

test('of several alternatives the one that was meant is explained', () => {
  assert.deepEqual(explain(SHAPE, { w: 'wide' }), [
    '"h" is missing',
    'w: must be a number, not text',
  ])
})

test('a value of no alternative is told all of them', () => {
  assert.deepEqual(explain(SHAPE, 5), ['must be "none" or text or a mapping, not 5'])
})

test('alternatives inside alternatives are explained by the innermost', () => {
  const outer = { anyOf: [{ type: 'null' }, { type: 'object', properties: { s: SHAPE } }] }
  assert.deepEqual(explain({ properties: { a: outer } }, { a: { s: { h: 1, w: false } } }), [
    'a.s.w: must be a number, not false',
  ])
})

test('errors beside alternatives are kept, each once', () => {
  const schema = { properties: { a: SHAPE, b: { type: 'string' } }, additionalProperties: false }
  assert.deepEqual(explain(schema, { b: 1, a: 5, c: 2 }), [
    'unknown key "c"; known here: a, b',
    'a: must be "none" or text or a mapping, not 5',
    'b: must be text, not 1',
  ])
})

test('conditions are explained by what they demand', () => {
  const schema = JSON.parse('{"if": {"required": ["a"]}, "then": {"required": ["b"]}}')
  assert.deepEqual(explain(schema, { a: 1 }), ['"b" is missing'])
})

test('numbers are held to their bounds in words', () => {
  assert.deepEqual(explain({ minimum: 1 }, 0), ['must be at least 1, not 0'])
  assert.deepEqual(explain({ maximum: 1 }, 2), ['must be at most 1, not 2'])
  assert.deepEqual(explain({ minItems: 1 }, []), ['must not be empty'])
})

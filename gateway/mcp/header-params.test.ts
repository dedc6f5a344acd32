import assert from 'node:assert/strict'
import { test } from 'node:test'
import { paramDisagreement, readHeaderParams } from './header-params.ts'

type Json = Readonly<Record<string, unknown>>

/** What a tool with this input schema mirrors: header and path of each. */
function mirrored(inputSchema: Json): readonly string[] {
  const tools = [{ name: 't', inputSchema }]
  const response = Buffer.from(JSON.stringify({ jsonrpc: '2.0', id: 1, result: { tools } }))
  const params = readHeaderParams(response).get('t') ?? []
  return params.map(({ header, path }) => `${header} ${path.join('.')}`)
}

const of = (properties: Json): Json => ({ type: 'object', properties })
const region = { type: 'string', 'x-mcp-header': 'Region' }

test('strings, integers and booleans are mirrored, also in nested objects', () => {
  const nested = of({ inner: { type: 'integer', 'x-mcp-header': 'X-Inner' } })
  const dry = { type: 'boolean', 'x-mcp-header': 'dry' }
  assert.deepEqual(mirrored(of({ region, plain: { type: 'string' }, nested, dry })), [
    'mcp-param-region region',
    'mcp-param-x-inner nested.inner',
    'mcp-param-dry dry',
  ])
})

const INVALID: readonly (readonly [string, Json])[] = [
  ['an empty name', of({ a: { type: 'string', 'x-mcp-header': '' } })],
  ['a name that is no token', of({ a: { type: 'string', 'x-mcp-header': 'a b' } })],
  ['a name that is no text', of({ a: { type: 'string', 'x-mcp-header': 7 } })],
  ['two names that differ by case', of({ region, b: { ...region, 'x-mcp-header': 'REGION' } })],
  ['a number', of({ a: { type: 'number', 'x-mcp-header': 'A' } })],
  ['an object', of({ a: { type: 'object', 'x-mcp-header': 'A' } })],
  ['no type', of({ a: { 'x-mcp-header': 'A' } })],
  ['an element of a list', of({ a: { type: 'array', items: region } })],
  ['a property of an element', of({ a: { type: 'array', items: of({ region }) } })],
  ['an alternative', { ...of({}), oneOf: [of({ region })] }],
  ['a definition', { ...of({}), $defs: { region } }],
  ['the schema itself', { ...of({}), ...region }],
]

for (const [what, schema] of INVALID) {
  test(`a tool that annotates ${what} mirrors nothing at all`, () => {
    const good = { good: { type: 'string', 'x-mcp-header': 'Good' } }
    const properties = { ...good, ...(schema['properties'] as Json) }
    assert.deepEqual(mirrored({ ...schema, properties }), [])
  })
}

test('what only looks like an annotation is none', () => {
  assert.deepEqual(mirrored(of({ 'x-mcp-header': { type: 'string' }, region })), [
    'mcp-param-region region',
  ])
  assert.deepEqual(mirrored(of({ region: { ...region, default: { 'x-mcp-header': 'no' } } })), [
    'mcp-param-region region',
  ])
})

const PARAMS = [
  { header: 'mcp-param-region', path: ['region'] },
  { header: 'mcp-param-size', path: ['box', 'size'] },
]

const disagree = (args: unknown, ...headers: string[]): string | undefined =>
  paramDisagreement(PARAMS, headers, args)

test('a header says what its argument says', () => {
  const region = (value: unknown, header: string) =>
    disagree({ region: value }, 'mcp-param-region', header)
  assert.equal(region('us', 'us'), undefined)
  assert.equal(region('', ''), undefined)
  assert.equal(region('', '=?base64??='), undefined)
  assert.equal(region('ü', '=?base64?w7w=?='), undefined)
  assert.equal(region(true, 'true'), undefined)
  assert.equal(region('us', 'eu'), 'mcp-param-region does not match the body')
  assert.equal(region('us', 'US'), 'mcp-param-region does not match the body')
  assert.equal(region(true, 'false'), 'mcp-param-region does not match the body')
  assert.equal(region('ü', '=?base64?w7w?='), 'mcp-param-region is not a valid encoding')
})

test('integers are compared as numbers', () => {
  const size = (value: unknown, header: string) =>
    disagree({ box: { size: value } }, 'mcp-param-size', header) === undefined
  assert.ok(size(42, '42') && size(42, '42.0') && size(-1, '-1') && size(0, '0'))
  for (const header of ['43', '0x2a', '4.2e1', ' 42', '', '042', '42.5', '42,0']) {
    assert.ok(!size(42, header), header)
  }
  assert.ok(!size(2 ** 53, '9007199254740992'))
  assert.ok(!size('42', '42.0'))
})

test('a present argument needs its header, an absent one or null does not', () => {
  assert.equal(disagree({ region: 'us' }), 'mcp-param-region is missing')
  assert.equal(disagree({ region: 'us' }, 'mcp-param-other', 'us'), 'mcp-param-region is missing')
  for (const args of [{}, { region: null }, null, undefined, { box: 'x' }, { region: ['us'] }]) {
    assert.equal(disagree(args), undefined)
    assert.equal(disagree(args, 'mcp-param-region', 'eu'), undefined)
  }
})

test('names of JavaScript’s own objects are no arguments', () => {
  const params = [{ header: 'mcp-param-a', path: ['constructor', 'name'] }]
  assert.equal(paramDisagreement(params, [], {}), undefined)
})

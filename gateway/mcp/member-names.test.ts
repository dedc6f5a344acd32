import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as tables from './protocol-members.ts'
import { scan } from './scan.ts'

function code(text: string): string {
  const scanned = scan(Buffer.from(text))
  return scanned.ok ? 'accepted' : scanned.problem.code
}

function inParams(name: string): string {
  return `{"jsonrpc":"2.0","id":1,"method":"x","params":{"name":"echo",${JSON.stringify(name)}:"delete_all"}}`
}

const LOOK_ALIKES: readonly (readonly [string, string])[] = [
  ['another case', 'Name'],
  ['all capitals', 'NAME'],
  ['U+017F for s', 'argument\u017f'],
  ['U+212A for k', 'tas\u212a'],
  ['full-width letters', '\uff4e\uff41\uff4d\uff45'],
  ['a dotted capital I', 'UR\u0130'],
  ['a dotless i', 'ur\u0131'],
  ['a space behind', 'name '],
  ['a space before', ' name'],
  ['a tab before', '\tname'],
  ['a no-break space behind', 'name\u00a0'],
  ['a NUL behind', 'name\0'],
  ['a NUL inside', 'na\0me'],
  ['a line feed behind', 'name\n'],
  ['a NUL and more behind', 'name\0x'],
  ['a control character in any name', 'x\u0085y'],
  ['DEL behind', 'name\u007f'],
  ['a zero-width space inside', 'na\u200bme'],
  ['a zero-width joiner behind', 'name\u200d'],
  ['a soft hyphen inside', 'na\u00adme'],
  ['a byte order mark before', '\ufeffname'],
  ['a variation selector behind', 'name\ufe0f'],
  ['a right-to-left mark behind', 'name\u200f'],
  ['an underscore for a hump', 'task_id'],
  ['no hump', 'taskid'],
  ['a hyphen for a hump', 'request-state'],
  ['no leading underscore', 'meta'],
  ['__PROTO__ in capitals', '__PROTO__'],
]

for (const [what, name] of LOOK_ALIKES) {
  test(`refuses a member of params that resembles one of the protocol: ${what}`, () => {
    assert.equal(code(inParams(name)), 'invalid_request')
  })
}

test('every object with protocol members refuses look-alikes of its own', () => {
  const frames = [
    '{"jsonrpc":"2.0","id":1,"method":"x","iD":2}',
    '{"jsonrpc":"2.0","id":1,"method":"x","params":{"_meta":{"IO.modelcontextprotocol/protocolVersion":"1"}}}',
    '{"jsonrpc":"2.0","id":1,"method":"x","params":{"ref":{"Type":"ref/prompt"}}}',
    '{"jsonrpc":"2.0","id":1,"method":"x","params":{"notifications":{"resource_subscriptions":["a"]}}}',
    '{"jsonrpc":"2.0","id":1,"Result":{},"result":{}}',
  ]
  assert.deepEqual(
    frames.map(code),
    frames.map(() => 'invalid_request'),
  )
})

test('members that resemble nothing are accepted everywhere', () => {
  const names = ['com.example/x', 'names', 'nam', 'näme', '名前', '', 'x-name', 'toString', 'pröto']
  for (const name of names) {
    assert.equal(code(inParams(name)), 'accepted', name)
    const key = JSON.stringify(name)
    assert.equal(code(`{"jsonrpc":"2.0","id":1,"method":"x",${key}:1}`), 'accepted', name)
    assert.equal(
      code(`{"jsonrpc":"2.0","id":1,"method":"x","params":{"_meta":{${key}:1}}}`),
      'accepted',
      name,
    )
  }
})

test('look-alikes are nobody else’s business: arguments, results and capabilities may hold them', () => {
  const odd = '{"Name":1,"name ":2,"__proto__":3}'
  for (const member of ['arguments', 'capabilities', 'inputResponses', 'unknown']) {
    const text = `{"jsonrpc":"2.0","id":1,"method":"x","params":{"${member}":${odd}}}`
    assert.equal(code(text), 'accepted', member)
  }
  assert.equal(code(`{"jsonrpc":"2.0","id":1,"result":${odd}}`), 'accepted')
})

function withMembers(names: readonly string[]): string {
  const members = names.map((name) => `${JSON.stringify(name)}:1`).join(',')
  return `{"jsonrpc":"2.0","id":1,"method":"x","params":{${members}}}`
}

test('any number of plain names is accepted, but only 1,000 odd ones', () => {
  const many = Array.from({ length: 20_000 }, (_, i) => `x${i}`)
  assert.equal(code(withMembers(many)), 'accepted')
  const odd = many.slice(0, 1_001).map((name) => `ü${name}`)
  assert.equal(code(withMembers(odd.slice(1))), 'accepted')
  assert.equal(code(withMembers(odd)), 'parse_error')
})

test('a name beyond ASCII of more than 256 bytes is refused, one in ASCII is not', () => {
  assert.equal(code(withMembers([`ü${'x'.repeat(254)}`])), 'accepted')
  assert.equal(code(withMembers([`ü${'x'.repeat(255)}`])), 'invalid_request')
  assert.equal(code(withMembers(['x'.repeat(100_000)])), 'accepted')
})

test('no two names of a table share a hash', () => {
  for (const table of Object.values(tables)) {
    if (typeof table === 'string') continue
    const names = [...table.byHash.values()].map(({ name }) => name)
    assert.equal(table.byHash.size, new Set(names).size)
  }
  assert.equal(tables.PARAMS.byHash.size, 44)
})

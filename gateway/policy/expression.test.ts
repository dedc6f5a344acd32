import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Bindings, createExpressions } from './expression.ts'

const compile = createExpressions()

function answer(text: string, bindings: Bindings = {}): string {
  const read = compile(text)
  assert.ok(read.ok, JSON.stringify(read))
  return read.expression.evaluate(bindings)
}

function fault(text: string): string {
  const read = compile(text)
  assert.ok(!read.ok, text)
  return read.message
}

const ARGS = { path: '/a/b', n: 3, list: ['x', 'y'], deep: { a: { b: true } }, nothing: null }

test('an expression is true, false, or an error, and nothing else', () => {
  assert.equal(answer('args.path == "/a/b"', { args: ARGS }), 'true')
  assert.equal(answer('args.n > 3', { args: ARGS }), 'false')
  assert.equal(answer('args.n', { args: ARGS }), 'error')
  assert.equal(answer('args.path', { args: ARGS }), 'error')
  assert.equal(answer('args.missing == 1', { args: ARGS }), 'error')
  assert.equal(answer('args.path > 1', { args: ARGS }), 'error')
})

test('what arguments hold is looked at with the means of CEL', () => {
  for (const text of [
    'has(args.path) && !has(args.missing)',
    'args.deep.a.b',
    'args["path"].startsWith("/a")',
    '"x" in args.list && size(args.list) == 2',
    'args.list.all(one, one.matches("^[xy]$"))',
    'args.list.exists_one(one, one == "x")',
    'args.nothing == null',
    'args.n + 1.0 == 4.0',
    'int(args.n) + 1 == 4',
    'under(args.path, "/a")',
    'args.n in [1, 2, 3]',
    '[{"group": 1}].exists(one, one.group == 1)',
  ]) {
    assert.equal(answer(text, { args: ARGS }), 'true', text)
  }
})

test('time is a timestamp', () => {
  const now = Date.UTC(2026, 10, 23, 7)
  assert.equal(answer('now < timestamp("2027-01-01T00:00:00Z")', { now }), 'true')
  assert.equal(answer('now.getHours("Europe/Berlin") == 8', { now }), 'true')
})

test('what JavaScript hangs on an object is not there', () => {
  for (const name of ['constructor', '__proto__', 'toString', 'hasOwnProperty']) {
    assert.equal(answer(`has(args.${name})`, { args: {} }), 'false', name)
    assert.equal(answer(`args.${name} == args.${name}`, { args: {} }), 'error', name)
  }
  assert.equal(answer('args.length > 0', { args: [1] }), 'error')
})

test('what does not depend on what is unknown is known', () => {
  const read = compile('args')
  assert.ok(read.ok)
  const unknown = { args: read.expression.unknown, server: 'docs' }
  assert.equal(answer('args.x == 1 || server == "docs"', unknown), 'true')
  assert.equal(answer('has(args.x) && server == "db"', unknown), 'false')
  for (const text of [
    'has(args.x)',
    '!has(args.x)',
    '"x" in args',
    'args == {}',
    'args.all(x, true)',
  ]) {
    assert.equal(answer(text, unknown), 'error', text)
  }
})

test('under answers an error for a trick, whichever way round it is asked', () => {
  const args = { path: '/a/../etc' }
  assert.equal(answer('under(args.path, "/a")', { args }), 'error')
  assert.equal(answer('!under(args.path, "/a")', { args }), 'error')
  for (const path of [undefined, ['/a'], { a: 1 }, 7, null]) {
    assert.equal(answer('under(args.path, "/a")', { args: { path } }), 'error')
  }
})

const REFUSED: readonly (readonly [what: string, text: string, says: RegExp])[] = [
  ['that ends too early', 'args.x ==', /no CEL at 1:8 in it: something is missing/],
  ['that is no CEL', 'args.x 5', /no CEL at 1:8 in it: found 5/],
  ['with one equals sign', 'args.x = 1', /at 1:8 in it: two values are compared with ==/],
  ['with three of them', 'args.x === 1', /compared with ==/],
  ['with another sign for patterns', 'args.x =~ "a"', /text\.matches\("pattern"\)/],
  ['with and', 'args.x == 1 and args.y', /joined with &&/],
  ['with OR', 'args.x == 1 OR args.y', /joined with \|\|/],
  ['with not', 'not has(args.x)', /turned around with !/],
  ['with a list in parentheses', 'args.x in ("a", "b")', /x in \["a", "b"\]/],
  ['with half a quote', 'args.x == "a', /a quote has no end/],
  ['of several lines that is no CEL', 'args.x == 1\n  )', /at 2:3 in it/],
  [
    'with an unknown name',
    'args.x == 1 && arg.y',
    /at 1:16 in it: "arg" is not known; there are args/,
  ],
  ['with a bracket that is not closed', 'under(args.path, "/(x)"', /no CEL at .*: a \( has no \)$/],
  ['with a bracket too many', 'args.x in [1]]', /no CEL at .*: a \] has no \[$/],
  ['with an unknown function', 'exec("x")', /the function "exec" is not known; there are/],
  ['with a message', 'google.protobuf.Timestamp{seconds: 1} == now', /there are no messages/],
  ['with a loop in a loop', 'args.a.all(x, args.b.exists(y, true))', /loop within a loop/],
  ['that makes lists', 'size(args.a.map(x, x)) > 1', /must not make lists/],
  ['that filters lists', 'size(args.a.filter(x, true)) > 1', /must not make lists/],
  ['with a pattern from the caller', 'args.a.matches(args.b)', /must be a literal/],
  ['with half a pattern', 'args.a.matches("(")', /the pattern "\("/],
  ['with a look-ahead', 'args.a.matches("(?=x)")', /the pattern/],
  ['that scans an argument in a loop', 'args.a.all(x, args.b.contains(x))', /once for each/],
  ['that joins an argument in a loop', 'args.a.all(x, args.b + x == "")', /once for each/],
  ['that compares arguments in a loop', 'args.a.all(x, args.b == args.c)', /once for each/],
  ['that hides a name in a loop', '["a"].all(args, args == "a")', /is taken/],
  [
    'with a member that no caller has',
    'has(args.x) && caller.group == "a"',
    /at 1:22 in it: "caller\.group" is not known; "caller" has subject, .*groups/,
  ],
  ['that asks for such a member', 'has(caller.team)', /"caller\.team" is not known/],
  ['that takes it by its name', 'request["address"] == ""', /"request\.address" is not known/],
  ['with an annotation that there is not', 'tool.annotations.readOnly', /has readOnlyHint, /],
  ['with a member of a text', 'server.name == "docs"', /"server" has no "name": it is the value/],
  ['that is a sum', 'args.a + 1', /at 1:8 in it: comes to a value that is neither true nor false/],
  ['that is a number of things', 'size(args.a)', /neither true nor false/],
  ['that is an hour', 'now.getHours()', /neither true nor false/],
  ['that is text', '"true"', /neither true nor false/],
  ['that is a list', '[args.a == 1]', /neither true nor false/],
  ['without end', `args.x == "${'a'.repeat(1100)}"`, /longer than 1024/],
  ['of great depth', `${'['.repeat(60)}1${']'.repeat(60)} == []`, /nested deeper/],
]

for (const [what, text, says] of REFUSED) {
  test(`an expression ${what} is refused`, () => {
    assert.match(fault(text), says)
  })
}

test('what an expression reads is known, and which arguments it takes for granted', () => {
  const read = compile('has(args.a) && args.a == args.b && caller.kind == "agent" && "c" in args')
  assert.ok(read.ok)
  const { reads, unguarded, loops, matches } = read.expression
  assert.deepEqual([...reads].toSorted(), ['args', 'caller'])
  assert.deepEqual([unguarded, loops, matches], [['b'], false, false])
})

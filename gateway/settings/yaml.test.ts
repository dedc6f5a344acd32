import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MAX_ALIASES, MAX_YAML_BYTES, readYaml } from './yaml.ts'

/** `line:column message` of each problem; empty when the text is accepted. */
function problemsOf(text: string): readonly string[] {
  const result = readYaml('f.yaml', text)
  if (result.ok) return []
  return result.problems.map(({ line, column, message }) => `${line}:${column} ${message}`)
}

function read(text: string) {
  const result = readYaml('f.yaml', text)
  assert.ok(result.ok)
  return result
}

const aliases = (count: number): string => `a: &x 1\nb:\n${'  - *x\n'.repeat(count)}`
const textOf = (bytes: number): string => `a: 1\n#${'x'.repeat(bytes - 6)}`

const refused: Record<string, readonly [text: string, problem: string]> = {
  'a tab as indentation': [
    'a:\n\tb: 1\n',
    '2:1 a tab is used as indentation: YAML allows spaces only',
  ],
  'a tab in an entry of a list, and nothing that comes of it,': [
    'a:\n  - id: x\n\teffect: b\n    c: d\n',
    '3:1 a tab is used as indentation: YAML allows spaces only',
  ],
  'a key without a colon': ['a: 1\nb\nc: 2\n', '2:1 a key needs ": " behind it, then its value'],
  'a key without a space behind its colon': [
    'a: 1\nb:c\nd: 2\n',
    '2:1 a key needs ": " behind it, then its value',
  ],
  'a key written twice': ['a: 1\nb: 2\na: 3\n', '3:1 duplicate key "a": each key may appear once'],
  'a key written twice, the first time without a value': [
    'a:\n  b:\n  b: []\n',
    '3:3 duplicate key "b": each key may appear once',
  ],
  'a key written twice in a flow mapping': [
    'a: {b: 1, b: 2}\n',
    '1:11 duplicate key "b": each key may appear once',
  ],
  'a custom tag': ['a: !env TOKEN\n', '1:4 tags are not supported: remove "!env"'],
  'a tag that is not of the core schema': [
    'a: !!binary aGk=\n',
    '1:4 tags are not supported: remove "!!binary"',
  ],
  'a second document': [
    'a: 1\n---\nb: 2\n',
    '2:1 a second document starts here: one file holds one document',
  ],
  'a list as key': ['? [1]\n: 2\n', '1:3 keys must be text'],
  'an alias without anchor': [
    'a: [*/x]\n',
    '1:5 unknown anchor "/x"; text that begins with * needs quotes: "*/x"',
  ],
  'a line between two indentations of a list': [
    'a:\n  - b: 1\n   c: 2\n',
    '3:1 belongs to no entry of the list above it: check the indentation',
  ],
  'a line between two indentations of a mapping': [
    'a:\n  b: 1\n c: 2\n',
    '3:1 does not stand in line with the entries above it: check the indentation',
  ],
  'a value with a colon': [
    'a: b: c\n',
    '1:4 there is a second ": " here: a value that holds one needs quotes',
  ],
  'a line indented further than the one it goes with': [
    'a:\n  - b: c\n     d: e\n',
    '2:8 the line below is indented further than this one: check the indentation',
  ],
  'a star alone': ['a: [*, b]\n', '1:5 text that begins with * needs quotes'],
  'a star alone in a list': ['a:\n  - *\n', '2:5 text that begins with * needs quotes'],
  'braces in a flow sequence': [
    'a: [b/{c,d}]\n',
    '1:7 a comma is missing here; or text that holds brackets needs quotes',
  ],
  'a bracket without an end': [
    'a: [{ b: c }\nd: e\n',
    '2:1 a bracket above has no end, or what it holds is not indented',
  ],
  'text after a closing quote': [
    'a: "b" == "c"\n',
    '1:8 the value has ended before this: put quotes around all of it',
  ],
  'quotes in the same quotes': [
    'a: "b == "c""\n',
    '1:11 the value has ended before this: put quotes around all of it',
  ],
  'a value that begins with a reserved character': [
    'a: @x\n',
    '1:4 a value that begins with "@" needs quotes',
  ],
  'an alias inside what it names': ['a: &x {b: *x}\n', '1:11 "*x" contains itself'],
  'a merge key': [
    'a: &x {b: 1}\nc:\n  <<: *x\n',
    '3:3 merge keys (<<) are not YAML 1.2: write the keys out',
  ],
  'a directive for YAML 1.1': [
    '%YAML 1.1\n---\na: yes\n',
    '1:1 YAML 1.1 is not supported: remove the %YAML line',
  ],
  'a bare reference in a flow mapping': [
    'a: { b: Bearer ${env:T} }\nc: 1\n',
    '1:17 inside { } and [ ] a value with a reference needs quotes: "${env:T}"',
  ],
  'a bare reference in a flow sequence': [
    'a: [x, ${file:/run/t}]\n',
    '1:9 inside { } and [ ] a value with a reference needs quotes: "${file:/run/t}"',
  ],
  'an unclosed quotation': ['a: "b\n', '2:1 Missing closing "quote'],
}

for (const [what, [text, problem]] of Object.entries(refused)) {
  test(`${what} is refused where it stands`, () => {
    assert.deepEqual(problemsOf(text), [problem])
  })
}

test('every syntax error is reported, not only the first', () => {
  assert.equal(problemsOf('a: 1\na: 2\nb: !x 1\n').length, 2)
})

test('aliases up to the limit are accepted, one more is refused at its place', () => {
  assert.deepEqual(problemsOf(aliases(MAX_ALIASES)), [])
  assert.deepEqual(problemsOf(aliases(MAX_ALIASES + 1)), [
    `${MAX_ALIASES + 3}:5 more than 50 aliases: write the values out`,
  ])
})

test('an alias bomb is refused although it has few aliases', () => {
  const lines = ['a0: &a0 [x, x, x, x]']
  for (let level = 1; level <= 12; level += 1) {
    lines.push(`a${level}: &a${level} [${`*a${level - 1}, `.repeat(4)}]`)
  }
  assert.equal(lines.join('').split('*').length - 1, 48)
  assert.deepEqual(problemsOf(lines.join('\n')), [
    '1:1 aliases expand to too much (at most 50 copies): write the values out',
  ])
})

test('nesting without end is refused and not fatal', () => {
  const [problem, ...more] = problemsOf('['.repeat(100_000))
  assert.match(problem ?? '', /^1:\d+ nested too deeply$/)
  assert.deepEqual(more, [])
})

test('a file of one mebibyte is read, one byte more is refused', () => {
  assert.deepEqual(problemsOf(textOf(MAX_YAML_BYTES)), [])
  assert.deepEqual(problemsOf(textOf(MAX_YAML_BYTES + 1)), [
    `1:1 the file is larger than ${MAX_YAML_BYTES} bytes; split it`,
  ])
})

test('scalars mean what the core schema says, so yes and dates are text', () => {
  const { data } = read('a: yes\nb: true\nc: 2026-01-31\nd: 0x10\ne: ~\nf: "1"\n')
  assert.deepEqual(data, { a: 'yes', b: true, c: '2026-01-31', d: 16, e: null, f: '1' })
})

test('an empty file is null and not an error', () => {
  assert.equal(read('# nothing\n').data, null)
})

test('a member called __proto__ is a member like any other', () => {
  const { data } = read('__proto__: {admin: true}\n')
  assert.deepEqual(Object.keys(data as object), ['__proto__'])
  assert.equal((data as Record<string, unknown>)['admin'], undefined)
})

test('positions lead to keys, values, items and through aliases', () => {
  const { at } = read('a:\n  b: [1, {c: 2}]\nd: &d {e: 3}\nf: *d\n  \ng:\n')
  assert.deepEqual(at(['a', 'b']), { line: 2, column: 6 })
  assert.deepEqual(at(['a', 'b'], 'key'), { line: 2, column: 3 })
  assert.deepEqual(at(['a', 'b', 1, 'c']), { line: 2, column: 14 })
  assert.deepEqual(at(['f', 'e']), { line: 3, column: 11 })
  assert.deepEqual(at(['g']), { line: 6, column: 1 })
  assert.deepEqual(at([]), { line: 1, column: 1 })
})

test('the position of what is not there is that of the deepest thing that is', () => {
  const { at } = read('a:\n  b: 1\n')
  assert.deepEqual(at(['a', 'x', 'y']), { line: 1, column: 1 })
  assert.deepEqual(at(['a', 'b', 'c']), { line: 2, column: 6 })
  assert.deepEqual(at(['x']), { line: 1, column: 1 })
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  canBeginWith,
  compileGlob,
  type Glob,
  includesGlob,
  matchesGlob,
  MAX_GLOB_LENGTH,
} from './glob.ts'

/** Longest name a caller can hand in that these bounds speak of (threats.md, X-20). */
const LONG = 10 * 1024
const MAX_MATCH_MS = 5

/** The best of so many rounds counts: a busy machine is not a slow matcher. */
const ROUNDS = 10

const ROWS: readonly {
  readonly glob: string
  readonly matches: readonly string[]
  readonly misses: readonly string[]
}[] = [
  {
    glob: 'read',
    matches: ['read'],
    misses: ['', 'rea', 'reads', 'xread', 'Read', 'read ', ' read'],
  },
  {
    glob: 'read_*',
    matches: ['read_', 'read_file', 'read_*'],
    misses: ['read', 'xread_a', 'read_a/../delete_all', 'read_/', 'READ_A', 'Read_a'],
  },
  { glob: '*_trash', matches: ['_trash', 'empty_trash'], misses: ['trash', 'a/_trash', '_trash/'] },
  { glob: 'a*c', matches: ['ac', 'abc', 'acc'], misses: ['a', 'c', 'a/c', 'abcd', 'ab'] },
  { glob: 'aa*aa', matches: ['aaaa', 'aaxaa'], misses: ['aa', 'aaa'] },
  { glob: '*', matches: ['', 'a', 'delete_all '], misses: ['/', 'a/', '/a', 'a/b'] },
  { glob: '**', matches: ['', '/', 'a/b/c', '\n'], misses: [] },
  { glob: '***', matches: ['', 'a/b'], misses: [] },
  { glob: 'a**', matches: ['a', 'a/b', 'abc/'], misses: ['', 'b', '/a'] },
  { glob: 'a/**', matches: ['a/', 'a/b', 'a/b/c'], misses: ['a', 'b/a/', 'ab/'] },
  { glob: '**/x', matches: ['/x', 'a/x', 'a/b/x'], misses: ['x', 'a/xx', 'a/x/'] },
  { glob: 'a?c', matches: ['abc', 'a?c', 'a*c', 'a😀c', 'aéc'], misses: ['ac', 'a/c', 'abbc'] },
  { glob: '?', matches: ['a', '😀'], misses: ['', '/', 'ab', '😀a'] },
  { glob: '??', matches: ['ab', 'a😀'], misses: ['😀', 'a', 'a/'] },
  { glob: '*?', matches: ['a', 'ab', '😀'], misses: ['', '/', 'a/b'] },
  {
    glob: 'a*b*c',
    matches: ['abc', 'axbxc', 'abbcc'],
    misses: ['ab', 'ac', 'a/bc', 'ab/c', 'acb'],
  },
  { glob: 'a**b*c', matches: ['abc', 'a/b/bc', 'a/bxc'], misses: ['a/b/c', 'ab/c/'] },
  { glob: '*/b/**', matches: ['a/b/', '/b/c/d'], misses: ['a/a/b/', 'b/', 'a/b'] },
  { glob: 'x.y+(z)', matches: ['x.y+(z)'], misses: ['xay+(z)', 'x.yy(z)'] },
  {
    glob: 'file:///pub/**',
    matches: ['file:///pub/a/b'],
    misses: ['file:///pub', 'FILE:///pub/a', 'file:///public/a'],
  },
  {
    glob: 'file:///pub/*.md',
    matches: ['file:///pub/a.md'],
    misses: ['file:///pub/a/b.md', 'file:///pub/a.mdx'],
  },
]

for (const { glob, matches, misses } of ROWS) {
  test(`the glob ${glob} matches what it says and nothing else`, () => {
    const compiled = compileGlob(glob)
    for (const text of misses) assert.equal(matchesGlob(compiled, text), false, text)
    for (const text of matches) assert.equal(matchesGlob(compiled, text), true, text)
  })
}

test('a glob longer than a word of the machine still matches across the border', () => {
  for (const length of [30, 31, 32, 33, 63, 64, 65, 200]) {
    const body = 'ab'.repeat(length).slice(0, length)
    const glob = compileGlob(`?${body}*?z`)
    assert.equal(matchesGlob(glob, `x${body}yz`), true)
    assert.equal(matchesGlob(glob, `x${body}z`), false)
    assert.equal(matchesGlob(glob, `x${body.slice(1)}yz`), false)
  }
})

const HOSTILE = [
  'a**********b',
  'a*a*a*a*a*a*a*a*b',
  'a**a**a**a**a**a**b',
  '**a*a**a*a**b',
  '?*'.repeat(MAX_GLOB_LENGTH / 2 - 1) + 'b',
  'a*'.repeat(MAX_GLOB_LENGTH / 2 - 1) + 'b?',
]

test('no glob takes long over 10 KiB of the same letter', () => {
  const text = 'a'.repeat(LONG)
  for (const glob of HOSTILE.map((one) => compileGlob(one))) {
    const tookMs = Math.min(...Array.from({ length: ROUNDS }, () => timeMs(glob, text)))
    assert.ok(tookMs < MAX_MATCH_MS, `${glob.text.slice(0, 20)} took ${tookMs} ms`)
  }
})

test('a glob can begin with what some text it matches begins with, and with nothing else', () => {
  const rows: readonly (readonly [glob: string, yes: readonly string[], no: readonly string[]])[] =
    [
      ['abc', ['', 'a', 'abc'], ['abcd', 'b']],
      ['a*c', ['a', 'ab', 'abc', 'acb'], ['b', 'a/']],
      ['file:///a/*', ['file:///', 'file:///a/b'], ['file:///b', 'file:///a/b/']],
      ['file:///a/*/z', ['file:///a/b/', 'file:///a/b/z'], ['file:///a/b/c', 'file:///a/b/z/']],
      ['**/x', ['a/b', '/x/y'], []],
      ['?b', ['a', 'ab'], ['/', 'aa', 'abc']],
    ]
  for (const [glob, yes, no] of rows) {
    for (const text of yes)
      assert.equal(canBeginWith(compileGlob(glob), text), true, `${glob} ${text}`)
    for (const text of no)
      assert.equal(canBeginWith(compileGlob(glob), text), false, `${glob} ${text}`)
  }
})

test('a glob includes another only when it matches everything the other does', () => {
  for (const [outer, inner] of [
    ['**', 'a/*'],
    ['*', 'a?'],
    ['a*', 'a*b'],
    ['a*', 'abc'],
    ['a/**', 'a/*/b'],
    ['a?c', 'a?c'],
    ['delete_*', 'delete_all_*'],
  ] as const) {
    assert.equal(includes(outer, inner), true, `${outer} ${inner}`)
  }
  for (const [outer, inner] of [
    ['*', '**'],
    ['a*', '*'],
    ['a*b', 'a*'],
    ['a', 'a*'],
    ['a?', 'a*'],
    ['?', 'ab'],
    ['a/*', 'a/**'],
    ['*', 'a/*'],
  ] as const) {
    assert.equal(includes(outer, inner), false, `${outer} ${inner}`)
  }
})

/** How long it takes to find that the glob does not match. */
function timeMs(glob: Glob, text: string): number {
  const from = performance.now()
  assert.equal(matchesGlob(glob, text), false)
  return performance.now() - from
}

function includes(outer: string, inner: string): boolean {
  return includesGlob(compileGlob(outer), compileGlob(inner))
}

/** Holds docs/threat-cases.md to the project: no case is missing, and each has tests that are there. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { cellsOf, missingTests, quotations } from './testkit/quoted-tests.ts'

const ROOT = new URL('../', import.meta.url)
const PAGE = readFileSync(new URL('docs/threat-cases.md', ROOT), 'utf8')

const ROWS = Array.from(PAGE.matchAll(/^\| [A-Z]-\d\d .*\|$/gm), ([line]) => {
  const [id = '', what = '', expected = '', tests = ''] = cellsOf(line)
  return { id, what, expected, tests }
})

/** The cases that have numbers of their own, and how many there are. */
const FAMILIES = { P: 23, S: 11, N: 20, A: 22 }

/** The cases of other families that are about sessions, streams, answers, conditions of rules and delegation. */
const OTHERS =
  'X-01 X-02 X-03 X-04 X-05 X-06 X-07 X-08 X-09 X-10 X-11 X-12 X-13 X-14 X-15 X-16 X-17 X-18 X-19 X-20 X-21 C-01 C-02 C-03 C-04 C-05 C-06 C-07 C-08 C-09 C-10 C-11 C-12 C-13 C-14 D-05 D-13 O-01 O-02 O-09 O-11 O-14 T-17 T-18'

test('docs/threat-cases.md has every case of these families once', () => {
  const numbered = Object.entries(FAMILIES).flatMap(([family, count]) =>
    Array.from({ length: count }, (_, at) => `${family}-${String(at + 1).padStart(2, '0')}`),
  )
  const ids = ROWS.map(({ id }) => id)
  assert.equal(new Set(ids).size, ids.length)
  assert.deepEqual(new Set(ids), new Set([...numbered, ...OTHERS.split(' ')]))
})

test('every case says what comes and what is expected, and quotes a test', () => {
  for (const { id, what, expected, tests } of ROWS) {
    assert.ok(what !== '' && expected !== '', id)
    assert.ok(quotations(tests).length > 0, id)
  }
})

test('every test that docs/threat-cases.md quotes is in its file', () => {
  const missing = ROWS.flatMap(({ id, tests }) =>
    missingTests(tests, ROOT).map((what) => `${id}: ${what}`),
  )
  assert.deepEqual(missing, [])
})

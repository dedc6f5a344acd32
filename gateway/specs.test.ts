/** Holds docs/specs.md to the project: its numbers, the files it names and the tests it quotes. */
import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { cellsOf, missingTests, pathsIn, quotations } from './testkit/quoted-tests.ts'

const ROOT = join(import.meta.dirname, '..')
const PAGE = readFileSync(join(ROOT, 'docs/specs.md'), 'utf8')

/** How many requirements there are. */
const REQUIREMENTS = 82

type Row = {
  readonly number: number
  readonly requirement: string
  readonly files: string
  readonly tests: string
  readonly status: string
}

const ROWS: readonly Row[] = Array.from(PAGE.matchAll(/^\| (\d+) .*\|$/gm), ([line]) => {
  const [number = '', requirement = '', files = '', tests = '', status = ''] = cellsOf(line)
  return { number: Number(number), requirement, files, tests, status }
})

test('docs/specs.md has every requirement once, in order, without a gap', () => {
  assert.deepEqual(
    ROWS.map(({ number }) => number),
    Array.from({ length: REQUIREMENTS }, (_, at) => at + 1),
  )
})

test('every requirement says what it is, where it comes from and how it stands', () => {
  for (const { number, requirement, files, tests, status } of ROWS) {
    assert.match(requirement, / \(.+\)$/, `${number} has no source`)
    assert.match(status, /^(?:done|partly: .+|\*\*not implemented\*\*(?:: .+)?)$/, `${number}`)
    if (status.startsWith('**')) continue
    assert.ok(pathsIn(files).length > 0, `${number} names no file`)
    assert.ok(pathsIn(tests).length > 0, `${number} names no test`)
    assert.equal(quotations(tests).length, tests.split('“').length - 1, `${number}`)
  }
})

test('what is named nowhere is not implemented', () => {
  for (const { number, files, tests, status } of ROWS) {
    for (const cell of [files, tests]) {
      if (pathsIn(cell).length > 0) continue
      assert.equal(cell, 'none')
      assert.match(status, /^\*\*not implemented\*\*/, `${number}`)
    }
  }
})

test('every file and test file that docs/specs.md names is there', () => {
  for (const { number, files, tests } of ROWS) {
    for (const path of [...pathsIn(files), ...pathsIn(tests)]) {
      assert.ok(existsSync(join(ROOT, path)), `${number}: ${path}`)
    }
    for (const path of pathsIn(files)) assert.doesNotMatch(path, /\.(?:test|e2e|fuzz)\.ts$/)
    for (const path of pathsIn(tests)) assert.match(path, /\.(?:test|e2e|fuzz)\.ts$/)
  }
})

test('every test that docs/specs.md quotes is in its file', () => {
  const root = new URL('../', import.meta.url)
  const missing = ROWS.flatMap(({ number, tests }) =>
    missingTests(tests, root).map((what) => `${number}: ${what}`),
  )
  assert.deepEqual(missing, [])
})

test('the counts at the top of docs/specs.md are those of its rows', () => {
  const count = (beginning: string): number =>
    ROWS.filter(({ status }) => status.startsWith(beginning)).length
  const [done, partly, missing] = [count('done'), count('partly'), count('**')]
  assert.ok(
    PAGE.includes(`${done} are done, ${partly} partly done, and ${missing} not implemented.`),
    `${done} done, ${partly} partly, ${missing} not implemented`,
  )
})

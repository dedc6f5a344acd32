/** Holds docs/specs.md to the project: its numbers, the files it names and the tests it quotes. */
import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'

const ROOT = join(import.meta.dirname, '..')
const PAGE = readFileSync(join(ROOT, 'docs/specs.md'), 'utf8')

/** How many requirements there are. */
const REQUIREMENTS = 78

type Row = {
  readonly number: number
  readonly requirement: string
  readonly files: string
  readonly tests: string
  readonly status: string
}

const ROWS: readonly Row[] = Array.from(PAGE.matchAll(/^\| (\d+) .*\|$/gm), ([line]) => {
  const [number = '', requirement = '', files = '', tests = '', status = ''] = line
    .slice(1, -1)
    .split('|')
    .map((cell) => cell.trim())
  return { number: Number(number), requirement, files, tests, status }
})

function pathsIn(cell: string): readonly string[] {
  return Array.from(cell.matchAll(/`(gateway\/[^`]+)`/g), ([, path = '']) => path)
}

/** The quoted tests of a cell, each with the file named last before it. */
function quotations(cell: string): readonly (readonly [path: string, sentence: string])[] {
  let path = ''
  return Array.from(cell.matchAll(/`(gateway\/[^`]+)`|“([^”]*)”/g)).flatMap(
    ([, file, sentence]) => {
      path = file ?? path
      return sentence === undefined ? [] : [[path, sentence] as const]
    },
  )
}

const NAME = /\btest\(\s*(?:'((?:[^'\\]|\\.)*)'|"([^"]*)"|`([^`]*)`)/g

/** Whether the file has this test. What stands for a placeholder of its name must stand in the file, too. */
function hasTest(source: string, sentence: string): boolean {
  for (const [, single, double, template] of source.matchAll(NAME)) {
    if ((single?.replaceAll('\\', '') ?? double) === sentence) return true
    const filled = template === undefined ? undefined : fill(template, sentence)
    if (filled?.every((value) => source.includes(value)) === true) return true
  }
  return false
}

/** What means something in a pattern. */
const SPECIAL = /[.*+?^${}()|[\]\\]/g

/** What the placeholders of a name stand for in a sentence; undefined when it is not of this name. */
function fill(template: string, sentence: string): readonly string[] | undefined {
  const parts = template.split(/\$\{(?:[^{}]|\{[^{}]*\})*\}/)
  const pattern = parts.map((part) => part.replaceAll(SPECIAL, '\\$&')).join('(.+)')
  return new RegExp(`^${pattern}$`).exec(sentence)?.slice(1)
}

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
  const missing = ROWS.flatMap(({ number, tests }) =>
    quotations(tests)
      .filter(([path, sentence]) => !hasTest(readFileSync(join(ROOT, path), 'utf8'), sentence))
      .map(([path, sentence]) => `${number}: ${path}: ${sentence}`),
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

test('a quoted test is found by its exact name only', () => {
  const source =
    "test('a \\'b\\' c', f)\nfor (const x of ['one']) test(`${x} of ${g({ y })} is`, f)"
  for (const name of ["a 'b' c", 'one of one is']) assert.ok(hasTest(source, name), name)
  for (const name of ['a', "a 'b'", 'two of one is', ' of  is', 'one of one is not']) {
    assert.ok(!hasTest(source, name), name)
  }
})

/** Finds the files and tests that a page of documentation names, so that the page is held to the project. */
import { readFileSync } from 'node:fs'

/** A row of a Markdown table, cell by cell, without the padding. */
export function cellsOf(line: string): readonly string[] {
  return line
    .slice(1, -1)
    .split('|')
    .map((cell) => cell.trim())
}

/** The files of the program that a cell names. */
export function pathsIn(cell: string): readonly string[] {
  return Array.from(cell.matchAll(/`(gateway\/[^`]+)`/g), ([, path = '']) => path)
}

/** The quoted tests of a cell, each with the file named last before it. */
export function quotations(cell: string): readonly (readonly [path: string, sentence: string])[] {
  let path = ''
  return Array.from(cell.matchAll(/`(gateway\/[^`]+)`|“([^”]*)”/g)).flatMap(
    ([, file, sentence]) => {
      path = file ?? path
      return sentence === undefined ? [] : [[path, sentence] as const]
    },
  )
}

/** The quotations of a cell that are no test of their file; `root` is where paths begin. */
export function missingTests(cell: string, root: URL): readonly string[] {
  return quotations(cell)
    .filter(([path, sentence]) => !hasTest(readFileSync(new URL(path, root), 'utf8'), sentence))
    .map(([path, sentence]) => `${path}: ${sentence}`)
}

const NAME = /\btest\(\s*(?:'((?:[^'\\]|\\.)*)'|"([^"]*)"|`([^`]*)`)/g

/** Whether the file has this test. What stands for a placeholder of its name must stand in the file, too. */
export function hasTest(source: string, sentence: string): boolean {
  for (const [, single, double, template] of source.matchAll(NAME)) {
    if ((single?.replaceAll('\\', '') ?? double) === sentence) return true
    const filled = template === undefined ? undefined : fill(template, sentence)
    if (filled?.every((value) => stands(source, value)) === true) return true
  }
  return false
}

/** Whether a value is in a file, as it is or made from a template with what is. */
function stands(source: string, value: string): boolean {
  if (isIn(source, value)) return true
  return Array.from(source.matchAll(/`([^`\n]*\$\{[^`\n]*)`/g)).some(([, template = '']) => {
    const filled = fill(template, value)
    return filled?.every((part) => isIn(source, part)) === true
  })
}

/** What a placeholder quotes stands in the file without those quotes. */
function isIn(source: string, value: string): boolean {
  return source.includes(value) || source.includes(value.replaceAll('"', ''))
}

/** What means something in a pattern. */
const SPECIAL = /[.*+?^${}()|[\]\\]/g

/** What the placeholders of a name stand for in a sentence; undefined when it is not of this name. */
function fill(template: string, sentence: string): readonly string[] | undefined {
  const parts = template.split(/\$\{(?:[^{}]|\{[^{}]*\})*\}/)
  const pattern = parts.map((part) => part.replaceAll(SPECIAL, '\\$&')).join('(.+)')
  return new RegExp(`^${pattern}$`).exec(sentence)?.slice(1)
}

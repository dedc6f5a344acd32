/**
 * YAML text to plain data that knows where it stands. What this accepts is YAML 1.2 core and nothing
 * around it: one document, unique string keys, no custom tags, no merge keys, few aliases.
 */
import {
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  parseDocument,
  visit,
  type YAMLError,
} from 'yaml'
import type { Path, Position, Problem, SourceDocument } from '../model/problem.ts'

/** Largest file read, in bytes: far above any real one, far below what makes parsing a burden. */
export const MAX_YAML_BYTES = 1024 * 1024

/** Aliases in one document. People write a handful; bombs need many. */
export const MAX_ALIASES = 50

/** Syntax errors reported per file: one slip can make hundreds, and the first tells what it was. */
const MAX_REPORTED = 20

/** After one of these the parser is lost: what it says of the rest is about nothing that anybody wrote. */
const LOST: ReadonlySet<YAMLError['code']> = new Set(['RESOURCE_EXHAUSTION', 'TAB_AS_INDENT'])

export type YamlResult =
  | ({ readonly ok: true } & SourceDocument)
  | { readonly ok: false; readonly problems: readonly Problem[] }

/**
 * Reads one YAML document. Everything wrong with the text is reported, each with its position; nothing
 * is repaired. `file` is only a name for the problems. Never throws.
 */
export function readYaml(file: string, text: string): YamlResult {
  if (Buffer.byteLength(text) > MAX_YAML_BYTES) {
    const message = `the file is larger than ${MAX_YAML_BYTES} bytes; split it`
    return { ok: false, problems: [{ file, line: 1, column: 1, message }] }
  }
  const lines = new LineCounter()
  const problems: Problem[] = []
  const report = (offset: number, message: string): void => {
    problems.push({ file, ...position(lines, offset), message })
  }
  try {
    const document = parseDocument(text, {
      version: '1.2',
      schema: 'core',
      merge: false,
      resolveKnownTags: false,
      stringKeys: true,
      uniqueKeys: true,
      prettyErrors: false,
      lineCounter: lines,
    })
    // An unknown tag is only a warning to the parser; here it is a mistake like any other.
    let last = -1
    for (const error of [...document.errors, ...document.warnings].slice(0, MAX_REPORTED)) {
      const offset = offsetOfError(error, text)
      // One slip in two lights.
      if (offset === last) continue
      last = offset
      const bare = bareReference(text, offset)
      report(offset, bare ?? explain(error, text.slice(offset)))
      if (bare !== undefined || LOST.has(error.code)) break
    }
    if (problems.length === 0) checkStructure(document, report)
    if (problems.length > 0) return { ok: false, problems }
    // The library counts the anchored value itself as one more use.
    const data: unknown = document.toJS({ maxAliasCount: MAX_ALIASES + 1 })
    return { ok: true, file, data, at: (path, part) => locate(document, lines, { path, part }) }
  } catch (error) {
    // The parser throws on alias expansion above the cap, and runs out of stack on absurd nesting.
    const message =
      error instanceof RangeError
        ? 'nested too deeply'
        : `aliases expand to too much (at most ${MAX_ALIASES} copies): write the values out`
    return { ok: false, problems: [{ file, line: 1, column: 1, message }] }
  }
}

/** What the parser lets through but a configuration has no use for. */
function checkStructure(
  document: Document.Parsed,
  report: (offset: number, message: string) => void,
): void {
  if (document.directives.yaml.explicit && document.directives.yaml.version !== '1.2') {
    report(0, `YAML ${document.directives.yaml.version} is not supported: remove the %YAML line`)
  }
  let aliases = 0
  visit(document, {
    Alias: (_key, alias, ancestors) => {
      const offset = alias.range?.[0] ?? 0
      aliases += 1
      const target = alias.resolve(document)
      if (target === undefined) report(offset, unknownAnchor(alias.source))
      else if (ancestors.includes(target)) report(offset, `"*${alias.source}" contains itself`)
      if (aliases <= MAX_ALIASES) return undefined
      report(offset, `more than ${MAX_ALIASES} aliases: write the values out`)
      return visit.BREAK
    },
    Pair: (_key, pair) => {
      if (!isScalar(pair.key) || pair.key.value !== '<<') return
      report(pair.key.range?.[0] ?? 0, 'merge keys (<<) are not YAML 1.2: write the keys out')
    },
  })
}

/** Most who write `*` mean a glob. */
function unknownAnchor(source: string): string {
  return `unknown anchor "${source}"; text that begins with * needs quotes: "*${source}"`
}

/** `{ value: ${env:TOKEN} }`, stopped at the second `{`: to YAML it begins another mapping. */
function bareReference(text: string, offset: number): string | undefined {
  const reference = /^\$\{[^{}\n]*\}/.exec(text.slice(Math.max(0, offset - 1)))?.[0]
  if (reference === undefined) return undefined
  return `inside { } and [ ] a value with a reference needs quotes: "${reference}"`
}

/** A key written twice right after the first without a value is pointed at before its line begins. */
function offsetOfError({ code, pos }: YAMLError, text: string): number {
  const [offset] = pos
  return code === 'DUPLICATE_KEY' ? offset + text.slice(offset).search(/\S|$/) : offset
}

/** The parser's words, or ours where they tell more. */
function explain(error: YAMLError, rest: string): string {
  const line = rest.split('\n', 1)[0] ?? ''
  const better: Partial<Record<YAMLError['code'], string>> = {
    DUPLICATE_KEY: `duplicate key "${line.split(':', 1)[0]?.trim() ?? ''}": each key may appear once`,
    TAB_AS_INDENT: 'a tab is used as indentation: YAML allows spaces only',
    MULTIPLE_DOCS: 'a second document starts here: one file holds one document',
    NON_STRING_KEY: 'keys must be text',
    BLOCK_AS_IMPLICIT_KEY: /:(?:\s|$)/.test(line)
      ? 'there is a second ": " here: a value that holds one needs quotes'
      : 'the line below is indented further than this one: check the indentation',
    BAD_SCALAR_START: `a value that begins with "${line.charAt(0)}" needs quotes`,
    BAD_INDENT: 'does not stand in line with the entries above it: check the indentation',
    RESOURCE_EXHAUSTION: 'nested too deeply',
    TAG_RESOLVE_FAILED: `tags are not supported: remove "${/^\S+/.exec(line)?.[0] ?? ''}"`,
  }
  return (
    WORDS.find(([said]) => said.test(error.message))?.[1] ?? better[error.code] ?? error.message
  )
}

/** What the parser says in its own terms, under codes that stand for much else. */
const WORDS: readonly (readonly [said: RegExp, message: string])[] = [
  // Of a list whose next line stands neither in its entry nor begins another.
  [/^Sequence item/, 'belongs to no entry of the list above it: check the indentation'],
  [/^Implicit /, 'a key needs ": " behind it, then its value'],
  [/^Flow .* and end with/, 'a bracket above has no end, or what it holds is not indented'],
  [/^Alias cannot be an empty string/, 'text that begins with * needs quotes'],
  [/ between flow /, 'a comma is missing here; or text that holds brackets needs quotes'],
  [
    /^Unexpected scalar at node end/,
    'the value has ended before this: put quotes around all of it',
  ],
]

function position(lines: LineCounter, offset: number): Position {
  const { line, col } = lines.linePos(offset)
  return { line: Math.max(line, 1), column: Math.max(col, 1) }
}

function locate(
  document: Document.Parsed,
  lines: LineCounter,
  wanted: { readonly path: Path; readonly part: 'key' | 'value' | undefined },
): Position {
  let node: unknown = document.contents
  let key: unknown = node
  for (const segment of wanted.path) {
    const step = descend(isAlias(node) ? node.resolve(document) : node, segment)
    // A mapping without that member is pointed at by its key; a text short for a mapping, by itself.
    if (step === undefined) return position(lines, offsetOf(isText(node) ? node : key) ?? 0)
    node = step.value
    key = step.key
  }
  // A key without a value (`tls:`) has nothing to point at but the key.
  const empty = isScalar(node) && !isText(node)
  const offset = wanted.part === 'key' || empty ? offsetOf(key) : offsetOf(node)
  return position(lines, offset ?? offsetOf(key) ?? 0)
}

function descend(
  node: unknown,
  segment: string | number,
): { readonly key: unknown; readonly value: unknown } | undefined {
  if (isMap(node)) {
    const pair = node.items.find(({ key }) => isScalar(key) && String(key.value) === `${segment}`)
    return pair === undefined ? undefined : { key: pair.key, value: pair.value ?? pair.key }
  }
  if (isSeq(node) && typeof segment === 'number') {
    const item = node.items[segment]
    return item === undefined ? undefined : { key: item, value: item }
  }
  return undefined
}

function isText(node: unknown): boolean {
  return isScalar(node) && node.value !== null
}

function offsetOf(node: unknown): number | undefined {
  return isNode(node) ? node.range?.[0] : undefined
}

function isNode(value: unknown): value is Node {
  return isScalar(value) || isMap(value) || isSeq(value) || isAlias(value)
}

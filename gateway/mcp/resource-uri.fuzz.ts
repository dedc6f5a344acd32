import assert from 'node:assert/strict'
import { posix, win32 } from 'node:path'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { fuzzOptions } from '../testkit/fuzz.ts'
import { canonicalProblem } from './resource-uri.ts'

const RUNS = fuzzOptions({ what: 'resource URIs against resolvers', test: 50_000, prove: 500_000 })

/** What climbs, hides or splits in some resolver. */
const PIECES = [
  ['.', '..', '...', '/', '//', '\\', '%2e', '%2E', '%2f', '%2F', '%5c', '%5C', '%00', '%', '%25'],
  ['2e', '2E', '%252E', ';', '..;', '?', '#', ' ', '%20', '\t', '\n', ':', '@', '|', '~', 'pub'],
  [
    '%C0%AE',
    '%EF%BC%8E',
    '%E2%80%A6',
    '%EF%BC%8F',
    '\uff0e',
    '%C3%A9',
    'e%CC%81',
    '+',
    '%E2%80%8B',
  ],
].flat()
const hostile = fc.constantFrom(...PIECES)
const tail = fc.array(
  fc.oneof(
    { weight: 5, arbitrary: hostile },
    { weight: 3, arbitrary: fc.constantFrom('a', 'b', 'secret', '/') },
    { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 2 }) },
  ),
  { maxLength: 10 },
)

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

/** How servers turn a file URI into a path, from the standard's way to the careless ones. */
const RESOLVERS: Readonly<Record<string, (uri: string) => string>> = {
  'URL standard': (uri) => decode(new URL(uri).pathname),
  'RFC 3986': (uri) => decode(posix.normalize(uri.slice('file://'.length).replace(/[?#].*$/s, ''))),
  'the text as a path': (uri) => posix.normalize(uri.slice('file://'.length)),
  'the decoded text as a path': (uri) => posix.normalize(decode(uri).slice('file://'.length)),
  'decoded twice': (uri) => posix.normalize(decode(decode(uri)).slice('file://'.length)),
  'a Windows path': (uri) =>
    win32.normalize(decode(uri).slice('file://'.length)).replaceAll('\\', '/'),
  'without path parameters': (uri) =>
    posix.normalize(decode(uri.slice('file://'.length).replaceAll(/;[^/]*/g, ''))),
  'in compatibility form': (uri) =>
    posix.normalize(decode(uri).normalize('NFKC').slice('file://'.length)),
  'without white space and controls': (uri) =>
    posix.normalize(
      decode(uri)
        .replaceAll(/[\s\p{Cc}]/gu, '')
        .slice('file://'.length),
    ),
  'cut at NUL': (uri) => posix.normalize(decode(uri).slice('file://'.length).split('\0')[0] ?? ''),
}

test('no canonical URI below a folder is resolved to outside of it by anyone', () => {
  let accepted = 0
  fc.assert(
    fc.property(tail, (pieces) => {
      const uri = `file:///pub/${pieces.join('')}`
      if (canonicalProblem(uri) !== undefined) return
      accepted += 1
      for (const [name, resolve] of Object.entries(RESOLVERS)) {
        const path = resolve(uri)
        assert.ok(path.startsWith('/pub/'), `${name} reads ${uri} as ${path}`)
      }
    }),
    RUNS,
  )
  assert.ok(accepted > RUNS.numRuns / 50, `only ${accepted} were canonical`)
})

test('two canonical URIs that a resolver takes for one are the same text', () => {
  const known = new Map<string, string>()
  fc.assert(
    fc.property(tail, (pieces) => {
      const uri = `file:///pub/${pieces.join('')}`
      if (canonicalProblem(uri) !== undefined || uri.includes('?')) return
      for (const name of ['URL standard', 'RFC 3986', 'the decoded text as a path']) {
        const key = `${name} ${RESOLVERS[name]?.(uri)}`
        assert.equal(known.get(key) ?? uri, uri)
        known.set(key, uri)
      }
    }),
    RUNS,
  )
})

test('what is canonical is made of segments that a client encodes in the usual way', () => {
  const segment = fc
    .string({ unit: 'grapheme-ascii', minLength: 1 })
    .filter((text) => !/[/\\;%]|(?:^|\?)[. ]+(?:$|\?)/.test(text))
  fc.assert(
    fc.property(fc.array(segment, { minLength: 1 }), (segments) => {
      const encoded = segments.map((text) =>
        encodeURIComponent(text).replaceAll(/%(?:24|26|2B|2C|3A|3D|40)/g, (escape) =>
          decode(escape),
        ),
      )
      const uri = `x://h/${encoded.join('/')}`
      assert.equal(canonicalProblem(uri), undefined, uri)
    }),
    { ...RUNS, numRuns: Math.ceil(RUNS.numRuns / 10) },
  )
})

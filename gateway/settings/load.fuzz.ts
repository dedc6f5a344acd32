/** Whatever somebody makes of a configuration, loading it ends, and what is wrong is said in words. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { parse, stringify } from 'yaml'
import { fuzzOptions } from '../testkit/fuzz.ts'
import { loadText } from '../testkit/settings-file.ts'

/** The sections that no example has. */
const RARE = `
limits:
  callers: { agent: { rate: 600/m, burst: 100 }, human: { rate: 120/m } }
  clients: { rate: 6000/m }
  initialize: none
  same_call: { rate: 10/m, burst: 5 }
decision_point: { url: 'https://pdp.example/access/v1/evaluation', timeout: 250ms, cache: 5s }
providers:
  google: { client: { id: one, secret: '\${env:A}' } }
  own:
    authorize_url: https://own.example/authorize
    token_url: https://own.example/token
    client: { id: two, secret: '\${env:A}' }
`

function example(name: string): string {
  return readFileSync(new URL(`../../config/${name}.yaml`, import.meta.url), 'utf8')
}

const EXAMPLE = example('edge')

/** Together they have every section. */
const EXAMPLES = [EXAMPLE, example('embedded') + RARE]

/** Loading takes about 10 ms. */
const { numRuns, seed } = fuzzOptions({ what: 'damaged configurations', test: 200, prove: 5_000 })

/** What people and tools put in the wrong place, besides everything at random. */
const odd = fc.oneof(
  fc.constantFrom<unknown>(
    null,
    '',
    '${env:',
    '${env:A}',
    'http://[',
    '::1',
    'none',
    '/../',
    Infinity,
  ),
  fc.constantFrom<unknown>([], {}, [null], { a: null }, ['x', 'x'], { url: null }, [[]]),
  fc.jsonValue({ maxDepth: 2 }),
)

/** Which value to change, as a share of all, and what to do with it. */
const edit = fc.record({
  place: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
  how: fc.constantFrom('replace', 'remove', 'add'),
  key: fc.constantFrom('urll', '__proto__', 'tls', 'a.b'),
  value: odd,
})

type Edit = typeof edit extends fc.Arbitrary<infer T> ? T : never

type Branch = Record<string | number, unknown>

function isBranch(value: unknown): value is Branch {
  return typeof value === 'object' && value !== null
}

function* places(value: unknown): Generator<readonly [branch: Branch, key: string]> {
  if (!isBranch(value)) return
  for (const [key, part] of Object.entries(value)) {
    yield [value, key]
    yield* places(part)
  }
}

/** `__proto__` as a member like any other. */
const PLAIN = { enumerable: true, configurable: true, writable: true }

function apply(config: unknown, { place, how, key, value }: Edit): void {
  const all = [...places(config)]
  const [branch, own] = all[Math.floor(place * all.length)] ?? []
  if (branch === undefined || own === undefined) return
  if (how === 'remove') delete branch[own]
  else if (how === 'replace' || Array.isArray(branch)) branch[own] = value
  else Object.defineProperty(branch, key, { ...PLAIN, value })
}

async function assertSpoken(text: string): Promise<void> {
  const result = await loadText(text, { env: { TICKETS_TOKEN: 'abc', OTLP_TOKEN: 'def', A: 'a' } })
  if (result.ok) return
  assert.ok(result.problems.length > 0)
  for (const { line, column, message } of result.problems) {
    assert.ok(line >= 1 && column >= 1 && line <= text.split('\n').length)
    assert.doesNotMatch(message, /undefined|\[object|NaN|must NOT/)
  }
}

test('any values anywhere in a configuration are refused in words or accepted', async () => {
  const some = fc.array(edit, { minLength: 1, maxLength: 4 })
  const property = fc.asyncProperty(fc.constantFrom(...EXAMPLES), some, (text, edits) => {
    const config: unknown = parse(text)
    for (const one of edits) apply(config, one)
    return assertSpoken(stringify(config))
  })
  await fc.assert(property, { numRuns, seed })
})

test('any damage to the text of a configuration is refused in words or accepted', async () => {
  const damage = fc.tuple(
    fc.nat(EXAMPLE.length),
    fc.nat(20),
    fc.string({ maxLength: 5, unit: 'binary' }),
  )
  const property = fc.asyncProperty(damage, ([start, length, insert]) =>
    assertSpoken(EXAMPLE.slice(0, start) + insert + EXAMPLE.slice(start + length)),
  )
  await fc.assert(property, { numRuns, seed })
})

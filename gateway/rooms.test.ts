import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { importFaults, importsOf, planFaults, readPlan } from './testkit/room-plan.ts'

const here = import.meta.dirname
const readme = readFileSync(join(here, 'README.md'), 'utf8')
const plan = readPlan(readme)

const PLAN = readPlan(`
\`\`\`rooms
cli      > pipeline model
pipeline > mcp model : undici
mcp      > model
model    >
\`\`\`
`)

function faultsOf(path: string, text: string): readonly string[] {
  return importFaults(PLAN, [{ path, text }])
}

test('every file imports only the rooms and packages its row lists', () => {
  const sources = globSync('**/*.ts', { cwd: here }).map((path) => ({
    path,
    text: readFileSync(join(here, path), 'utf8'),
  }))
  assert.ok(sources.length > 10)
  assert.deepEqual(importFaults(plan, sources), [])
})

test('the plan runs downhill and gives every package one door', () => {
  assert.deepEqual(planFaults(plan), [])
})

test('every package we ship has a row or is awaited, and every package listed is shipped', () => {
  const file = join(here, '../package.json')
  const shipped: unknown = JSON.parse(readFileSync(file, 'utf8'))
  const { dependencies } = shipped as { dependencies: Record<string, string> }
  const awaited = /```awaited\n([^`]*)```/.exec(readme)?.[1]?.split(/\s+/).filter(Boolean) ?? []
  const listed = [...plan.flatMap((room) => [...room.packages]), ...awaited]
  assert.deepEqual(listed.toSorted(), Object.keys(dependencies).toSorted())
})

test('every row has its folder', () => {
  const empty = plan.filter((room) => globSync(`${room.name}/**/*.ts`, { cwd: here }).length === 0)
  assert.deepEqual(
    empty.map((room) => room.name),
    [],
  )
})

const WRONG = [
  ['a room the row does not list', `import { a } from '../pipeline/a.ts'`],
  ['a type-only import of such a room', `import type { A } from '../pipeline/a.ts'`],
  ['an import over several lines', `import {\n  a,\n  b,\n} from '../pipeline/a.ts'`],
  ['a side-effect import', `import '../pipeline/a.ts'`],
  ['a re-export', `export { a } from '../pipeline/a.ts'`],
  ['a re-export of everything', `export * from '../pipeline/a.ts'`],
  ['a dynamic import', `const a = await import('../pipeline/a.ts')`],
  ['an import in a type', `type A = import('../pipeline/a.ts').A`],
  ['a computed import', `const a = await import(name)`],
  ['a require', `const require = createRequire(import.meta.url)`],
  ['a worker of another room', `new Worker(new URL('../pipeline/a.ts', import.meta.url))`],
  ['a package of another room', `import { request } from 'undici'`],
  ['a path inside a package', `import x from 'undici/lib/x.js'`],
  ['a package of no room', `import x from '@scope/name'`],
  ['a builtin without its prefix', `import fs from 'fs'`],
  ['a file outside the program', `import x from '../../package.json' with { type: 'json' }`],
  ['the testkit outside of tests', `import { a } from '../testkit/a.ts'`],
  ['a test package outside of tests', `import fc from 'fast-check'`],
] as const

for (const [what, text] of WRONG) {
  test(`the plan refuses ${what}`, () => {
    assert.equal(
      faultsOf('mcp/scan.ts', `import type { A } from '../model/a.ts'\n${text}\n`).length,
      1,
    )
  })
}

test('the plan lets a file import its own room, rooms of its row, its packages and node', () => {
  const text = [
    `import { readFile } from 'node:fs/promises'`,
    `import { Agent } from 'undici'`,
    `import type { Call } from '../model/call.ts'`,
    `import { parse } from './steps/parse.ts'`,
    `const scan = await import('../mcp/scan.ts')`,
    `const schema = readFileSync(new URL('../../config/schema.json', import.meta.url))`,
  ].join('\n')
  assert.deepEqual(faultsOf('pipeline/handle.ts', text), [])
  assert.equal(importsOf(text).length, 5)
})

test('a test may import fast-check and the testkit, and no more than that', () => {
  const text = `import fc from 'fast-check'\nimport { a } from '../testkit/a.ts'`
  assert.deepEqual(faultsOf('mcp/scan.test.ts', text), [])
  assert.deepEqual(faultsOf('mcp/scan.fuzz.ts', text), [])
  assert.deepEqual(faultsOf('mcp/scan.test.ts', `import { a } from '../cli/a.ts'`), [
    'mcp/scan.test.ts: imports ../cli/a.ts',
  ])
})

test('a folder without a row is refused, the testkit and the end-to-end tests are free', () => {
  assert.deepEqual(faultsOf('extra/a.ts', ''), ['extra/a.ts: "extra" has no row'])
  assert.deepEqual(faultsOf('loose.ts', ''), ['loose.ts: "" has no row'])
  assert.deepEqual(faultsOf('testkit/a.ts', `import x from 'undici'`), [])
  assert.deepEqual(faultsOf('e2e/a.e2e.ts', `import { a } from '../cli/a.ts'`), [])
})

test('a plan that points uphill, sideways or nowhere, or gives a package two doors, is refused', () => {
  const faults = planFaults(
    readPlan('```rooms\ncli > mcp nowhere : yaml\nmcp > cli mcp : yaml\n```\n'),
  )
  assert.deepEqual(faults, [
    'cli lists nowhere, which has no row',
    'mcp lists cli, uphill',
    'mcp lists mcp, uphill',
    'yaml enters through cli and mcp',
  ])
})

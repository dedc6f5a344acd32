import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { CLI_REFERENCE, cliReference } from './testkit/cli-reference.ts'
import { CONFIG_REFERENCE, configReference } from './testkit/config-reference.ts'
import { POLICY_REFERENCE, policyReference } from './testkit/policy-reference.ts'
import { REFUSALS, type RefusalRow } from './model/refusal.ts'

const ROOT = join(import.meta.dirname, '..')

function read(path: string): string {
  return readFileSync(join(ROOT, path), 'utf8')
}

function lines(path: string): number {
  return read(path).trimEnd().split('\n').length
}

/** Files that git tracks, or an empty list where the project is not a checkout. */
function trackedFiles(): readonly string[] {
  if (!existsSync(join(ROOT, '.git'))) return []
  const list = execFileSync('git', ['-c', 'safe.directory=*', 'ls-files', '-z'], {
    cwd: ROOT,
    encoding: 'utf8',
  })
  return list.split('\0').filter((path) => path !== '' && existsSync(join(ROOT, path)))
}

/** What stands under each `### name` heading, spaces and line ends folded. */
function sections(markdown: string): ReadonlyMap<string, string> {
  const parts = markdown.split(/^### /m).slice(1)
  return new Map(
    parts.map((part) => {
      const [name = '', ...body] = part.split('\n')
      return [name.replaceAll('`', ''), body.join(' ').replaceAll(/\s+/g, ' ').trim()]
    }),
  )
}

test('docs/errors.md describes every refusal once in the order of the table, and nothing else', () => {
  const headings = Array.from(read('docs/errors.md').matchAll(/^### `(.*)`$/gm), ([, code]) => code)
  assert.deepEqual(headings, Object.keys(REFUSALS))
})

for (const [code, row] of Object.entries<RefusalRow>(REFUSALS)) {
  test(`docs/errors.md gives ${code} its status and JSON-RPC code, and says what to do`, () => {
    const text = sections(read('docs/errors.md')).get(code) ?? ''
    const judged = row.judged === true ? ', once judged' : ''
    assert.ok(text.startsWith(`HTTP ${row.status}, JSON-RPC ${row.rpc}${judged}. `), text)
    assert.match(text, / _Do:_ \S.{10,}/)
  })
}

test('docs/cli.md holds what every command says with --help (`make docs` writes it)', async () => {
  assert.equal(readFileSync(CLI_REFERENCE, 'utf8'), await cliReference())
})

test('docs/config.md holds every setting of the schema (`make docs` writes it)', () => {
  assert.equal(readFileSync(CONFIG_REFERENCE, 'utf8'), configReference())
})

test('docs/policy.md holds every key of policies and cases (`make docs` writes it)', () => {
  const page = readFileSync(POLICY_REFERENCE, 'utf8')
  assert.equal(page, policyReference(page))
})

test('docs/identity.md says of every reason to refuse a credential what it means, and of no other', () => {
  const union = /^export type TokenRefusal =\n((?: {2}\| '\w+'\n)+)/m.exec(
    read('gateway/model/event.ts'),
  )
  const reasons = Array.from(union?.[1]?.matchAll(/'(\w+)'/g) ?? [], ([, reason]) => reason)
  const [, table = ''] = read('docs/identity.md').split('## Why a credential was refused')
  const rows = Array.from(
    table.matchAll(/^\| `(\w+)` +\| (?:400|401|503) /gm),
    ([, reason]) => reason,
  )
  assert.ok(reasons.length > 0)
  assert.deepEqual(new Set(rows), new Set(reasons))
  assert.equal(rows.length, reasons.length)
})

test('the path of a request fits on one screen', () => {
  assert.ok(lines('gateway/pipeline/handle.ts') <= 80)
})

test('the README is short enough to be read', () => {
  assert.ok(lines('README.md') < 150)
})

/** What only ever comes in by accident: it says where a file was written, not what it is about. */
const MACHINE = [
  /(?:^|[\s"'`(=:])\/(?:work|home\/\w+|root|tmp\/\w+|Users\/\w+)\//m,
  /registry\.(?:npmjs|yarnpkg)\.\w+|npm\.\w+\.\w+\/|pypi\.org|files\.pythonhosted\.org|proxy\.golang\.org|deb\.debian\.org/,
]

test('no file names a path of the machine it was written on, or the host of a package registry', () => {
  const names = trackedFiles().filter((path) => path !== 'gateway/docs.test.ts')
  const found = names.flatMap((path) => {
    const text = read(path)
    return MACHINE.flatMap((pattern) => pattern.exec(text)?.[0] ?? []).map(
      (hit) => `${path}: ${hit}`,
    )
  })
  assert.deepEqual(found, [])
})

test('every link between documents leads to a file', () => {
  const documents = trackedFiles().filter((path) => path.endsWith('.md'))
  const broken = documents.flatMap((path) =>
    Array.from(read(path).matchAll(/\]\((?!https?:|#|mailto:)([^)#\s]+)/g), ([, target]) =>
      join(path, '..', target!),
    )
      .filter((target) => !existsSync(join(ROOT, target)))
      .map((target) => `${path}: ${target}`),
  )
  assert.deepEqual(broken, [])
})

test('every file and folder of the project that a document names is there', () => {
  const documents = trackedFiles().filter((path) => path.endsWith('.md'))
  const named = /`((?:gateway|docs|config|policies|deploy|loadtest)\/[\w./-]+)(?![\w./-]|[*<{…])/g
  const missing = documents.flatMap((path) =>
    Array.from(read(path).matchAll(named), ([, name = '']) => name)
      .filter((name) => !name.includes('YYYY') && !existsSync(join(ROOT, name)))
      .map((name) => `${path}: ${name}`),
  )
  assert.deepEqual(missing, [])
})

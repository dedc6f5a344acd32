import assert from 'node:assert/strict'
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { test, type TestContext } from 'node:test'
import { loadSettings } from './load.ts'

/** Files of a mounted ConfigMap beside others, and a configuration that names `policies`. */
async function loaded(t: TestContext, policies: string) {
  const base = await mkdtemp(join(tmpdir(), 'gatehouse-policies-'))
  t.after(() => rm(base, { recursive: true, force: true }))
  await mkdir(join(base, 'p/sub'), { recursive: true })
  await mkdir(join(base, 'p/..2026_01'))
  await symlink('..2026_01', join(base, 'p/..data'))
  await symlink('..data/b.yaml', join(base, 'p/b.yaml'))
  for (const name of [
    '..2026_01/b.yaml',
    'a.yml',
    'a.cases.yaml',
    'sub/c.yaml',
    'notes.txt',
    '.d.yaml',
  ]) {
    await writeFile(join(base, 'p', name), `# ${name}\n`)
  }
  const file = join(base, 'gatehouse.yaml')
  const server = `servers: { docs: { upstream: 'https://up.example/mcp' } }`
  await writeFile(
    file,
    `version: 1\npublic_url: https://mcp.example\n${server}\npolicies: ${policies}\n`,
  )
  const result = await loadSettings({ file, env: {} })
  const shown = (path: string): string => relative(base, path)
  if (!result.ok) return result.problems.map(({ message }) => message.replaceAll(base, ''))
  assert.ok(!result.settings.files.some((path) => path.includes('..')))
  return {
    policies: result.settings.policies.map((policy) => shown(policy.file)),
    directories: result.settings.files.map(shown).filter((path) => !path.includes('.')),
    warnings: result.warnings.map(({ message }) => message),
  }
}

const found: Record<string, readonly string[]> = {
  '[p]': ['p/a.yml', 'p/b.yaml'],
  '["p/*.yaml"]': ['p/b.yaml'],
  '["p/**/*.yaml"]': ['p/b.yaml', 'p/sub/c.yaml'],
  '["p/**"]': ['p/a.yml', 'p/b.yaml', 'p/sub/c.yaml'],
  '[p/sub/c.yaml, p]': ['p/sub/c.yaml', 'p/a.yml', 'p/b.yaml'],
  '[p/a.yml, "p/*.yml"]': ['p/a.yml'],
  '[p/.d.yaml]': ['p/.d.yaml'],
}

for (const [policies, files] of Object.entries(found)) {
  test(`policies ${policies} are found in order, once, without tests and hidden files`, async (t) => {
    const result = await loaded(t, policies)
    assert.ok('policies' in result)
    assert.deepEqual(result.policies, files)
  })
}

test('directories that policies were looked for in are watched, for files that come later', async (t) => {
  for (const [policies, directories] of [
    ['[p]', ['p']],
    ['["p/**/*.yaml"]', ['p', 'p/sub']],
    ['[p/a.yml]', []],
  ] as const) {
    const result = await loaded(t, policies)
    assert.ok('directories' in result)
    assert.deepEqual(result.directories, directories)
  }
})

test('what names no policy is a problem', async (t) => {
  assert.deepEqual(await loaded(t, '["x/*.yaml"]'), ['policies[0]: no policy file at /x/*.yaml'])
  assert.deepEqual(await loaded(t, '[p/a.cases.yaml]'), [
    'policies[0]: no policy file at /p/a.cases.yaml',
  ])
  assert.deepEqual(await loaded(t, '[p/nope.yaml]'), [
    'policies[0]: cannot read /p/nope.yaml: no such file',
  ])
})

test('no policies at all is a warning: nothing will be allowed', async (t) => {
  const result = await loaded(t, '[]')
  assert.ok('warnings' in result)
  assert.match(result.warnings.join(), /policies: no policies: every call will be denied/)
})

import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { recordedLog } from '../testkit/recorded-log.ts'
import type { Io } from './io.ts'
import { policyDiff } from './policy-diff.ts'
import { policyExplain } from './policy-explain.ts'
import { policyTest } from './policy-test.ts'
import { readScopeIncludes } from './read-scope-includes.ts'

const INCLUDES = 'scope_includes: { docs:admin: [docs:write], docs:write: [docs:read] }\n'

const CONFIG = `version: 1
public_url: http://127.0.0.1:8080
ops: { admin_token: '\${env:ADMIN_TOKEN}' }
servers: { docs: { upstream: http://127.0.0.1:9000/mcp } }
policies: [policy.yaml]
`

const FILES = {
  'policy.yaml': `version: 1
rules:
  - { id: read, effect: allow, subjects: [{ scopes: [docs:read] }], tools: [docs/read] }
`,
  'policy.cases.yaml': `cases:
  - { name: admins read, caller: { scopes: [docs:admin] }, server: docs, tool: read, expect: allow }
  - { name: others not, caller: { scopes: [docs:list] }, server: docs, tool: read, expect: deny }
`,
  'plain.yaml': CONFIG,
  'including.yaml': CONFIG + INCLUDES,
  'wrong.yaml': `${CONFIG}scope_includes: { docs:admin: docs:write }\n`,
  'audit.jsonl': recordedLog([
    { caller: { scopes: new Set(['docs:admin']) }, tool: 'read', times: 3 },
    { caller: { scopes: new Set(['docs:list']) }, tool: 'read', effect: 'deny' },
  ]),
}

let directory = ''
const file = (name: keyof typeof FILES | 'none.yaml'): string => join(directory, name)

before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'scope-includes-'))
  for (const [name, text] of Object.entries(FILES)) await writeFile(join(directory, name), text)
})

after(async () => {
  await rm(directory, { recursive: true })
})

/** The exit code, and whatever was printed. */
async function run(
  verb: (args: readonly string[], io: Io) => Promise<number>,
  ...args: readonly string[]
): Promise<readonly [number, string]> {
  const lines: string[] = []
  const print = (line: string): void => void lines.push(line)
  const env = { ADMIN_TOKEN: randomBytes(32).toString('base64url') }
  const code = await verb(args, { out: print, err: print, env })
  return [code, lines.join('\n')]
}

test('cases are tried with what scopes include by a configuration, whose secrets need not be there', async () => {
  const policy = file('policy.yaml')
  const [without, said] = await run(policyTest, policy)
  assert.deepEqual([without, /admins read: expected allow, got deny/.test(said)], [1, true])
  assert.deepEqual(await run(policyTest, '-c', file('plain.yaml'), policy), [1, said])
  const found = await run(policyTest, '-c', file('including.yaml'), policy)
  assert.deepEqual(found, [0, '2 passed, 0 failed'])
})

test('an explanation goes by what scopes include, when a configuration says it', async () => {
  const asked = ['--server', 'docs', '--tool', 'read', '--subject', 'ann', '--scope'] as const
  const explain = (config: keyof typeof FILES, scope: string) =>
    run(policyExplain, '-c', file(config), ...asked, scope)
  assert.equal((await explain('plain.yaml', 'docs:admin'))[0], 1)
  const [code, said] = await explain('including.yaml', 'docs:admin')
  assert.deepEqual([code, said.startsWith('ALLOW ')], [0, true], said)
  assert.equal((await explain('including.yaml', 'docs:list'))[0], 1)
})

test('a difference in what scopes include is a difference in what is allowed', async () => {
  const [plain, including] = [file('plain.yaml'), file('including.yaml')]
  const diff = (...sides: readonly string[]) =>
    run(policyDiff, ...sides, '--audit', file('audit.jsonl'), '--cases', file('policy.cases.yaml'))
  const [code, said] = await diff(plain, including)
  assert.equal(code, 1)
  assert.match(said, /now allowed: 4 calls, 2 different/)
  assert.match((await diff(including, plain))[1], /now denied: 4 calls, 2 different/)
  assert.equal((await diff(including, including))[0], 0)
})

test('a configuration that is not there or not right ends with its place', async () => {
  const missing = await readScopeIncludes(file('none.yaml'))
  assert.ok(!missing.ok && /no such file/.test(missing.problems[0]?.message ?? ''))
  const [code, said] = await run(policyTest, '-c', file('wrong.yaml'), file('policy.yaml'))
  assert.equal(code, 1)
  assert.match(said, /wrong\.yaml:6:\d+ .*docs:admin/)
})

import assert from 'node:assert/strict'
import { globSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { runVerb } from '../testkit/run-verb.ts'
import { EXAMPLE, policyTest } from './policy-test.ts'

const POLICIES = join(import.meta.dirname, '../../policies')

const POLICY = `version: 1
rules:
  - id: read
    effect: allow
    subjects: [{ kind: agent }]
    tools: [docs/read]
`

let directory = ''

before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'policy-test-'))
})

after(async () => {
  await rm(directory, { recursive: true })
})

/** Runs the verb over files written for it; the lines come without the directory. */
async function run(files: Readonly<Record<string, string>>, ...args: readonly string[]) {
  for (const [name, text] of Object.entries(files)) await writeFile(join(directory, name), text)
  const words = args.map((arg) => (arg.startsWith('-') ? arg : join(directory, arg)))
  const { code, out, err } = await runVerb((io) => policyTest(words, io))
  return {
    code,
    out: out.replaceAll(`${directory}/`, ''),
    err: err.replaceAll(`${directory}/`, ''),
  }
}

function casesOf(expect: string, rest = ''): string {
  return `${rest}cases:\n  - { name: it reads, caller: { kind: agent }, server: docs, tool: read, expect: ${expect} }\n`
}

test('cases that hold end with 0, found beside the policy or named themselves', async () => {
  const files = { 'a.yaml': POLICY, 'a.cases.yaml': casesOf('allow') }
  const done = { code: 0, out: '1 passed, 0 failed', err: '' }
  assert.deepEqual(await run(files, 'a.yaml'), done)
  assert.deepEqual(await run(files, 'a.cases.yaml'), done)
  assert.deepEqual(await run(files, 'a.yaml', 'a.cases.yaml'), done)
})

test('a case that does not hold ends with 1 and is named with its line', async () => {
  const { code, out } = await run({ 'a.yaml': POLICY, 'a.cases.yaml': casesOf('deny') }, 'a.yaml')
  assert.equal(code, 1)
  assert.equal(out, 'a.cases.yaml:2 it reads: expected deny, got allow by read\n0 passed, 1 failed')
})

test('a case file may name its policies', async () => {
  const other = POLICY.replace('id: read', 'id: none').replace('docs/read', 'docs/none')
  const files = { 'a.yaml': POLICY, 'b.yaml': other }
  const both = casesOf('allow', 'policy: [a.yaml, b.yaml]\n')
  assert.equal((await run({ ...files, 'c.cases.yaml': both }, 'c.cases.yaml')).code, 0)
  const one = casesOf('allow', 'policy: b.yaml\n')
  assert.equal((await run({ ...files, 'c.cases.yaml': one }, 'c.cases.yaml')).code, 1)
})

test('a file that is missing, no YAML, no policy or no cases ends with 1 and says where', async () => {
  const good = { 'a.yaml': POLICY, 'a.cases.yaml': casesOf('allow') }
  const rows: readonly (readonly [Readonly<Record<string, string>>, string, RegExp])[] = [
    [{}, 'none.yaml', /^none\.cases\.yaml:1:1 cannot read none\.cases\.yaml: no such file/],
    [{ ...good, 'a.yaml': 'a: [' }, 'a.yaml', /^a\.yaml:\d+:\d+ /],
    [
      { ...good, 'a.yaml': POLICY.replace('docs/', '') },
      'a.yaml',
      /^a\.yaml:6:13 "read" must name a server/,
    ],
    [{ ...good, 'a.cases.yaml': 'cases: []' }, 'a.yaml', /^a\.cases\.yaml:1:8 is empty/],
  ]
  for (const [files, name, says] of rows) {
    const { code, out, err } = await run(files, name)
    assert.equal(code, 1)
    assert.equal(out, '0 passed, 0 failed')
    assert.match(err, says)
  }
})

test('where there are no cases, what one looks like is shown, and in which file', async () => {
  const good = { 'a.yaml': POLICY, 'a.cases.yaml': casesOf('allow') }
  const without: readonly (readonly [Readonly<Record<string, string>>, string])[] = [
    [{}, 'missing'],
    [{ ...good, 'empty.cases.yaml': '' }, 'empty'],
    [{ ...good, 'empty.cases.yaml': 'cases: []' }, 'empty'],
    [{ ...good, 'empty.cases.yaml': 'version: 1' }, 'empty'],
  ]
  for (const [files, name] of without) {
    const { err } = await run(files, `${name}.yaml`)
    assert.ok(err.endsWith(`no cases in ${name}.cases.yaml; one looks like this:\n\n${EXAMPLE}`))
  }
  for (const cases of ['cases: [', casesOf('perhaps'), casesOf('deny')]) {
    const { err } = await run({ ...good, 'a.cases.yaml': cases }, 'a.yaml')
    assert.ok(!err.includes('looks like this'))
  }
})

test('the case that is shown as an example is one', async () => {
  const policy = POLICY.replace('docs/read', 'docs/read_*')
  const { code } = await run({ 'a.yaml': policy, 'a.cases.yaml': EXAMPLE }, 'a.yaml')
  assert.equal(code, 0)
})

test('a file that is not text is told as such', async () => {
  await writeFile(join(directory, 'b.cases.yaml'), Uint8Array.of(0x61, 0xff))
  assert.match((await run({}, 'b.yaml')).err, /^b\.cases\.yaml:1:1 b\.cases\.yaml is not text/)
})

test('warnings are shown and do not fail the test', async () => {
  const policy = `${POLICY}    resources: ["docs:FILE:///a"]\n`
  const { code, err } = await run({ 'a.yaml': policy, 'a.cases.yaml': casesOf('allow') }, 'a.yaml')
  assert.equal(code, 0)
  assert.match(err, /^a\.yaml:7:17 no canonical URI .* \(warning\)$/m)
})

test('without a file it says how it is used, and --help says so on the way out', async () => {
  const used = await run({})
  assert.deepEqual([used.code, used.out], [2, ''])
  assert.match(used.err, /no file named[^]*Usage: gatehouse policy test \[-c FILE\] FILE/)
  const help = await run({}, '--help')
  assert.deepEqual([help.code, help.err], [0, ''])
  assert.match(help.out, /^Usage: gatehouse policy test \[-c FILE\] FILE/)
})

test('every case of the policies we ship holds, and each policy has some', async () => {
  const files = globSync('*.yaml', { cwd: POLICIES }).filter((name) => !name.includes('.cases.'))
  assert.ok(files.length >= 8)
  for (const file of files) {
    const { code, out, err } = await runVerb((io) => policyTest([join(POLICIES, file)], io))
    assert.deepEqual([code, err], [0, ''], out)
    const passed = Number(/^(\d+) passed, 0 failed$/.exec(out)?.[1])
    assert.ok(passed >= 4, out)
  }
})

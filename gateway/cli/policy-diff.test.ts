import assert from 'node:assert/strict'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { recordedLog } from '../testkit/recorded-log.ts'
import { runVerb } from '../testkit/run-verb.ts'
import { policyDiff } from './policy-diff.ts'

let directory = ''

const READ = `version: 1
rules:
  - id: readers
    effect: allow
    subjects: [{ groups: [staff] }]
    tools: [docs/read, docs/search]
`
const SEARCH = READ.replace('readers', 'searchers').replace('docs/read, ', '')

const CASES = `cases:
  - name: staff read
    caller: { kind: human, groups: [staff] }
    server: docs
    tool: read
    expect: allow
`

before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'gatehouse-diff-'))
  await mkdir(file('after'))
  const staff = { groups: new Set(['staff']) }
  await writeFile(file('before.yaml'), READ)
  await writeFile(file('after/search.yaml'), SEARCH)
  await writeFile(file('after/search.cases.yaml'), CASES)
  await writeFile(
    file('audit.jsonl'),
    recordedLog([
      { caller: staff, tool: 'read', times: 4 },
      { caller: staff, tool: 'search' },
      { caller: staff, server: 'elsewhere', tool: 'x', effect: 'deny' },
    ]),
  )
})

after(async () => {
  await rm(directory, { recursive: true })
})

function file(name: string): string {
  return join(directory, name)
}

async function diff(...args: readonly string[]) {
  return await runVerb((io) => policyDiff(args, io))
}

test('recorded calls that another policy denies are shown, and fail a pipeline', async () => {
  const found = await diff(file('before.yaml'), file('after'), '--audit', file('audit.jsonl'))
  assert.deepEqual([found.code, found.err], [1, ''])
  assert.match(found.out, /^6 calls \(3 different\): 1 decided as before\n/)
  assert.match(
    found.out,
    /\nnow denied: 4 calls, 1 different\n {2}4x .* in staff asking docs for tool "read"\n/,
  )
  assert.match(
    found.out,
    /before {2}allow by readers \(.*before\.yaml:3\)\n {8}after {3}deny \(no_rule\)\n/,
  )
})

test('the same policy twice changes nothing, and passes', async () => {
  const found = await diff(file('after'), file('after/search.yaml'), '--audit', file('audit.jsonl'))
  assert.deepEqual([found.code, found.out], [0, '6 calls (3 different): 6 decided as before'])
})

test('cases are asked too, and everything is there for programs', async () => {
  const cases = file('after/search.cases.yaml')
  const found = await diff(file('before.yaml'), file('after'), '--cases', cases, '--json')
  assert.equal(found.code, 1)
  const { denied, calls } = JSON.parse(found.out) as {
    readonly calls: number
    readonly denied: readonly Readonly<Record<string, unknown>>[]
  }
  assert.deepEqual([calls, denied.length], [1, 1])
  assert.deepEqual(denied[0]!['targets'], [{ kind: 'tool', name: 'read' }])
  assert.equal(denied[0]!['example'], `"staff read" (${cases}:2)`)
})

test('two policies and something to ask are needed, and files that are right', async () => {
  const [a, b, audit] = [file('before.yaml'), file('after'), file('audit.jsonl')]
  for (const args of [[], [a], [a, b], [a, b, a, '--audit', audit]]) {
    assert.equal((await diff(...args)).code, 2)
  }
  for (const args of [
    [a, file('missing.yaml'), '--audit', audit],
    [a, b, '--audit', file('missing.jsonl')],
    [a, audit, '--audit', audit],
    [a, b, '--cases', a],
  ]) {
    const { code, err } = await diff(...args)
    assert.deepEqual([code, err === ''], [1, false], err)
  }
})

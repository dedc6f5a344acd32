import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { runVerb } from '../testkit/run-verb.ts'
import { policyCheck } from './policy-check.ts'

let directory = ''

before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'gatehouse-check-'))
})

after(async () => {
  await rm(directory, { recursive: true })
})

function rule(id: string, more = ''): string {
  return `  - { id: ${id}, effect: allow, subjects: [{ any: true }], tools: [docs/read]${more} }\n`
}

async function check(...texts: readonly string[]) {
  const files = texts.map((_, at) => join(directory, `policy-${at}.yaml`))
  for (const [at, text] of texts.entries()) await writeFile(files[at]!, text)
  const { code, out, err } = await runVerb((io) => policyCheck(files, io))
  return { code, out, err: err.replaceAll(directory, 'DIR') }
}

test('files that are right are counted, and warnings do not make them wrong', async () => {
  const deny = rule('none', '').replace('allow', 'deny')
  const found = await check(`version: 1\nrules:\n${rule('one')}`, `version: 1\nrules:\n${deny}`)
  assert.deepEqual([found.code, found.err], [0, ''])
  assert.match(found.out, /^valid: 2 rules for docs\nwarning: .*"one" allows nothing/)
})

test('every mistake of every file is said with its place, each once', async () => {
  const found = await check(
    `version: 1\nrules:\n${rule('one', ', colour: blue')}`,
    `version: 1\nrules:\n${rule('one')}`,
    'version: 1\nrules: [',
  )
  assert.equal(found.code, 1)
  assert.match(found.err, /^DIR\/policy-0\.yaml:3:\d+ .*colour/m)
  assert.match(found.err, /^DIR\/policy-2\.yaml:2:\d+ /m)
  const lines = found.err.split('\n')
  assert.equal(new Set(lines).size, lines.length)
})

test('an id that two files have is found, for they are one policy', async () => {
  const one = `version: 1\nrules:\n${rule('one')}`
  assert.match((await check(one, one)).err, /the id "one" is taken/)
})

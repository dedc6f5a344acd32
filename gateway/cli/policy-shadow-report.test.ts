import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { recordedLog } from '../testkit/recorded-log.ts'
import { silentIo } from '../testkit/run-verb.ts'
import { policyShadowReport } from './policy-shadow-report.ts'

let directory = ''

const DENIED = { effect: 'deny', rule: 'no-deletes' } as const

before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'gatehouse-shadow-'))
  const many = new Set(Array.from({ length: 100 }, (_, at) => `group-${at}`))
  await writeFile(
    join(directory, 'audit.jsonl'),
    recordedLog([
      { tool: 'read', times: 5 },
      { tool: 'delete', times: 3, shadow: DENIED },
      { tool: 'purge', caller: { subject: 'ben' }, shadow: DENIED },
      { tool: 'purge', caller: { groups: many }, shadow: DENIED },
      { tool: 'write', effect: 'deny', shadow: { effect: 'allow', rule: 'writers' } },
    ]),
  )
})

after(async () => {
  await rm(directory, { recursive: true })
})

async function report(...args: readonly string[]) {
  const { io, out, err } = silentIo()
  return { code: await policyShadowReport(args, io), out, err }
}

test('each shadow rule is reported with how often, for whom and for which calls it would have decided', async () => {
  const { code, out, err } = await report(join(directory, 'audit.jsonl'))
  assert.deepEqual([code, err], [0, []])
  assert.equal(out[0], '11 calls decided; 6 would have been decided otherwise')
  assert.deepEqual(
    out.filter((line) => / calls? by /.test(line)),
    [
      'no-deletes: 5 calls by 2 callers would be denied instead of allowed',
      'writers: 1 call by 1 caller would be allowed instead of denied',
    ],
  )
  assert.match(out[4]!, /^ {2}3x {2}agent "agent-1" asking docs for tool "delete"$/)
})

test('the report is there for programs, and a log without shadow decisions has an empty one', async () => {
  const { out } = await report('--json', join(directory, 'audit.jsonl'))
  const { decisions, findings } = JSON.parse(out.join('\n')) as {
    readonly decisions: number
    readonly findings: readonly Readonly<Record<string, unknown>>[]
  }
  assert.equal(decisions, 11)
  const { rule, was, wouldBe, count, callers } = findings[0]!
  assert.deepEqual([rule, was, wouldBe, count, callers], ['no-deletes', 'allow', 'deny', 5, 2])
  await writeFile(join(directory, 'plain.jsonl'), recordedLog([{}]))
  const plain = await report(join(directory, 'plain.jsonl'))
  assert.deepEqual(plain.out, ['1 call decided; 0 would have been decided otherwise'])
})

test('a report needs a log that can be read', async () => {
  assert.equal((await report()).code, 2)
  const { code, err } = await report(join(directory, 'missing.jsonl'))
  assert.deepEqual([code, err[0]?.startsWith('cannot read ')], [1, true])
})

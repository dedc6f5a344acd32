import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import type { Caller } from '../model/caller.ts'
import { callFor, type Question } from '../policy/ask.ts'
import { decide } from '../policy/decide.ts'
import { occasionAt } from '../policy/occasion.ts'
import { createRecordedCalls } from '../policy/recorded-calls.ts'
import { validate } from '../settings/validate.ts'
import { someCaller } from '../testkit/compile-rules.ts'
import { type LoggedCall, plainCall, recordedLog } from '../testkit/recorded-log.ts'
import { silentIo } from '../testkit/run-verb.ts'
import { policyLearn } from './policy-learn.ts'
import { policyTest } from './policy-test.ts'
import { readDocument, readPolicies } from './read-policies.ts'

let directory = ''

before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'gatehouse-learn-'))
})

after(async () => {
  await rm(directory, { recursive: true })
})

const ISSUER = 'https://idp.test'

function person(
  subject: string,
  kind: Caller['kind'],
  ...groups: readonly string[]
): Partial<Caller> {
  return { issuer: ISSUER, subject, client: 'desktop', kind, groups: new Set(groups) }
}

const ANNA = person('anna', 'human', 'staff', 'analysts')
const BEN = person('ben', 'human', 'staff', 'analysts')
const CARLA = person('carla', 'human', 'staff', 'curators')
const DORA = person('dora', 'human', 'staff')
const BOT = person('bot-1', 'agent', 'agents')
const JOB: Partial<Caller> = {
  issuer: ISSUER,
  subject: 'nightly',
  client: 'indexer',
  kind: 'service',
  groups: new Set(),
}

const reports = Array.from({ length: 12 }, (_, at) => `file:///reports/q3/part-${at}.md`)

/** Two servers, five groups, tools, resources, prompts, tasks, methods, and people who only connect. */
const LOG: readonly LoggedCall[] = [
  ...[ANNA, BEN, CARLA, BOT, JOB].map((caller) => ({ caller, call: plainCall('initialize') })),
  { caller: DORA, server: 'db', call: plainCall('initialize') },
  { caller: DORA, server: 'db', call: plainCall('tools/list'), times: 3 },
  ...[ANNA, BEN].map((caller) => ({ caller, tool: 'search', times: 20 })),
  ...[ANNA, BEN].map((caller) => ({ caller, tool: 'read_document', times: 7 })),
  { caller: CARLA, tool: 'search', times: 4 },
  { caller: CARLA, tool: 'delete_document' },
  { caller: BOT, tool: 'search', times: 100 },
  { caller: BOT, server: 'db', tool: 'query', times: 50 },
  { caller: BOT, server: 'db', call: plainCall('sampling/createMessage', 'method') },
  { caller: JOB, tool: 'list_documents' },
  { caller: ANNA, call: { method: 'prompts/get', targets: [{ kind: 'prompt', name: 'weekly' }] } },
  {
    caller: BOT,
    call: {
      method: 'tasks/get',
      targets: [{ kind: 'task', name: 'handle', task: { id: '1', tool: 'index_all' } }],
    },
  },
  ...reports.map((resource) => ({ caller: BEN, resource })),
  { caller: BEN, resource: 'file:///reports/q2/summary.md' },
  { caller: BEN, effect: 'deny', resource: 'file:///reports/q3/salaries.xlsx' },
  { caller: BOT, effect: 'deny', tool: 'delete_document', times: 9 },
  { caller: DORA, effect: 'deny', server: 'db', tool: 'query' },
]

/** Fifty calls that are not in the log: other tools, people, servers, folders, prompts and methods. */
const UNSEEN: readonly (readonly [who: Partial<Caller>, server: string, question: Question])[] = [
  ...[ANNA, BEN, CARLA, DORA, BOT, JOB].flatMap((who) => [
    tool(who, 'docs', 'drop_everything'),
    tool(who, 'docs', 'read_secrets'),
    tool(who, 'docs', 'search_all'),
    tool(who, 'db', 'execute'),
  ]),
  ...[ANNA, BEN, BOT, JOB].map((who) => tool(who, 'docs', 'delete_document')),
  ...[ANNA, BEN, CARLA, DORA, JOB].map((who) => tool(who, 'db', 'query')),
  ...[CARLA, DORA, BOT].map((who) => tool(who, 'docs', 'read_document')),
  ...[ANNA, CARLA].map((who) => tool(who, 'docs', 'list_documents')),
  tool(DORA, 'docs', 'search'),
  tool(person('eve', 'agent', 'analysts'), 'docs', 'search'),
  tool(person('eve', 'human'), 'docs', 'search'),
  tool({ ...JOB, client: 'another' }, 'docs', 'list_documents'),
  ...['q1/summary.md', 'q3/salaries.xlsx', 'q3/drafts/part-1.md', 'q2/part-1.md'].map(
    (file) => [BEN, 'docs', { about: 'resource', name: `file:///reports/${file}` }] as const,
  ),
  [BOT, 'docs', { about: 'resource', name: reports[0]! }],
  [CARLA, 'docs', { about: 'prompt', name: 'weekly' }],
  [ANNA, 'docs', { about: 'prompt', name: 'monthly' }],
  [BOT, 'docs', { about: 'method', name: 'sampling/createMessage' }],
]

function tool(who: Partial<Caller>, server: string, name: string) {
  return [who, server, { about: 'tool', name }] as const
}

async function learn(log: readonly LoggedCall[], name: string) {
  const [audit, policy] = [join(directory, `${name}.jsonl`), join(directory, `${name}.yaml`)]
  await writeFile(audit, recordedLog(log))
  const { io, out, err } = silentIo()
  const code = await policyLearn(['--out', policy, audit], io)
  const read = await readPolicies([policy], [])
  assert.ok(read.ok, JSON.stringify(read))
  return { code, out, err, policy, rules: read.rules, warnings: read.warnings }
}

test('a learned policy allows every recorded allowed call and denies fifty that were not made', async () => {
  assert.equal(UNSEEN.length, 50)
  const { code, err, rules, warnings } = await learn(LOG, 'whole')
  assert.equal(code, 0, err.join('\n'))
  assert.deepEqual(warnings, [])
  const recorded = createRecordedCalls()
  for (const line of recordedLog(LOG).split('\n')) recorded.line(line)
  const { calls, unusable } = recorded.report()
  assert.equal(unusable.size, 0)
  for (const { caller, call, server, effect } of calls) {
    const decided = decide(rules, caller, call, occasionAt(server))
    assert.equal(
      decided.effect,
      effect,
      JSON.stringify([caller.subject, call.method, call.targets]),
    )
  }
  for (const [who, server, question] of UNSEEN) {
    const decided = decide(rules, someCaller(who), callFor(question), occasionAt(server))
    assert.equal(decided.effect, 'deny', JSON.stringify([who.subject, server, question, decided]))
  }
  assert.match(
    err.at(-1) ?? '',
    /^allowed by the proposal: (\d+) of \1 allowed calls, 0 of 11 denied ones$/,
  )
})

test('a learned policy has at most one rule of targets for a group and a server', async () => {
  const { policy } = await learn(LOG, 'single')
  const document = await readDocument(policy)
  assert.ok(document.ok)
  assert.deepEqual(validate('policy', document), [])
  const { rules } = document.data as {
    readonly rules: readonly Readonly<Record<string, readonly unknown[]>>[]
  }
  const pairs = rules
    .filter((rule) => rule['servers'] === undefined)
    .map((rule) => {
      const [entry] = [rule['tools'], rule['prompts'], rule['resources']].flat().filter(Boolean)
      const { groups, clients } = rule['subjects']![0] as Record<string, unknown>
      return JSON.stringify([groups ?? clients, String(entry).split(/[/:]/)[0]])
    })
  assert.equal(new Set(pairs).size, pairs.length)
})

test('the cases written beside a learned policy hold', async () => {
  const { policy } = await learn(LOG, 'cases')
  const { io, out, err } = silentIo()
  assert.equal(await policyTest([policy], io), 0, [...out, ...err].join('\n'))
  assert.match(out.at(-1) ?? '', /^[3-9]\d passed, 0 failed$/)
})

test('evidence stands beside every entry, and a folder of many files is one glob', async () => {
  const { policy } = await learn(LOG, 'evidence')
  const text = await readFile(policy, 'utf8')
  assert.match(text, /"docs\/search" # 40 calls by 2 of 2\n/)
  assert.match(text, /"docs:file:\/\/\/reports\/q3\/\*\.md" # 12 calls by 1 of 2, on 12 URIs\n/)
  assert.match(
    text,
    /# \d+ calls by 2 callers, 2026-11-01 to 2026-11-01\n {2}- id: group-analysts-docs\n/,
  )
})

test('names from a log cannot leave their place in the policy', async () => {
  const evil = 'x" # - id: evil'
  const { code, rules, err } = await learn(
    [
      { caller: person('a', 'agent', evil), tool: `read${evil}` },
      { caller: JOB, tool: 'search' },
    ],
    'evil',
  )
  assert.equal(code, 0, err.join())
  const ids = rules.servers.get('docs')?.reaches.map(({ rule }) => rule.id)
  assert.deepEqual(ids, ['client-indexer-docs', 'group-x-id-evil-docs'])
})

test('what no rule can say is not learned, and is named', async () => {
  const { code, err } = await learn(
    [
      { caller: BOT, tool: 'read\n  - id: evil' },
      { caller: { ...JOB, client: '*' }, tool: 'search' },
      { caller: JOB, tool: 'search' },
    ],
    'unsayable',
  )
  assert.equal(code, 1)
  assert.match(err[0] ?? '', /^not allowed by the proposal, though it was: agent "bot-1"/)
  assert.match(err[1] ?? '', /service "nightly"/)
  assert.equal(err.at(-1), 'allowed by the proposal: 1 of 3 allowed calls, 0 of 0 denied ones')
})

test('what people approved is not learned: each of these calls was approved for itself', async () => {
  const { code, err, rules, policy } = await learn(
    [
      { caller: BOT, tool: 'search' },
      { caller: BOT, tool: 'wipe', approvedBy: ['lena'], times: 2 },
    ],
    'approved',
  )
  assert.equal(code, 0)
  assert.equal(err.at(-2), 'not learned, for people approved each for itself: 2 calls')
  const wipe = callFor({ about: 'tool', name: 'wipe' })
  assert.equal(decide(rules, someCaller(BOT), wipe, occasionAt('docs')).effect, 'deny')
  assert.doesNotMatch(await readFile(policy.replace(/\.yaml$/, '.cases.yaml'), 'utf8'), /wipe/)
})

test('what a grant allows is not learned, and what was denied once and allowed later is no case', async () => {
  const { code, err, rules, policy } = await learn(
    [
      { caller: BOT, tool: 'search', effect: 'deny' },
      { caller: BOT, tool: 'search' },
      { caller: BOT, tool: 'migrate', grant: '0123456789abcdef01234567', times: 3 },
    ],
    'granted',
  )
  assert.equal(code, 0)
  assert.deepEqual(err.slice(-3), [
    'allowed by the proposal, though it was denied: agent "bot-1" in agents asking docs for tool "search"',
    'not learned, for they were made under a grant, which ends: 3 calls',
    'allowed by the proposal: 1 of 1 allowed call, 1 of 1 denied one',
  ])
  const migrate = callFor({ about: 'tool', name: 'migrate' })
  assert.equal(decide(rules, someCaller(BOT), migrate, occasionAt('docs')).effect, 'deny')
  const { io, out } = silentIo()
  assert.equal(await policyTest([policy], io), 0, out.join())
})

test('a file that exists is not overwritten, and an empty log makes an empty policy', async () => {
  const { policy, rules } = await learn([], 'empty')
  assert.equal(rules.servers.size, 0)
  const { io, err } = silentIo()
  assert.equal(await policyLearn(['--out', policy, join(directory, 'empty.jsonl')], io), 1)
  assert.match(err.join('\n'), /EEXIST/)
})

test('a log that cannot be read, and no log at all, are told apart', async () => {
  const { io, err } = silentIo()
  assert.equal(await policyLearn([join(directory, 'missing.jsonl')], io), 1)
  assert.match(err.join('\n'), /^cannot read .*missing\.jsonl/)
  assert.equal(await policyLearn([], io), 2)
  assert.equal(await policyLearn(['--out', 'policy', 'a.jsonl'], io), 2)
})

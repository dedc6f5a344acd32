import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { createRecords } from '../audit/record.ts'
import { refusedJourney } from '../testkit/journey.ts'
import { type LoggedCall, recordedLog } from '../testkit/recorded-log.ts'
import { runVerb } from '../testkit/run-verb.ts'
import { policyExplain } from './policy-explain.ts'

let directory = ''

before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'gatehouse-explain-record-'))
})

after(async () => {
  await rm(directory, { recursive: true })
})

type Rules = string | readonly string[]

/** Explains the first call of a log, or whatever `args` name, under these rules. */
async function ask(calls: readonly LoggedCall[] | string, rules: Rules, ...args: string[]) {
  const [audit, policy] = [join(directory, 'audit.jsonl'), join(directory, 'policy.yaml')]
  await writeFile(audit, typeof calls === 'string' ? calls : recordedLog(calls))
  const list = typeof rules === 'string' ? [rules] : rules
  await writeFile(policy, `version: 1\nrules:\n${list.map((rule) => `  - ${rule}\n`).join('')}`)
  const named = args.includes('--record') ? args : ['--record', 'call-0-0', ...args]
  return await run('--policy', policy, '--audit', audit, ...named)
}

function configText(files: { readonly policy: string; readonly sink: string }): string {
  return `version: 1
public_url: http://127.0.0.1:8787
servers: { docs: { upstream: 'http://127.0.0.1:9/mcp' } }
issuers: [{ issuer: 'https://idp.example', jwks: { url: 'https://idp.example/jwks' } }]
policies: [${files.policy}]
audit: { sink: ${files.sink} }
`
}

async function run(...args: readonly string[]) {
  return await runVerb((io) => policyExplain(args, io))
}

const READERS = '{ id: readers, effect: allow, subjects: [{ kind: agent }], tools: [docs/*] }'
const ANALYSTS =
  '{ id: analysts, effect: allow, subjects: [{ groups: [analysts] }], tools: [docs/*] }'
const UNDER_A = `{ id: under-a, effect: allow, subjects: [{ kind: agent }], tools: [docs/*], when: args.path == "a" }`

test('a recorded call is asked again with its caller, server and target, and an equal decision is said to be one', async () => {
  const caller = {
    issuer: 'https://idp.test',
    subject: 'bot-7',
    client: 'assistant',
    groups: new Set(['ops']),
    scopes: new Set(['docs:read']),
  }
  const { code, out } = await ask([{ caller, tool: 'search' }], READERS)
  assert.equal(code, 0)
  assert.match(out, /^Recorded at 2026-11-01T00:01:00\.000Z as call-0-0, by configuration a1b2/)
  assert.match(out, /^ {2}decided {2}ALLOW by readers$/m)
  assert.match(
    out,
    /^ {2}who {6}agent "bot-7" of https:\/\/idp\.test, client "assistant", groups ops, scopes docs:read$/m,
  )
  assert.match(out, /^ {2}ended {4}ok$/m)
  assert.match(out, /^ {2}today {4}decided alike$/m)
  assert.match(out, /as of 2026-11-01T00:01:00\.000Z:\nALLOW {2}agent "bot-7" asking "docs" for/)
  assert.doesNotMatch(out, /Not in the record/)
})

test('where the rules of today decide otherwise, each side of it is named, and the exit code is theirs', async () => {
  const caller = { groups: new Set(['ops']) }
  const denied = await ask([{ caller, tool: 'search' }], ANALYSTS)
  assert.equal(denied.code, 1)
  assert.match(
    denied.out,
    /^ {2}today {4}DIFFERS\n {11}effect was allow, is deny\n {11}rule was readers, is none\n {11}reason was none, is no_rule$/m,
  )
  const allowed = await ask([{ tool: 'search', effect: 'deny' }], READERS)
  assert.equal(allowed.code, 0)
  assert.match(allowed.out, /DIFFERS\n {11}effect was deny, is allow/)
})

test('what was refused beside the rules is not called a difference', async () => {
  const log = recordedLog([{ tool: 'search', effect: 'deny' }]).replaceAll('no_rule', 'tool_held')
  const { code, out } = await ask(log, READERS)
  assert.equal(code, 0)
  assert.match(out, /the rules would allow it; it was not they that refused it: the tool has/)
  assert.doesNotMatch(out, /DIFFERS/)
})

test('a difference that what is not recorded could make is not told as one of the rules', async () => {
  const log = recordedLog([{ tool: 'search' }])
  const { out } = await ask(log, UNDER_A)
  assert.match(out, /^ {2}today {4}MAY DIFFER, unless what the record does not know decides\n/m)
  const config = join(directory, 'same.yaml')
  await writeFile(join(directory, 'same-rules.yaml'), `version: 1\nrules:\n  - ${UNDER_A}\n`)
  await writeFile(config, configText({ policy: 'same-rules.yaml', sink: 'same.jsonl' }))
  const args = ['-c', config, '--record', 'call-0-0']
  await writeFile(join(directory, 'same.jsonl'), log)
  const [, version = ''] = /^By (\w+), as of/m.exec((await run(...args)).out) ?? []
  await writeFile(join(directory, 'same.jsonl'), log.replaceAll('a1b2c3d4e5f6', version))
  const same = await run(...args)
  assert.match(same.out, /^ {2}today {4}the same rules: what the record does not know decides\n/m)
  assert.doesNotMatch(same.out, /DIFFER/)
})

test('a call that was refused before the rules were asked is told as that', async () => {
  const log = recordedLog([{ tool: 'search', effect: 'deny' }])
    .replaceAll(',"reason":"no_rule"', '')
    .replace('"outcome":"refused"', '"outcome":"refused","refusal":"upstream_unavailable"')
  const { out } = await ask(log, READERS)
  assert.match(out, /not they that refused it: upstream_unavailable came before they were asked$/m)
})

test('arguments count as they were recorded, and their absence is said where a rule asks for them', async () => {
  const rows = [
    ['{"path":"a"}', 0, undefined],
    ['{"path":"b"}', 1, undefined],
    [undefined, 1, /arguments were not recorded: rules that ask for them are asked as if/],
    ['{"path":"[redacted]"}', 1, /arguments were redacted: rules see "\[redacted\]"/],
    [`{"path":"${'x'.repeat(5_000)}"}`, 1, /arguments were too long to be recorded whole/],
  ] as const
  for (const [recorded, code, says] of rows) {
    const call = recorded === undefined ? {} : { arguments: recorded }
    const asked = await ask([{ tool: 'search', ...call }], UNDER_A)
    assert.equal(asked.code, code, recorded)
    assert.match(asked.out, says ?? /^(?![^]*Not in the record)/)
    const told = await ask([{ tool: 'search', ...call }], UNDER_A, '--args', '{"path":"a"}')
    assert.equal(told.code, 0, recorded)
    assert.doesNotMatch(told.out, /Not in the record/)
  }
})

test('groups that were left out, or never kept, are said and can be told', async () => {
  const many = new Set(Array.from({ length: 70 }, (_, at) => `group-${at}`))
  const left = await ask([{ caller: { groups: many } }], ANALYSTS)
  assert.match(left.out, /6 of its groups were left out of the record: name those that matter/)
  const none = await ask([{}], ANALYSTS)
  assert.match(none.out, /no groups and no scopes: its caller had none, or audit\.record_groups/)
  const told = await ask([{}], ANALYSTS, '--group', 'analysts')
  assert.deepEqual([told.code, /Not in the record/.test(told.out)], [0, false])
})

test('claims, annotations, grants and long names that nobody recorded are said where they could decide', async () => {
  const rows = [
    [
      '{ id: r, effect: allow, subjects: [{ claims: { team: red } }], tools: [docs/*] }',
      {},
      /claims of its token are never recorded/,
    ],
    [
      '{ id: r, effect: allow, subjects: [{ any: true }], tools: [docs/*], annotations: { readOnlyHint: true } }',
      {},
      /\(annotations\) is not recorded: it counts as not known/,
    ],
    [
      '{ id: r, effect: allow, subjects: [{ any: true }], tools: [docs/*], grant: { ttl: 2h } }',
      {},
      /whether its caller had a grant for r: asked as if it had none \(--granted r\)/,
    ],
    [READERS, { tool: 'x'.repeat(600) }, /a name in it was too long to be recorded whole/],
  ] as const
  for (const [rule, call, says] of rows) assert.match((await ask([call], rule)).out, says)
})

test('a use of a grant is asked again with that grant, an approved call with its approval', async () => {
  const granted = `{ id: readers, effect: allow, subjects: [{ any: true }], tools: [docs/*], grant: { ttl: 2h } }`
  const use = await ask([{ grant: 'g1' }], granted)
  assert.deepEqual([use.code, /Not in the record/.test(use.out)], [0, false])
  const approving = `{ id: somebody, effect: require, subjects: [{ any: true }], tools: [docs/*], require: { approval: { by: subject } } }`
  assert.equal((await ask([{ approvedBy: ['ann'] }], [READERS, approving])).code, 0)
  assert.equal((await ask([{}], [READERS, approving])).code, 1)
})

test('rules are asked as of the time of the record, unless another is named', async () => {
  const night = `{ id: readers, effect: allow, subjects: [{ any: true }], tools: [docs/*], during: { hours: '00:00-06:00' } }`
  assert.equal((await ask([{}], night)).code, 0)
  assert.equal((await ask([{}], night, '--at', '2026-11-23T12:00:00Z')).code, 1)
})

test('the id of a trace finds its only call, and of several it is said which there are', async () => {
  const one = await ask([{ trace: 'f00d' }, {}], READERS, '--record', 'f00d')
  assert.match(one.out, /as call-0-0,/)
  const two = await ask(
    [
      { trace: 'f00d', tool: 'a\u001b[2J' },
      { trace: 'f00d', effect: 'deny' },
    ],
    READERS,
    '--record',
    'f00d',
  )
  assert.deepEqual([two.code, two.out], [1, ''])
  assert.match(two.err, /^2 calls are of the visit or trace f00d; name one by its own id:\n/)
  assert.match(two.err, /^ {2}call-1-0 {2}DENY \(no_rule\), agent ".*" asking docs for tool/m)
  assert.ok(!two.err.includes('\u001b'))
})

test('a visit that was refused before there was a call is told as that', async () => {
  const records = createRecords({ now: () => 0, version: () => 'v' })
  const journey = refusedJourney({ detail: 'no bearer token' })
  const lines = [
    records.decision(journey, undefined),
    records.outcome(journey, undefined, undefined),
  ]
  const log = lines.map((line) => `${line}}\n`).join('')
  const { code, out, err } = await ask(log, READERS, '--record', 'visit-1')
  assert.equal(code, 1)
  assert.match(out, /refused before there was a call \(unauthenticated\): no rule was asked/)
  assert.match(out, /^ {2}ended {4}refused \(unauthenticated\): no bearer token$/m)
  assert.match(err, /what to do: docs\/errors\.md#unauthenticated$/m)
})

test('an id that is not there, a log that is not there and a server that is gone say what to do', async () => {
  const nobody = await ask([{}], READERS, '--record', 'call-9')
  assert.deepEqual([nobody.code, nobody.out], [1, ''])
  assert.match(nobody.err, /^no decision with the id call-9 in .*audit\.jsonl; name older or other/)
  const missing = await run('--policy', 'x.yaml', '--record', 'a', '--audit', 'none.jsonl')
  assert.equal(missing.code, 1)
})

test('what the record says cannot be said beside it, and a log must be named somewhere', async () => {
  const rows = [
    [['--record', 'a', '--server', 'docs'], /--server stands in the record: leave it out/],
    [['--record', 'a', '--kind', 'human'], /--kind stands in the record/],
    [['--record', 'a'], /name the audit log \(--audit\), or the configuration/],
    [['--record', ''], /--record is empty/],
    [['--record', 'a', '--audit', 'x', '--args', '[]'], /--args must be a JSON object/],
    [['--record', 'a', '--audit', 'x', '--at', 'then'], /--at must be a time/],
    [['--audit', 'x', '--server', 'docs', '--subject', 'a', '--tool', 'x'], /goes with --record/],
  ] as const
  for (const [args, says] of rows) {
    const { code, out, err } = await run('--policy', 'x.yaml', ...args)
    assert.deepEqual([code, out], [2, ''], args.join(' '))
    assert.match(err, says)
  }
})

test('without --audit the log of the configuration is read, those of its workers too', async () => {
  const config = join(directory, 'gatehouse.yaml')
  const text = (sink: string): string => configText({ policy: 'readers.yaml', sink })
  await writeFile(join(directory, 'readers.yaml'), `version: 1\nrules: [${READERS}]\n`)
  await writeFile(join(directory, 'log.2.jsonl'), recordedLog([{}]))
  await writeFile(config, text('log.jsonl'))
  const found = await run('-c', config, '--record', 'call-0-0')
  assert.equal(found.code, 0, found.err)
  assert.match(found.out, /^By [0-9a-f]{12}, as of/m)
  await writeFile(config, text('absent.jsonl'))
  const absent = await run('-c', config, '--record', 'call-0-0')
  assert.equal(absent.code, 1)
  assert.match(absent.err, /there is no file .*absent\.jsonl here; name a copy with --audit/)
  await writeFile(config, text('stdout'))
  const stdout = await run('-c', config, '--record', 'call-0-0')
  assert.match(stdout.err, /it goes to standard output; name a copy with --audit/)
  const { code } = await run('-c', config, '--record', 'x', '--audit', join(directory, 'log.jsonl'))
  assert.equal(code, 1)
})

import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { runVerb } from '../testkit/run-verb.ts'
import { policyExplain } from './policy-explain.ts'

const DOCUMENTS = join(import.meta.dirname, '../../policies/documents.yaml')

async function run(...args: readonly string[]) {
  return await runVerb((io) => policyExplain(args, io))
}

const ASKED = ['--policy', DOCUMENTS, '--server', 'docs', '--subject', 'alice'] as const

test('an allowed call ends with 0 and names the rule and its line', async () => {
  const { code, out } = await run(...ASKED, '--tool', 'read_x', '--scope', 'docs:read')
  assert.equal(code, 0)
  assert.match(
    out,
    /^ALLOW {2}agent "alice" asking "docs" for tool "read_x"\n {2}rule {5}docs-agents-read \(.*documents\.yaml:\d+\)/,
  )
})

test('a denied call ends with 1 and says why', async () => {
  const { code, out } = await run(...ASKED, '--tool', 'delete_x')
  assert.equal(code, 1)
  assert.match(out, /^DENY[^]*docs-agents-delete-nothing[^]*Agents may analyse documents/)
})

test('everything that tells callers apart can be said', async () => {
  const curator = ['--kind', 'human', '--group', 'x', '--group', 'curators']
  assert.equal((await run(...ASKED, '--tool', 'delete_x', ...curator)).code, 0)
  const indexer = ['--kind', 'service', '--client', 'indexer']
  assert.equal((await run(...ASKED, '--tool', 'read_document', ...indexer)).code, 0)
  const lacking = await run(...ASKED, '--tool', 'read_x', '--interactive')
  assert.match(lacking.out, /asked for the scopes docs:read/)
})

test('prompts, resources, templates and methods can be asked about', async () => {
  const rows = [
    ['--prompt', 'summarise', 0],
    ['--resource', 'file:///library/a', 0],
    ['--resource', 'file:///library/../a', 1],
    ['--template', 'file:///library/{x}', 0],
    ['--method', 'tools/list', 0],
    ['--method', 'sampling/createMessage', 1],
  ] as const
  for (const [option, name, code] of rows) {
    assert.equal((await run(...ASKED, '--scope', 'docs:read', option, name)).code, code, name)
  }
})

test('a method that is none, or names a target, is told with what to ask instead', async () => {
  const rows = [
    ['tools/call', 'tools/call names a tool: ask with --tool instead'],
    ['resources/read', 'resources/read names a resource: ask with --resource instead'],
    ['tool/call', 'MCP has no method "tool/call"; did you mean --method tools/call?'],
    ['GET', 'MCP has no method "GET"; methods are written as in --method tools/list'],
  ] as const
  for (const [method, hint] of rows) {
    const { code, err } = await run(...ASKED, '--method', method)
    assert.deepEqual([code, err], [1, hint])
  }
  for (const method of ['tools/list', 'ping', 'sampling/createMessage']) {
    assert.equal((await run(...ASKED, '--method', method)).err, '')
  }
})

test('a policy may be named without an option', async () => {
  const { code } = await run(DOCUMENTS, '--server', 'docs', '--subject', 'a', '--tool', 'read_x')
  assert.equal(code, 1)
})

test('a question that is not one ends with 2 and says what is missing', async () => {
  const rows: readonly (readonly [args: readonly string[], says: RegExp])[] = [
    [[], /name policy files/],
    [[...ASKED, '-c', 'x.yaml', '--tool', 'x'], /not both/],
    [['--policy', DOCUMENTS, '--subject', 'a', '--tool', 'x'], /--server is missing/],
    [['--policy', DOCUMENTS, '--server', 'docs', '--tool', 'x'], /--subject is missing/],
    [[...ASKED], /name one of --tool/],
    [[...ASKED, '--tool', 'x', '--prompt', 'y'], /and only one/],
    [[...ASKED, '--tool', 'x', '--kind', 'robot'], /--kind must be/],
  ]
  for (const [args, says] of rows) {
    const { code, out, err } = await run(...args)
    assert.deepEqual([code, out], [2, ''])
    assert.match(err, says)
  }
})

test('a file that cannot be used ends with 1', async () => {
  const missing = await run(
    '--policy',
    'none.yaml',
    '--server',
    's',
    '--subject',
    'a',
    '--tool',
    'x',
  )
  assert.equal(missing.code, 1)
  assert.match(missing.err, /^none\.yaml:1:1 cannot read none\.yaml: no such file/)
  const config = await run('-c', 'none.yaml', '--server', 's', '--subject', 'a', '--tool', 'x')
  assert.equal(config.code, 1)
})

test('help says what can be asked', async () => {
  const { code, out } = await run('--help')
  assert.equal(code, 0)
  assert.match(out, /^Usage: gatehouse policy explain/)
})

test('the time, the arguments, grants and the address of a call can be said', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'gatehouse-explain-'))
  const policy = join(directory, 'policy.yaml')
  const terms = `during: { hours: '22:00-06:00' }
    grant: { ttl: 2h }
    when: args.size < 10.0 && request.ip == '192.0.2.1'`
  await writeFile(
    policy,
    `version: 1
rules:
  - id: nightly
    effect: allow
    subjects: [{ any: true }]
    tools: [db/dump]
    ${terms}
`,
  )
  const asked = ['--policy', policy, '--server', 'db', '--subject', 'bot', '--tool', 'dump']
  const all = {
    at: ['--at', '2026-11-23T23:00:00Z'],
    granted: ['--granted', 'nightly'],
    args: ['--args', '{"size":1}'],
    address: ['--address', '192.0.2.1'],
  }
  const said = Object.values(all).flat()
  const allowed = await run(...asked, ...said)
  assert.equal(allowed.code, 0, allowed.out)
  for (const [left, says] of [
    ['granted', /no live grant/],
    ['args', /does not hold without arguments/],
    ['address', /does not hold for this call/],
  ] as const) {
    const rest = Object.entries(all).flatMap(([name, own]) => (name === left ? [] : own))
    const { code, out } = await run(...asked, ...rest)
    assert.equal(code, 1)
    assert.match(out, says, left)
  }
  const noon = await run(...asked, ...said, '--at', '2026-11-23T12:00:00Z')
  assert.match(noon.out, /outside its time until 2026-11-23T22:00:00\.000Z/)
  await rm(directory, { recursive: true })
})

test('a time that is none and arguments that are none are wrong use', async () => {
  for (const wrong of [
    ['--tool', 'x', '--at', 'noon'],
    ['--tool', 'x', '--args', '[1]'],
    ['--tool', 'x', '--args', '{'],
    ['--resource', 'file:///a', '--args', '{}'],
  ]) {
    assert.equal((await run(...ASKED, ...wrong)).code, 2, wrong.join(' '))
  }
})

test('who signed the person in and how, who acts, and which workload it is can be said', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'gatehouse-explain-'))
  const policy = join(directory, 'policy.yaml')
  const rules = [
    ['by-claims', '{ claims: { team: [red] }, idp: [corp] }', 'credential: reader'],
    ['workloads', '{ spiffe: ["spiffe://prod.example/*"] }', ''],
  ].map(
    ([id, subject, more]) =>
      `  - { id: ${id}, effect: allow, subjects: [${subject}], tools: [db/dump], ${more} }`,
  )
  const deny = '{ id: no-bots, effect: deny, subjects: [{ chain: ["bot-*"] }], tools: [db/dump] }'
  const fresh = `{ id: fresh, effect: require, subjects: [{ kind: human }], tools: [db/dump],
      require: { step_up: { max_age: 10m } } }`
  await writeFile(
    policy,
    ['version: 1', 'rules:', ...rules, `  - ${deny}`, `  - ${fresh}`].join('\n'),
  )
  const ask = async (...args: readonly string[]) =>
    await run('--policy', policy, '--server', 'db', '--tool', 'dump', ...args)
  const ann = ['--subject', 'ann', '--claims', '{"team":"red"}', '--idp', 'corp']
  const allowed = await ask(...ann)
  assert.equal(allowed.code, 0, allowed.out)
  assert.match(allowed.out, /^ {2}swap {5}goes up with the credential reader$/m)
  assert.equal((await ask('--spiffe', 'spiffe://prod.example/a')).code, 0)
  for (const [args, says] of [
    [['--subject', 'ann', '--claims', '{"team":"red"}'], /not signed in by corp/],
    [['--subject', 'ann', '--idp', 'corp'], /the claim team is not red/],
    [[...ann, '--chain', 'helper', '--chain', 'bot-7'], /^ {2}rule {5}no-bots/m],
    [['--spiffe', 'spiffe://test.example/a'], /the SPIFFE ID is not/],
    [
      [...ann, '--kind', 'human', '--interactive'],
      /asked to sign in anew, at most 600 seconds ago/,
    ],
  ] as const) {
    const { code, out } = await ask(...args)
    assert.equal(code, 1)
    assert.match(out, says)
  }
  await rm(directory, { recursive: true })
})

test('a caller who is described in contradictions is wrong use', async () => {
  for (const wrong of [
    ['--claims', '[1]'],
    ['--spiffe', 'spiffe://prod.example/a'],
  ]) {
    assert.equal((await run(...ASKED, '--tool', 'x', ...wrong)).code, 2, wrong.join(' '))
  }
  const bare = ['--policy', DOCUMENTS, '--server', 'docs', '--tool', 'x', '--spiffe', 'agent']
  assert.equal((await run(...bare)).code, 2)
})

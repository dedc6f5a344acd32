/**
 * What lists show and what calls are answered with, row by row as the policy language promises it: on real
 * sockets, in both eras, with the records that operators read.
 */
import assert from 'node:assert/strict'
import type { ServerResponse } from 'node:http'
import { after, before, test } from 'node:test'

import { eventually } from '../testkit/eventually.ts'
import type { TestGatehouse } from '../testkit/gatehouse.ts'
import { ISSUER, startGatehouse } from '../testkit/gatehouse.ts'
import type { RecordingServer, Seen } from '../testkit/recording-server.ts'
import { startRecordingServer } from '../testkit/recording-server.ts'
import { modern, post, request, type RpcReply } from '../testkit/rpc.ts'
import { stopAll } from '../testkit/stop-all.ts'

let server: RecordingServer
let gateway: TestGatehouse

const ALLOW = { effect: 'allow', subjects: [{ any: true }] }
const DENY = { effect: 'deny', subjects: [{ any: true }] }
const REQUIRE = { effect: 'require', subjects: [{ any: true }] }

const LONG_AGO = { until: '2020-01-01' }

/** A tool for each row of the table, and the rules that make it one. */
const RULES = [
  { ...ALLOW, id: 'plain', tools: ['docs/plain'] },
  { ...ALLOW, id: 'denied', tools: ['docs/denied'] },
  { ...DENY, id: 'denied-deny', tools: ['docs/denied'] },
  { ...ALLOW, id: 'scoped', tools: ['docs/scoped'], subjects: [{ scopes: ['docs:write'] }] },
  { ...ALLOW, id: 'approved', tools: ['docs/approved'] },
  {
    ...REQUIRE,
    id: 'approved-require',
    tools: ['docs/approved'],
    require: { approval: { by: 'group:leads' } },
    reason: 'A lead has to approve this.',
    disclose: true,
  },
  { ...ALLOW, id: 'late', tools: ['docs/late'], during: LONG_AGO },
  {
    ...ALLOW,
    id: 'late-shown',
    tools: ['docs/late_shown'],
    during: LONG_AGO,
    show: true,
    reason: 'It is over.',
    disclose: true,
  },
  { ...ALLOW, id: 'granted', tools: ['docs/granted'], grant: { ttl: '1h' } },
  { ...ALLOW, id: 'by-path', tools: ['docs/by_path'], when: 'under(args.path, "/pub")' },
  {
    ...DENY,
    id: 'by-path-no-drafts',
    tools: ['docs/by_path'],
    when: 'has(args.path) && under(args.path, "/pub/drafts")',
    reason: 'Drafts are not read.',
    disclose: true,
  },
  { ...ALLOW, id: 'watched', tools: ['docs/watched'] },
  { ...DENY, id: 'watched-trial', tools: ['docs/watched'], mode: 'shadow' },
  { ...ALLOW, id: 'safe-only', tools: ['docs/trait_*'], annotations: { readOnlyHint: true } },
  {
    ...ALLOW,
    id: 'limited',
    tools: ['docs/limited'],
    subjects: [{ users: ['lim*'] }],
    limits: { rate: '1/h', burst: 2 },
  },
  {
    ...ALLOW,
    id: 'people-only',
    tools: ['docs/people'],
    when: 'caller.claims.dept == "legal" || caller.kind == "human"',
  },
]

const TOOLS =
  'plain denied scoped approved late late_shown granted by_path watched people trait_safe trait_none limited'.split(
    ' ',
  )

before(async () => {
  server = await startRecordingServer(answer)
  gateway = await startGatehouse({
    servers: { docs: server.url },
    rules: RULES,
  })
})

after(() => stopAll(gateway, server))

function answer({ json }: Seen, response: ServerResponse): boolean {
  if (json?.method !== 'tools/list') return false
  const tools = TOOLS.map((name) => ({
    name,
    inputSchema: { type: 'object' },
    ...(name === 'trait_safe' && { annotations: { readOnlyHint: true } }),
  }))
  const result = { tools, resultType: 'complete', ttlMs: 600_000, cacheScope: 'public' }
  response.writeHead(200, { 'content-type': 'application/json' })
  response.end(JSON.stringify({ jsonrpc: '2.0', id: json.id, result }))
  return true
}

type Era = 'legacy' | 'modern'

type Told = { readonly status: number; readonly json: RpcReply | undefined; readonly asks: string }

async function ask(era: Era, token: string, method: string, params: object): Promise<Told> {
  const url = gateway.url('docs')
  const { body, headers } =
    era === 'modern'
      ? modern(method, params as Readonly<Record<string, unknown>>)
      : { body: request(method, params), headers: {} }
  const { status, json, headers: answered } = await post(url, body, { token, headers })
  return { status, json, asks: answered.get('www-authenticate') ?? '' }
}

async function listed(era: Era, token: string): Promise<readonly string[]> {
  const { json } = await ask(era, token, 'tools/list', {})
  const tools = (json?.result?.['tools'] ?? []) as readonly { readonly name: string }[]
  return tools.map(({ name }) => name)
}

async function outcome(era: Era, token: string, name: string, args: object = {}): Promise<string> {
  const told = await ask(era, token, 'tools/call', { name, arguments: args })
  const { error, result } = told.json ?? {}
  if (error !== undefined) return `${told.status} ${error.code} ${error.message}`
  const waits = result?.['isError'] === true || result?.['resultType'] === 'input_required'
  return waits ? `${told.status} waits` : `${told.status}`
}

const unknown = (name: string): string => `200 -32602 Unknown tool: ${name}`

for (const era of ['legacy', 'modern'] as const) {
  test(`${era}: lists show what may be used with some arguments, and nothing else`, async () => {
    const token = await gateway.token('docs', { subject: 'ann' })
    const shown = ['plain', 'approved', 'late_shown', 'by_path', 'watched', 'trait_safe']
    assert.deepEqual((await listed(era, token)).toSorted(), shown.toSorted())
    const legal = await gateway.token('docs', { subject: 'lea', claims: { dept: 'legal' } })
    assert.deepEqual((await listed(era, legal)).toSorted(), [...shown, 'people'].toSorted())
  })

  test(`${era}: each row of the table is answered as it says`, async () => {
    const token = await gateway.token('docs', { subject: 'ann' })
    const rows: readonly (readonly [name: string, args: object, answer: string])[] = [
      ['plain', {}, '200'],
      ['denied', {}, unknown('denied')],
      ['never_heard_of', {}, unknown('never_heard_of')],
      ['scoped', {}, unknown('scoped')],
      ['approved', {}, '200 waits'],
      ['late', {}, unknown('late')],
      ['late_shown', {}, '200 1001 It is over.'],
      ['granted', {}, unknown('granted')],
      ['by_path', { path: '/pub/a' }, '200'],
      ['by_path', { path: '/pub/drafts/a' }, '200 1001 Drafts are not read.'],
      ['by_path', { path: '/pub/../etc/passwd' }, '200 1001 Drafts are not read.'],
      ['by_path', { path: '/etc/passwd' }, '200 1001 Denied by policy'],
      ['by_path', {}, '200 1001 Denied by policy'],
      ['watched', {}, '200'],
      ['trait_safe', {}, '200'],
      ['trait_none', {}, unknown('trait_none')],
      ['people', {}, unknown('people')],
    ]
    for (const [name, args, answered] of rows) {
      const said = await outcome(era, token, name, args)
      assert.equal(said, answered, `${name} ${JSON.stringify(args)}`)
    }
  })
}

test('limits of a rule are those of each caller, and are told with their time', async () => {
  const call = async (subject: string): Promise<string> =>
    await outcome('legacy', await gateway.token('docs', { subject }), 'limited')
  assert.deepEqual([await call('lim-1'), await call('lim-1')], ['200', '200'])
  assert.match(await call('lim-1'), /^200 1002 /)
  assert.equal(await call('lim-2'), '200')
  assert.equal(
    await outcome('legacy', await gateway.token('docs', { subject: 'lim-1' }), 'plain'),
    '200',
  )
})

test('what only lacks scopes that the caller could get is shown, and asks for exactly these', async () => {
  await gateway.writeConfig({
    issuers: [
      { issuer: ISSUER, jwks: { keys: [gateway.signer.jwk] }, kind: 'agent', interactive: true },
    ],
  })
  assert.equal((await gateway.admin('POST', '/admin/reload')).status, 200)
  const who = { subject: 'ann', client: 'assistant' }
  const token = await gateway.token('docs', who)
  assert.equal((await listed('legacy', token)).includes('scoped'), true)
  const { status, asks } = await ask('legacy', token, 'tools/call', { name: 'scoped' })
  assert.equal(status, 403)
  assert.match(asks, /error="insufficient_scope"/)
  assert.match(asks, /scope="docs:write"/)
  const holder = await gateway.token('docs', { ...who, scope: 'docs:write' })
  assert.equal(await outcome('legacy', holder, 'scoped'), '200')
})

test('a rule in shadow mode refuses nothing, and is counted and recorded', async () => {
  const token = await gateway.token('docs', { subject: 'ann' })
  assert.equal(await outcome('legacy', token, 'watched'), '200')
  await eventually(async () => {
    const records = await gateway.audit()
    const shadow = records.find((record) => record['shadow'] !== undefined)
    assert.deepEqual(shadow?.['shadow'], { effect: 'deny', rule: 'watched-trial' })
  })
  assert.match(
    await gateway.metrics(),
    /gatehouse_shadow_decisions_total\{server="docs",effect="deny",rule="watched-trial"\} [1-9]/,
  )
})

test('nothing of a refused call goes up', () => {
  const called = server.seen.flatMap(({ json }) =>
    json?.method === 'tools/call' ? [JSON.stringify(json.params)] : [],
  )
  for (const refused of [
    'drafts',
    'passwd',
    'denied',
    'approved',
    'late',
    'granted',
    'trait_none',
  ]) {
    assert.deepEqual(
      called.filter((text) => text.includes(refused)),
      [],
    )
  }
})

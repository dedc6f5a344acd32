/** The verbs that are clients of the admin API, against the real one, with `fetch` handed in. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { AdminDesk } from '../testkit/admin-desk.ts'
import { ADMIN_TOKEN, createAdminDesk } from '../testkit/admin-desk.ts'
import { runVerb } from '../testkit/run-verb.ts'
import { grantCreate, grantList } from './grant.ts'
import { reload } from './reload.ts'
import { revoke } from './revoke.ts'
import { status } from './status.ts'
import { tools } from './tools.ts'

type Verb = typeof revoke

type Sent = { readonly url: URL; readonly init: RequestInit }

/** A `fetch` that asks this desk, and what was sent through it. */
function fetchOf({ ask }: AdminDesk): { fetch: typeof globalThis.fetch; sent: Sent[] } {
  const sent: Sent[] = []
  const fetch = async (input: unknown, init: RequestInit = {}): Promise<Response> => {
    const url = new URL(String(input))
    const headers = new Headers(init.headers)
    sent.push({ url, init })
    const answer = await ask({
      method: init.method ?? 'GET',
      path: url.pathname,
      query: url.search,
      authorization: headers.get('authorization') ?? undefined,
      actor: headers.get('x-gatehouse-actor') ?? undefined,
      body: typeof init.body === 'string' ? init.body : '',
    })
    return Response.json(answer.body, { status: answer.status })
  }
  return { fetch, sent }
}

/** Runs a verb; returns its exit code and what it printed. */
async function run(
  verb: Verb,
  args: readonly string[],
  options: {
    readonly fetch?: typeof globalThis.fetch
    readonly env?: Readonly<Record<string, string>>
  } = {},
) {
  const env = options.env ?? { GATEHOUSE_ADMIN_TOKEN: ADMIN_TOKEN }
  return await runVerb((io) => verb(args, io, options.fetch ?? unasked), env)
}

async function unasked(): Promise<Response> {
  assert.fail('nothing may be sent')
}

function failing(error: unknown): typeof globalThis.fetch {
  return async () => {
    throw error
  }
}

test('what is revoked is in force, printed, listed, and lifted again', async () => {
  const desk = createAdminDesk()
  const { fetch } = fetchOf(desk)
  const args = ['--token', 'jti-1', '--issuer', 'https://idp.example', '--reason', 'stolen']
  const made = await run(revoke, args, { fetch })
  const [entry] = desk.revocations.list()
  assert.ok(entry !== undefined)
  assert.deepEqual(made, {
    code: 0,
    err: '',
    out: `revoked: ${entry.id}  token "jti-1" of "https://idp.example" since 2027-01-15T08:00:00Z until 2027-01-16T08:01:00Z by "admin" because "stolen"`,
  })
  const listed = await run(revoke, ['--list'], { fetch })
  assert.equal(`revoked: ${listed.out}`, made.out)
  assert.deepEqual(await run(revoke, ['--lift', entry.id], { fetch }), {
    code: 0,
    err: '',
    out: `lifted: ${entry.id}`,
  })
  assert.equal((await run(revoke, ['--list'], { fetch })).out, 'nothing is revoked')
})

test('every kind can be revoked, and says what it names', async () => {
  const desk = createAdminDesk()
  const { fetch } = fetchOf(desk)
  const issuer = 'https://idp.example'
  const rows: readonly (readonly [readonly string[], readonly unknown[]])[] = [
    [
      ['--subject', 'user-1', '--issuer', issuer],
      ['subject', 'user-1', issuer],
    ],
    [
      ['--api-key', 'abcd1234'],
      ['token', 'abcd1234', 'urn:gatehouse:api-key'],
    ],
    [
      ['--client', 'app'],
      ['client', 'app', undefined],
    ],
    [
      ['--client', 'app', '--issuer', issuer],
      ['client', 'app', issuer],
    ],
    [
      ['--grant', 'g'],
      ['grant', 'g', undefined],
    ],
    [['--session=-s'], ['session', '-s', undefined]],
  ]
  for (const [args, expected] of rows) {
    assert.equal((await run(revoke, args, { fetch })).code, 0)
    const entry = desk.revocations.list().at(-1)
    assert.deepEqual([entry?.kind, entry?.value, entry?.issuer], expected)
  }
})

test('a whole API key or token never leaves the command, but the prefix of the key does', async () => {
  const secret = randomBytes(32).toString('base64url')
  const [key, jwt] = [`ghk_abcd1234_${secret}`, `eyJhbGciOiJFUzI1NiJ9.eyJqdGkiOiJ4In0.${secret}`]
  const issuer = ['--issuer', 'https://idp.example']
  for (const args of [
    ['--token', jwt, ...issuer],
    ['--token', key, ...issuer],
    ['--api-key', jwt],
    ['--client', key],
    ['--lift', jwt],
    ['--client', 'app', '--reason', key],
  ]) {
    const { code, err } = await run(revoke, args)
    assert.equal(code, 2)
    assert.match(err, /^--[a-z-]+ holds a whole (token; give its jti|API key; give its prefix), /)
    assert.ok(!err.includes(secret))
  }
  const desk = createAdminDesk()
  const { fetch, sent } = fetchOf(desk)
  const { code, out, err } = await run(revoke, ['--api-key', key], { fetch })
  assert.deepEqual([code, err], [0, ''])
  assert.match(out, /^revoked: [0-9a-f]{24} {2}token "abcd1234" of/)
  assert.ok(!JSON.stringify(sent).includes(secret))
})

test('a warning of the gateway is printed, and the revocation is made', async () => {
  const { fetch } = fetchOf(createAdminDesk())
  const { code, out, err } = await run(revoke, ['--api-key', 'ghk_zzzz1234'], { fetch })
  assert.equal(code, 0)
  assert.match(out, /^revoked: /)
  assert.equal(err, 'warning: the configuration has no API key with the prefix "zzzz1234"')
})

test('a revoke that is not one clear wish is refused before anything is sent', async () => {
  const wrong = [
    [],
    ['--client', 'a', '--grant', 'b'],
    ['--list', '--lift', 'x'],
    ['--token', 'jti-1'],
    ['--subject', 'user-1'],
    ['--client', ''],
    ['--api-key', 'a', '--issuer', 'i'],
    ['--list', '--issuer', 'i'],
    ['--lift', 'x', '--reason', 'r'],
  ]
  for (const args of wrong) {
    const { code, err, out } = await run(revoke, args)
    assert.equal(code, 2, args.join(' '))
    assert.match(err, /^(give exactly one|--)[^\n]+\n\nUsage: gatehouse revoke/)
    assert.equal(out, '')
  }
  await assert.rejects(run(revoke, ['--cliemt', 'a']), { code: 'ERR_PARSE_ARGS_UNKNOWN_OPTION' })
  await assert.rejects(run(reload, ['now']), { code: /ERR_PARSE_ARGS/ })
})

test('a long list is fetched page by page', async () => {
  const desk = createAdminDesk()
  for (let i = 0; i < 1500; i += 1) {
    await desk.revocations.revoke({ kind: 'client', value: `app-${i}`, by: 'test' })
  }
  const { fetch, sent } = fetchOf(desk)
  const { out } = await run(revoke, ['--list'], { fetch })
  assert.equal(out.split('\n').length, 1500)
  assert.equal(sent.length, 2)
})

test('what stands in an entry cannot move the cursor of whoever lists it', async () => {
  const answer = { revocations: [{ id: 'x', kind: 'client', value: '\u001b[2Jgone\nline' }] }
  const { out } = await run(revoke, ['--list'], { fetch: async () => Response.json(answer) })
  assert.ok(!out.includes('\u001b') && !out.includes('\n'))
})

test('the status is printed field by field, and tells readiness by the exit code', async () => {
  let ready = true
  const fields = {
    version: '1.2.3',
    upSeconds: 5,
    servers: ['docs', 'db'].map((name) => ({ name, resource: `https://gate.example/mcp/${name}` })),
    lastReload: { ok: true, atMs: 1_800_000_000_000 },
    checks: { audit: { state: 'ok' }, config: { state: 'warn', detail: 'not reloaded' } },
    problems: [],
  }
  const desk = createAdminDesk({ status: () => ({ ...fields, ready }) })
  const { fetch } = fetchOf(desk)
  assert.deepEqual(await run(status, [], { fetch }), {
    code: 0,
    err: '',
    out: `
version      1.2.3
up seconds   5
servers      docs  https://gate.example/mcp/docs
             db  https://gate.example/mcp/db
last reload
  ok         true
  at         2027-01-15T08:00:00.000Z
checks
  audit      ok
  config     warn  not reloaded
problems     none
ready        true`.slice(1),
  })
  ready = false
  const json = await run(status, ['--json'], { fetch })
  assert.equal(json.code, 1)
  assert.deepEqual(JSON.parse(json.out), { ...fields, ready })
})

test('a reload that failed prints the problems and is not a success', async () => {
  const problems = ['gatehouse.yaml:3:5: unknown key', 'policy.yaml:1:1: empty']
  const bad = fetchOf(
    createAdminDesk({ reload: async () => ({ ok: false, problems, notices: [] }) }),
  )
  const { code, out, err } = await run(reload, [], bad)
  assert.equal(code, 1)
  assert.equal(out, '')
  for (const problem of problems) assert.ok(err.includes(`\n${problem}`))
  const good = fetchOf(createAdminDesk())
  assert.deepEqual(await run(reload, [], good), { code: 0, out: 'reloaded', err: '' })
  const notices = ['listen.port has changed: it stays as it was until a restart']
  const noted = createAdminDesk({ reload: async () => ({ ok: true, problems: [], notices }) })
  const { out: said } = await run(reload, [], fetchOf(noted))
  assert.equal(said, `reloaded\nnote: ${notices[0]}`)
})

test('a gateway that cannot be reached is named, with what to look at', async () => {
  const refused = new TypeError('fetch failed', { cause: new Error('connect ECONNREFUSED') })
  const reached = await run(status, ['--ops', 'http://127.0.0.1:1'], { fetch: failing(refused) })
  assert.equal(reached.code, 1)
  assert.equal(
    reached.err,
    'cannot reach the gateway at http://127.0.0.1:1: connect ECONNREFUSED\nIs it running, and is this the address of its ops port (--ops)?',
  )
  const late = new DOMException('aborted', 'TimeoutError')
  assert.match((await run(status, [], { fetch: failing(late) })).err, /no answer within 30 s/)
})

test('an answer that is not the admin API is told from one', async () => {
  assert.match(
    (await run(status, [], { fetch: async () => new Response('<html>') })).err,
    /answers 200, but not like/,
  )
  const none = fetchOf(createAdminDesk({ token: undefined }))
  assert.match((await run(status, [], none)).err, /has no admin API: set ops\.admin_token/)
  const missing = await run(revoke, ['--lift', '0'.repeat(24)], fetchOf(createAdminDesk()))
  assert.deepEqual(missing, {
    code: 1,
    out: '',
    err: 'the gateway refused (404): no such revocation',
  })
})

test('the token comes from the file that is named, else from the environment', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'gatehouse-cli-'))
  t.after(() => rmSync(directory, { recursive: true, force: true }))
  const file = join(directory, 'token')
  writeFileSync(file, `${ADMIN_TOKEN}\n`)
  const { fetch } = fetchOf(createAdminDesk())
  const env = { GATEHOUSE_ADMIN_TOKEN: 'not-this-one' }
  assert.equal((await run(status, ['--token-file', file], { fetch, env })).code, 0)
  const refused = await run(status, [], { fetch, env })
  assert.deepEqual([refused.code, refused.err], [1, 'the gateway refused the admin token'])
})

test('without a usable token nothing is sent, and no token is ever printed', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'gatehouse-cli-'))
  t.after(() => rmSync(directory, { recursive: true, force: true }))
  const empty = join(directory, 'empty')
  writeFileSync(empty, '\n')
  const rows: readonly (readonly [readonly string[], Readonly<Record<string, string>>, RegExp])[] =
    [
      [[], {}, /GATEHOUSE_ADMIN_TOKEN is empty or not set/],
      [[], { GATEHOUSE_ADMIN_TOKEN: '' }, /GATEHOUSE_ADMIN_TOKEN is empty or not set/],
      [[], { GATEHOUSE_ADMIN_TOKEN: 'canary\ncanary' }, /holds more than one token/],
      [['--token-file', empty], { GATEHOUSE_ADMIN_TOKEN: 'canary' }, /empty or not set/],
      [['--token-file', join(directory, 'absent')], {}, /cannot read the admin token: ENOENT/],
    ]
  for (const [args, env, message] of rows) {
    const { code, err } = await run(status, args, { env })
    assert.equal(code, 1)
    assert.match(err, message)
    assert.ok(!err.includes('canary'))
  }
})

test('the token goes to loopback or over TLS, follows no redirect, and the user is named', async () => {
  for (const ops of [
    'http://10.0.0.5:9787',
    'http://gate.example',
    'http://127.0.0.1.evil.example',
  ]) {
    const { code, err } = await run(status, ['--ops', ops])
    assert.equal(code, 1)
    assert.match(err, /unencrypted: forward the port to 127\.0\.0\.1, or use https/)
  }
  for (const ops of ['ftp://127.0.0.1', 'localhost:9787', 'nonsense']) {
    assert.match((await run(status, ['--ops', ops])).err, /must be an http or https URL/)
  }
  const desk = createAdminDesk()
  const { fetch, sent } = fetchOf(desk)
  for (const ops of ['http://[::1]:9787', 'http://localhost:9787', 'https://gate.example']) {
    const env = { GATEHOUSE_ADMIN_TOKEN: ADMIN_TOKEN, GATEHOUSE_OPS_URL: ops, USER: 'zoë\u0000' }
    assert.equal((await run(status, [], { fetch, env })).code, 0)
    assert.equal(sent.at(-1)?.url.origin, ops)
    assert.equal(sent.at(-1)?.init.redirect, 'error')
    const event = desk.events.at(-1)
    assert.ok(event?.type === 'admin' && event.by === 'admin (claims to be zo__)')
  }
})

test('help says how, and asks nobody', async () => {
  for (const verb of [revoke, reload, status]) {
    const { code, out } = await run(verb, ['--help'], { env: {} })
    assert.equal(code, 0)
    assert.match(out, /^Usage: gatehouse /)
    assert.match(out, /--ops URL/)
  }
})

test('grants are listed in words, or one JSON object a line with nothing else', async () => {
  const rule = { rule: 'dumps', terms: { ttlMs: 3_600_000, task: undefined, maxUses: undefined } }
  const desk = createAdminDesk({ grantRules: () => new Map([[rule.rule, rule.terms]]) })
  const { fetch } = fetchOf(desk)
  assert.equal((await run(grantList, [], { fetch })).out, 'nothing is granted')
  assert.equal((await run(grantList, ['--json'], { fetch })).out, '')
  const who = ['--rule', 'dumps', '--issuer', 'https://idp.example', '--subject', 'bot']
  assert.equal((await run(grantCreate, who, { fetch })).code, 0)
  assert.match((await run(grantList, [], { fetch })).out, / {2}dumps for "bot" of /)
  const { rule: named, subject } = JSON.parse((await run(grantList, ['--json'], { fetch })).out)
  assert.deepEqual([named, subject], ['dumps', 'bot'])
})

test('tools are printed as rules name them, and none that could pass for two', async () => {
  const listed = { docs: ['read', 'a\nforged/tool'], db: [] }
  const { fetch } = fetchOf(createAdminDesk({ tools: () => listed }))
  assert.deepEqual(await run(tools, [], { fetch }), { code: 0, out: 'docs/read', err: '' })
})

import assert from 'node:assert/strict'
import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { runVerb } from '../testkit/run-verb.ts'
import { check } from './check.ts'

const TOKEN = randomBytes(32).toString('base64url')

const CONFIG = `version: 1
public_url: http://127.0.0.1:8787
servers:
  docs:
    upstream: http://127.0.0.1:3001/mcp
    credential: { value: 'Bearer \${env:TOKEN}' }
issuers:
  - { issuer: 'https://idp.example', jwks: { url: 'https://idp.example/jwks' } }
policies: [policy.yaml]
`
const POLICY = `version: 1
rules:
  - { id: docs-read, effect: allow, subjects: [{ kind: agent }], tools: [docs/read_*] }
`

/** Runs the verb on files in a directory of its own, which is written `DIR` in what it prints. */
async function run(t: TestContext, files: Readonly<Record<string, string>>, env = { TOKEN }) {
  const directory = await mkdtemp(join(tmpdir(), 'gatehouse-check-'))
  t.after(() => rm(directory, { recursive: true, force: true }))
  for (const [name, text] of Object.entries(files)) await writeFile(join(directory, name), text)
  return runArgs(['-c', join(directory, 'gatehouse.yaml')], { env, directory })
}

async function runArgs(
  args: readonly string[],
  {
    env = {},
    directory = '\0',
  }: { readonly env?: Record<string, string>; readonly directory?: string } = {},
) {
  const { code, out, err } = await runVerb((io) => check(args, io), env)
  return { code, out: out.replaceAll(directory, 'DIR'), err: err.replaceAll(directory, 'DIR') }
}

test('a valid configuration exits 0 and says what would run', async (t) => {
  const { code, out, err } = await run(t, { 'gatehouse.yaml': CONFIG, 'policy.yaml': POLICY })
  assert.deepEqual([code, err], [0, ''])
  assert.match(out, /^DIR\/gatehouse\.yaml is valid \(version [0-9a-f]{12}\)$/m)
  assert.match(
    out,
    /^ {2}docs: http:\/\/127\.0\.0\.1:8787\/mcp -> http:\/\/127\.0\.0\.1:3001\/mcp \(credential in Authorization; 1 allow rule, 0 deny rules\)$/m,
  )
  assert.match(
    out,
    /^ {2}https:\/\/idp\.example: keys from https:\/\/idp\.example\/jwks \(not fetched by check\), RS256 .*callers are agent by default$/m,
  )
  assert.ok(!out.includes(TOKEN))
})

test('a wrong configuration exits 1, with file, line and column on standard error only', async (t) => {
  const files = { 'gatehouse.yaml': CONFIG.replace('upstream', 'upstraem'), 'policy.yaml': POLICY }
  const { code, out, err } = await run(t, files)
  assert.deepEqual([code, out], [1, ''])
  assert.equal(
    err,
    [
      'DIR/gatehouse.yaml:4:3 servers.docs: "upstream" is missing',
      'DIR/gatehouse.yaml:5:5 servers.docs: unknown key "upstraem"; did you mean "upstream"?',
      'DIR/gatehouse.yaml is not valid: 2 problems',
    ].join('\n'),
  )
})

test('a wrong policy exits 1, at its own file, line and column', async (t) => {
  const policy = POLICY.replace('effect: allow', 'effect: alow')
  const { code, out, err } = await run(t, { 'gatehouse.yaml': CONFIG, 'policy.yaml': policy })
  assert.deepEqual([code, out], [1, ''])
  assert.match(
    err,
    /^DIR\/policy\.yaml:3:30 rules\[0\]\.effect: must be one of .*; did you mean "allow"\?$/m,
  )
})

test('a missing variable exits 1', async (t) => {
  const files = { 'gatehouse.yaml': CONFIG, 'policy.yaml': POLICY }
  const { code, err } = await run(t, files, { TOKEN: '' })
  assert.equal(code, 1)
  assert.match(
    err,
    /^DIR\/gatehouse\.yaml:6:26 servers\.docs\.credential\.value: environment variable TOKEN is empty$/m,
  )
})

test('what would keep the gateway from starting, or a key from working, is a warning', async (t) => {
  const sha = randomBytes(32).toString('hex')
  const key = `prefix: abcd1234, sha256: ${sha}, subject: a, owner: o, expires: '2020-01-01T00:00:00Z'`
  const more = `audit: { sink: absent/audit.jsonl }\nstate: { driver: memory }\napi_keys: [{ ${key} }]\n`
  const files = { 'gatehouse.yaml': CONFIG + more, 'policy.yaml': POLICY }
  const { code, out, err } = await run(t, files)
  assert.deepEqual([code, err], [0, ''])
  assert.match(out, /^warning: \S+ audit\.sink: the directory DIR\/absent does not exist$/m)
  assert.match(out, /^warning: \S+ api_keys\[0\]\.expires: the key has expired/m)
})

test('keys that can verify nothing, and an issuer with a name of ours, exit 1', async (t) => {
  const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({ format: 'jwk' })
  const keys: readonly (readonly [key: unknown, code: number])[] = [
    [ec, 0],
    [{ ...ec, alg: 'ES256', use: 'sig' }, 0],
    [{ ...ec, use: 'enc' }, 1],
    [{ ...ec, key_ops: ['sign'] }, 1],
    [{ ...ec, alg: 'ES512' }, 1],
    [{ ...ec, crv: 'P-384' }, 1],
    [{ ...ec, kty: 'RSA' }, 1],
    [{ ...ec, x: ec.y }, 1],
  ]
  for (const [key, code] of keys) {
    const text = JSON.stringify([key])
    for (const [jwks, jwksFile] of [
      [`keys: ${text}`, text],
      ['file: jwks.json', `{"keys":${text}}`],
    ] as const) {
      const config = CONFIG.replace("url: 'https://idp.example/jwks'", jwks)
      const files = { 'gatehouse.yaml': config, 'policy.yaml': POLICY, 'jwks.json': jwksFile }
      const done = await run(t, files)
      assert.equal(done.code, code, `${text} ${done.err}`)
      if (code === 1)
        assert.match(done.err, /yaml:8:\d+ issuers\[0\].* no key here can verify a token/)
    }
  }
  const named = CONFIG.replace("issuer: 'https://idp.example'", "issuer: 'urn:gatehouse:api-key'")
  const { code, err } = await run(t, { 'gatehouse.yaml': named, 'policy.yaml': POLICY })
  assert.equal(code, 1)
  assert.match(err, /^DIR\/gatehouse\.yaml:8:\d+ issuers\[0\]\.issuer: must begin with https/)
})

test('an authorization server of our own is said to be there, with who can sign in', async (t) => {
  const hash = `scrypt$15$8$3$${'A'.repeat(22)}$${'A'.repeat(43)}`
  const { code, out, err } = await run(t, {
    'gatehouse.yaml': `${CONFIG}\nauthorization_server: { users: users.yaml }\n`,
    'policy.yaml': POLICY,
    'users.yaml': `version: 1\nusers:\n  alice: { password: '${hash}' }\n`,
  })
  assert.deepEqual([code, err], [0, ''])
  assert.match(
    out,
    /^authorization server\n {2}http:\/\/127\.0\.0\.1:8787\n {2}people sign in by 1 local user\n {2}0 clients of the configuration, registration open$/m,
  )
})

test('an authorization server where nobody can sign in is said to be one', async (t) => {
  const config = `${CONFIG}\nauthorization_server: embedded\n`
  const { out } = await run(t, { 'gatehouse.yaml': config, 'policy.yaml': POLICY })
  assert.match(out, /^ {2}nobody can sign in: neither sign_in nor users says how$/m)
})

test('rules that ask for more are not counted as rules that deny', async (t) => {
  const require = `  - id: ask
    effect: require
    subjects: [{ any: true }]
    tools: [docs/*]
    require: { approval: { by: 'group:leads' } }
`
  const { out } = await run(t, { 'gatehouse.yaml': CONFIG, 'policy.yaml': POLICY + require })
  assert.match(out, /1 allow rule, 1 require rule, 0 deny rules\)$/m)
})

test('a configuration that is not there exits 1', async () => {
  const { code, err } = await runArgs(['-c', '/nowhere/gatehouse.yaml'])
  assert.equal(code, 1)
  assert.match(err, /cannot read \/nowhere\/gatehouse\.yaml: no such file/)
})

test('no configuration at all is wrong use and exits 2', async () => {
  const { code, out, err } = await runArgs([])
  assert.deepEqual([code, out], [2, ''])
  assert.match(err, /-c FILE is missing/)
})

test('an unknown option is wrong use', async () => {
  await assert.rejects(runArgs(['--confg', 'x']), { code: 'ERR_PARSE_ARGS_UNKNOWN_OPTION' })
})

test('help goes to standard output and exits 0', async () => {
  const { code, out } = await runArgs(['--help'])
  assert.equal(code, 0)
  assert.match(out, /^Usage: gatehouse check -c FILE/)
})

test('rules are held against the tools that there are, where somebody says which', async (t) => {
  const policy = POLICY.replace('docs/read_*', 'docs/read_*, docs/serach')
  const files = { 'gatehouse.yaml': CONFIG, 'policy.yaml': policy }
  const directory = await mkdtemp(join(tmpdir(), 'gatehouse-check-'))
  t.after(() => rm(directory, { recursive: true, force: true }))
  const at = (name: string): string => join(directory, name)
  const told = {
    ...files,
    tools: 'docs/search\n\nother/x\n',
    wrong: 'docs/search\nsearch\n',
    empty: '',
  }
  for (const [name, text] of Object.entries(told)) await writeFile(at(name), text)
  const args = (file: string) => ['-c', at('gatehouse.yaml'), '--tools', at(file)]
  const { code, out } = await runArgs(args('tools'), { env: { TOKEN }, directory })
  assert.equal(code, 0)
  assert.match(
    out,
    /^warning: DIR\/policy\.yaml:3:\d+ the rule "docs-read" names the tool "serach", which no list of "docs" has shown$/m,
  )
  const wrong = await runArgs(args('wrong'), { env: { TOKEN }, directory })
  assert.deepEqual(
    [wrong.code, wrong.err],
    [1, 'check: DIR/wrong:2 is no tool: a line is server/tool'],
  )
  const empty = await runArgs(args('empty'), { env: { TOKEN }, directory })
  assert.deepEqual(
    [empty.code, empty.err],
    [
      1,
      'check: --tools DIR/empty names no tool: have a client list those of a server first, then ask again',
    ],
  )
  assert.equal((await runArgs(args('none'), { env: { TOKEN }, directory })).code, 1)
})

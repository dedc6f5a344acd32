import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { inspect } from 'node:util'
import {
  CONFIG_FILE,
  loadText,
  POLICY_FILE,
  problemsOf,
  settingsOf,
  warningsOf,
} from '../testkit/settings-file.ts'
import { loadSettings } from './load.ts'

/** Lines 1 to 6; what a test adds begins on line 7. */
const BASE = `version: 1
public_url: https://mcp.example
servers:
  docs: { upstream: 'https://docs.example/mcp' }
policies: [policy.yaml]
audit: { sink: audit.jsonl }
`
const TOKEN = randomBytes(32).toString('base64url')

const mistakes: Record<string, readonly [text: string, problem: string]> = {
  'an unknown key': [
    `${BASE}lissen: { port: 1 }\n`,
    '7:1 unknown key "lissen"; did you mean "listen"?',
  ],
  'an unknown key far from any known one': [
    BASE.replace('audit: {', 'audit: { path: x,'),
    '6:10 audit: unknown key "path"; known here: sink, mode, max_buffered, record_groups',
  ],
  'an unknown key where many are known': [
    `${BASE}colour: blue\n`,
    '7:1 unknown key "colour"; known here: version, public_url, workers, listen, ops, trusted_proxies, allowed_origins, keys, authorization_server, issuers, api_keys, scope_includes, servers, decision_point, notifications, providers, limits, policies, audit, state and 1 more',
  ],
  'a value of the wrong type': [
    `${BASE}listen: { port: '8787' }\n`,
    '7:17 listen.port: must be a whole number, not text',
  ],
  'a word that is none of the choices': [
    `${BASE}state: { driver: sqllite }\n`,
    '7:18 state.driver: must be one of "sqlite", "memory", "redis", "postgres"; did you mean "sqlite"?',
  ],
  'a duration without unit': [
    `${BASE}listen: { drain: 30 }\n`,
    '7:18 listen.drain: must be a duration such as 500ms, 30s, 5m or 1h',
  ],
  'a duration beyond a day': [
    `${BASE}listen: { drain: 25h }\n`,
    '7:18 listen.drain: must be at most 24h',
  ],
  'a key written twice': [
    `${BASE}version: 1\n`,
    '7:1 duplicate key "version": each key may appear once',
  ],
  'a tab as indentation': [
    `${BASE}ops:\n\tport: 1\n`,
    '8:1 a tab is used as indentation: YAML allows spaces only',
  ],
  'a missing environment variable': [
    `${BASE}ops: { admin_token: '\${env:NOPE}' }\n`,
    '7:21 ops.admin_token: environment variable NOPE is not set',
  ],
  'a missing secret file': [
    `${BASE}ops:\n  admin_token: \${file:/run/nope}\n`,
    '8:16 ops.admin_token: cannot read /run/nope: no such file',
  ],
  'an unknown kind of reference': [
    `${BASE}ops:\n  admin_token: \${vault:x}\n`,
    '8:16 ops.admin_token: unknown reference "${vault:x}"; write ${env:NAME} or ${file:/path}',
  ],
  'a literal secret': [
    `${BASE}ops: { admin_token: ${TOKEN} }\n`,
    '7:21 ops.admin_token: a secret must not stand in the configuration file; refer to it as ${env:NAME} or ${file:/path}',
  ],
  'a missing policy file': [
    BASE.replace('[policy', '[polcy'),
    '5:12 policies[0]: cannot read /etc/gh/polcy.yaml: no such file',
  ],
  'strict audit to standard output': [
    BASE.replace('sink: audit.jsonl', 'mode: strict'),
    '6:16 audit.mode: strict needs a file as sink: stdout cannot be flushed to disk',
  ],
  'two ports that are one': [
    `${BASE}ops: { port: 8787 }\n`,
    "7:14 ops.port: must not be the clients' port (listen.port)",
  ],
  'a trusted proxy that is everybody': [
    `${BASE}trusted_proxies: [10.0.0.0/8, 0.0.0.0/0]\n`,
    '7:31 trusted_proxies[1]: trusts everybody: name your proxies',
  ],
  'a trusted proxy that is no address': [
    `${BASE}trusted_proxies: [proxy.example]\n`,
    '7:19 trusted_proxies[0]: must be an address or CIDR block: 10.0.0.0/8',
  ],
  'a CIDR block too long': [
    `${BASE}trusted_proxies: [10.0.0.0/33]\n`,
    '7:19 trusted_proxies[0]: must be an address or CIDR block: 10.0.0.0/8',
  ],
  'an origin with a path': [
    `${BASE}allowed_origins: ['https://app.example/']\n`,
    '7:19 allowed_origins[0]: must be one exact origin; write https://app.example',
  ],
  'any origin': [
    `${BASE}allowed_origins: ['*']\n`,
    '7:19 allowed_origins[0]: must be one exact origin; for example https://app.example.com',
  ],
  'a file for state in memory': [
    `${BASE}state: { driver: memory, file: x.db }\n`,
    '7:26 state.file: has no effect with driver: memory',
  ],
  'shared limits without a place where they could be': [
    `${BASE}limits: { shared: true }\n`,
    '7:19 limits.shared: needs state.driver: redis, where the budgets are kept',
  ],
  'more workers than anybody has cores': [
    `${BASE}workers: 65\n`,
    '7:10 workers: must be at most 64, not 65',
  ],
  'a public URL that is not in normal form': [
    BASE.replace('https://mcp.example', 'https://MCP.example:443'),
    '2:13 public_url: must be written in its normal form, without query: https://mcp.example',
  ],
  'a public URL with a path that cannot be matched': [
    BASE.replace('https://mcp.example', 'https://mcp.example/a/'),
    '2:13 public_url: its path must not end with /',
  ],
  'a file that is no mapping': ['- 1\n', '1:1 must be a mapping, not a list'],
  'an empty file': ['', '1:1 must be a mapping, not empty'],
  'no servers': [BASE.replace(/\n {2}docs.*/, ' {}'), '3:10 servers: must not be empty'],
  'a literal telemetry credential': [
    `${BASE}telemetry: { otlp: { endpoint: 'http://127.0.0.1:4318', headers: { Authorization: x } } }\n`,
    '7:83 telemetry.otlp.headers.Authorization: a secret must not stand in the configuration file; refer to it as ${env:NAME} or ${file:/path}',
  ],
}

for (const [what, [text, problem]] of Object.entries(mistakes)) {
  test(`${what} is refused with its position and what to do`, async () => {
    assert.deepEqual(await problemsOf(text), [problem])
  })
}

test('the whole of a wrong configuration is reported at once, in the order of the file', async () => {
  const text = `version: 1
public_url: https://mcp.example
lissen: {}
listen: { drain: soon }
ops: { admin_token: '\${env:NOPE}' }
issuers:
  - { issuer: 'http://idp.example', jwks: { url: 'https://idp.example/jwks' } }
  - { issuer: 'https://idp.example' }
servers:
  docs: { upstream: 'https://docs.example/mcp', max_body: 1KB, credential: { value: abc } }
  Docs: { upstream: 'https://docs.example/mcp' }
  wiki: { upstream: 5 }
policies: [nope.yaml]
`
  const positions = (await problemsOf(text)).map((problem) => problem.split(' ', 1)[0])
  assert.deepEqual(positions, [
    '3:1',
    '4:18',
    '5:21',
    '7:15',
    '8:5',
    '10:59',
    '10:85',
    '11:3',
    '12:21',
    '13:12',
  ])
})

test('a missing configuration file is a problem like any other', async () => {
  const result = await loadSettings({ file: '/nowhere/gatehouse.yaml', env: {} })
  assert.deepEqual(result, {
    ok: false,
    files: ['/nowhere/gatehouse.yaml'],
    digests: new Map(),
    problems: [
      {
        file: '/nowhere/gatehouse.yaml',
        line: 1,
        column: 1,
        message: 'cannot read /nowhere/gatehouse.yaml: no such file',
      },
    ],
  })
})

test('a file that is not text is refused as such, not repaired', async () => {
  for (const bytes of [
    [0x61, 0xff],
    [0xff, 0xfe, 0x61, 0x00],
    [0x61, 0x00, 0x62, 0x00],
  ]) {
    const files = { [POLICY_FILE]: Uint8Array.from(bytes) }
    assert.deepEqual(await problemsOf(BASE, { files }), [
      '5:12 policies[0]: /etc/gh/policy.yaml is not text (UTF-8)',
    ])
  }
})

test('what is left out has its documented default', async () => {
  const settings = await settingsOf(BASE.replace(/^audit.*\n/m, ''))
  assert.deepEqual(settings.listen, {
    host: '127.0.0.1',
    port: 8787,
    tls: undefined,
    front: 'raw',
    maxConnections: 10_000,
    drainSeconds: 30,
    maxInFlightPerCaller: 100,
    maxStreamsPerCaller: 200,
  })
  assert.deepEqual(settings.ops, { host: '127.0.0.1', port: 9787, adminToken: undefined })
  assert.deepEqual(settings.audit, {
    sink: 'stdout',
    mode: 'buffered',
    maxBuffered: 10_000,
    recordGroups: true,
  })
  assert.deepEqual(settings.state, { driver: 'sqlite', file: '/etc/gh/gatehouse.db' })
  assert.deepEqual(settings.telemetry, { otlp: undefined })
  assert.deepEqual([settings.trustedProxies, settings.allowedOrigins], [[], []])
})

test('secrets come from the environment and from files without their last line break', async () => {
  const text = `${BASE}ops: { admin_token: '\${file:secret}' }\n`
  const { ops, files } = await settingsOf(text, { files: { '/etc/gh/secret': `${TOKEN}\r\n` } })
  assert.equal(ops.adminToken?.reveal(), TOKEN)
  assert.ok(files.includes('/etc/gh/secret'))
  const fromEnv = `${BASE}ops: { admin_token: '\${env:ADMIN}' }\n`
  const { ops: other } = await settingsOf(fromEnv, { env: { ADMIN: TOKEN } })
  assert.equal(other.adminToken?.reveal(), TOKEN)
})

test('an empty, weak or placeholder admin token is refused', async () => {
  const text = `${BASE}ops: { admin_token: '\${env:ADMIN}' }\n`
  const problemWith = async (ADMIN: string): Promise<string> =>
    (await problemsOf(text, { env: { ADMIN } })).join()
  assert.match(await problemWith(''), /environment variable ADMIN is empty$/)
  assert.match(await problemWith('changeme'), /environment variable ADMIN holds a placeholder$/)
  assert.match(await problemWith(TOKEN.slice(1)), /too weak: at least 43 random characters/)
  assert.match(await problemWith('ab'.repeat(30)), /too weak/)
  assert.match(await problemWith(`${TOKEN.slice(1)} `), /too weak/)
})

test('no problem, no warning and no printed settings show a secret', async () => {
  const secret = 'tok-5f1e0c9b7a'
  const text = `${BASE}ops: { admin_token: '\${env:ADMIN}' }\ntelemetry: { otlp: { endpoint: 'https://o.example', headers: { X-Key: '\${env:ADMIN}' } } }\n`
  const bad = await loadText(text, { env: { ADMIN: secret } })
  assert.equal(bad.ok, false)
  assert.ok(!inspect(bad, { depth: 9 }).includes(secret))
  const good = await loadText(text, { env: { ADMIN: TOKEN } })
  assert.equal(good.ok, true)
  assert.ok(!`${inspect(good, { depth: 9 })}${JSON.stringify(good)}`.includes(TOKEN))
})

test('a listener beyond loopback needs a key ring, and the message says where one comes from', async () => {
  const text = `${BASE}listen: { host: 0.0.0.0 }\n`
  assert.deepEqual(await problemsOf(text, { env: { GATEHOUSE_KEYS: '' } }), [
    '7:17 listen.host: 0.0.0.0 is not loopback and needs a key; "gatehouse keys new" prints one for GATEHOUSE_KEYS or keys.file',
  ])
  const { keys } = await settingsOf(text)
  assert.deepEqual(
    keys.map(({ id }) => id),
    ['k1'],
  )
})

test('on loopback no key ring is needed', async () => {
  const world = { env: { GATEHOUSE_KEYS: '' } }
  assert.deepEqual((await settingsOf(BASE, world)).keys, [])
  assert.doesNotMatch((await warningsOf(BASE, world)).join(), /key ring/)
})

test('keys.file comes before the environment, and its bad lines are named without their keys', async () => {
  const text = `${BASE}keys: { file: ring }\n`
  const fresh = `k2:${randomBytes(32).toString('base64url')}`
  const { keys } = await settingsOf(text, { files: { '/etc/gh/ring': fresh } })
  assert.equal(keys[0]?.id, 'k2')
  const files = { '/etc/gh/ring': `${fresh}\nk3:AAAA` }
  assert.deepEqual(await problemsOf(text, { files }), [
    '7:15 keys.file: /etc/gh/ring:2: key "k3" must be exactly 32 bytes in base64url; "gatehouse keys new" prints one',
  ])
  assert.match((await problemsOf(text, { files: { '/etc/gh/ring': '\n' } })).join(), /holds no key/)
})

test('plain HTTP beyond loopback under an http public URL is a warning: TLS may end before us', async () => {
  const text = `${BASE.replace('https://mcp', 'http://mcp')}listen: { host: 0.0.0.0 }\n`
  assert.match((await warningsOf(text)).join(), /2:1 public_url: tokens travel unencrypted/)
  const ended = await warningsOf(text.replace('http://mcp', 'https://mcp'))
  assert.doesNotMatch(ended.join(), /unencrypted/)
})

test('certificates and keys must be what they say', async () => {
  const text = `${BASE}listen: { tls: { cert: a.crt, key: a.key, client_ca: ca.crt } }\n`
  const cert = '-----BEGIN CERTIFICATE-----\n'
  const files = { '/etc/gh/a.crt': cert, '/etc/gh/a.key': '-----BEGIN EC PRIVATE KEY-----\n' }
  const { listen } = await settingsOf(text, { files: { ...files, '/etc/gh/ca.crt': cert } })
  assert.deepEqual(listen.tls, {
    cert: '/etc/gh/a.crt',
    key: '/etc/gh/a.key',
    clientCa: '/etc/gh/ca.crt',
  })
  const swapped = { '/etc/gh/a.crt': files['/etc/gh/a.key'], '/etc/gh/a.key': cert }
  assert.deepEqual(await problemsOf(text, { files: swapped }), [
    '7:24 listen.tls.cert: /etc/gh/a.crt holds no PEM certificate',
    '7:36 listen.tls.key: /etc/gh/a.key holds no PEM unencrypted private key',
    '7:54 listen.tls.client_ca: cannot read /etc/gh/ca.crt: no such file',
  ])
})

test('the version is that of the texts: it changes with them and with nothing else', async () => {
  const { version } = await settingsOf(BASE)
  assert.match(version, /^[0-9a-f]{12}$/)
  assert.equal((await settingsOf(BASE, { env: { OTHER: '1' } })).version, version)
  assert.notEqual((await settingsOf(`${BASE}# more\n`)).version, version)
  const files = { [POLICY_FILE]: 'version: 1\nrules: []\n\n' }
  assert.notEqual((await settingsOf(BASE, { files })).version, version)
})

test('the settings name every file they were made from, with its digest', async () => {
  const { files, digests, policies } = await settingsOf(BASE)
  assert.deepEqual(files, [CONFIG_FILE, POLICY_FILE])
  assert.deepEqual([...digests.keys()], files)
  assert.match(digests.get(POLICY_FILE) ?? '', /^[0-9a-f]{64}$/)
  assert.deepEqual(policies, [{ file: POLICY_FILE, text: 'version: 1\nrules: []\n' }])
})

test('a refused configuration names its files too, so that mending one of them is noticed', async () => {
  const result = await loadText(`${BASE}ops: { admin_token: '\${file:/run/later}' }\n`)
  assert.ok(!result.ok)
  assert.deepEqual(result.files, [CONFIG_FILE, '/run/later', POLICY_FILE])
  const broken = await loadText('a: b: c\n')
  assert.ok(!broken.ok)
  assert.deepEqual(broken.files, [CONFIG_FILE])
})

test('settings are frozen all the way down', async () => {
  const settings = await settingsOf(BASE)
  assert.ok(Object.isFrozen(settings) && Object.isFrozen(settings.listen))
  assert.ok(Object.isFrozen(settings.servers) && Object.isFrozen(settings.servers[0]?.upstream))
})

test('a mapping used twice by alias gets the defaults of each place', async () => {
  const text = `version: 1
public_url: https://mcp.example
servers:
  docs: { upstream: &u { url: 'https://docs.example/mcp' } }
  wiki: { upstream: *u, path: /wiki }
`
  const { servers } = await settingsOf(text)
  assert.deepEqual(servers[0]?.upstream, servers[1]?.upstream)
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { inspect } from 'node:util'
import {
  problemsOf,
  servers,
  settingsOf,
  UP,
  warningsOf,
  type World,
} from '../testkit/settings-file.ts'

const LOOPBACK = 'http://127.0.0.1:8787'
const PEM = {
  '/etc/gh/ca.pem': '-----BEGIN CERTIFICATE-----\n',
  '/etc/gh/c.pem': '-----BEGIN CERTIFICATE-----\n',
  '/etc/gh/k.pem': '-----BEGIN PRIVATE KEY-----\n',
}

async function resources(text: string, publicUrl?: string): Promise<readonly string[]> {
  const settings = await settingsOf(servers(text, publicUrl))
  return settings.servers.map(({ resource }) => resource)
}

test('a sole server is at /mcp, several are at /mcp/<name>', async () => {
  assert.deepEqual(await resources(`  docs: { ${UP} }`), ['https://mcp.example/mcp'])
  assert.deepEqual(await resources(`  docs: { ${UP} }\n  wiki: { ${UP} }`), [
    'https://mcp.example/mcp/docs',
    'https://mcp.example/mcp/wiki',
  ])
})

test('a server with a host of its own is at /mcp there', async () => {
  const text = `  docs: { ${UP} }\n  wiki: { ${UP} }\n  code: { ${UP}, host: 'code.example:8443' }`
  assert.deepEqual(await resources(text), [
    'https://mcp.example/mcp/docs',
    'https://mcp.example/mcp/wiki',
    'https://code.example:8443/mcp',
  ])
})

test('the path of public_url comes before every path, written or not', async () => {
  const text = `  docs: { ${UP}, path: /d }\n  wiki: { ${UP} }`
  assert.deepEqual(await resources(text, 'http://127.0.0.1:8787/gate'), [
    'http://127.0.0.1:8787/gate/d',
    'http://127.0.0.1:8787/gate/mcp/wiki',
  ])
})

test('a server has the defaults the reference names', async () => {
  const { servers: found } = await settingsOf(servers(`  docs: { ${UP} }`))
  assert.deepEqual(found[0], {
    name: 'docs',
    host: 'mcp.example',
    path: '/mcp',
    resource: 'https://mcp.example/mcp',
    audiences: ['https://mcp.example/mcp'],
    issuers: undefined,
    scopes: [],
    initialScopes: undefined,
    upstream: {
      transport: 'http',
      origin: 'https://up.example',
      path: '/mcp',
      tls: undefined,
      connectTimeoutMs: 2_000,
      headersTimeoutMs: 30_000,
      totalTimeoutMs: 60_000,
      idleTimeoutMs: 300_000,
      maxConnections: 256,
    },
    credential: { kind: 'none' },
    toolCredentials: undefined,
    ruleCredentials: undefined,
    fallback: undefined,
    anonymous: false,
    methods: new Set(),
    resourceUris: 'canonical',
    routes: [],
    unlisted: 'deny',
    eras: 'probe',
    refusals: 'jsonrpc',
    pin: 'watch',
    decisionPoint: undefined,
    consent: undefined,
    maxBodyBytes: 4 * 1024 * 1024,
  })
})

test('a ws or wss upstream is reached by WebSocket', async () => {
  const text = `  a: { upstream: 'ws://127.0.0.1:9/mcp?x=1' }\n  b: { upstream: 'wss://up.example/' }`
  const { servers: found } = await settingsOf(servers(text))
  assert.deepEqual(
    found.map(({ upstream: { transport, origin, path } }) => [transport, origin + path]),
    [
      ['websocket', 'ws://127.0.0.1:9/mcp?x=1'],
      ['websocket', 'wss://up.example/'],
    ],
  )
})

test('two names of loopback are one address', async () => {
  const found = async (host: string) =>
    (await problemsOf(servers(`  docs: { ${UP} }\n  wiki: { ${UP}, host: '${host}' }`, LOOPBACK)))
      .map(String)
      .join()
  assert.match(await found('localhost:8787'), /the same public URL as server "docs"/)
  assert.match(await found('[::1]:8787'), /the same public URL as server "docs"/)
  assert.equal(await found('localhost:8788'), '')
  assert.equal(await found('wiki.localhost:8787'), '')
})

test('eras are those of the transport', async () => {
  const eras = async (text: string) =>
    (await settingsOf(servers(`  docs: { ${text} }`))).servers.map((server) => server.eras)
  assert.deepEqual(await eras(UP), ['probe'])
  assert.deepEqual(await eras(`${UP}, eras: modern`), ['modern'])
  const sse = `upstream: { url: 'https://up.example/sse', transport: sse }`
  assert.deepEqual(await eras(`${sse}, eras: legacy`), ['legacy'])
  for (const text of [sse, `upstream: 'wss://up.example/mcp'`]) {
    for (const era of ['modern', 'both']) {
      const [problem] = await problemsOf(servers(`  docs: { ${text}, eras: ${era} }`))
      assert.match(String(problem), /eras: the modern revisions are of Streamable HTTP alone/)
    }
  }
})

test('everything written about a server arrives, in its own units', async () => {
  const text = `  docs:
    path: /d
    host: docs.example
    upstream:
      url: https://up.example:8443/mcp?x=1
      transport: sse
      tls: { ca: ca.pem, cert: c.pem, key: k.pem, server_name: inner.example }
      connect_timeout: 500ms
      headers_timeout: 1m
      total_timeout: 1h
      idle_timeout: 10s
      max_connections: 5
    methods: [vendor/thing]
    resource_uris: opaque
    unlisted: allow
    refusals: http
    audiences: [docs-api, 'https://docs.example/d']
    issuers: ['https://idp.example']
    scopes: [docs:read]
    max_body: 512KiB`
  const { servers: found } = await settingsOf(servers(text), { files: PEM })
  const [server] = found
  assert.deepEqual(server?.upstream, {
    transport: 'sse',
    origin: 'https://up.example:8443',
    path: '/mcp?x=1',
    tls: {
      ca: '/etc/gh/ca.pem',
      cert: '/etc/gh/c.pem',
      key: '/etc/gh/k.pem',
      serverName: 'inner.example',
    },
    connectTimeoutMs: 500,
    headersTimeoutMs: 60_000,
    totalTimeoutMs: 3_600_000,
    idleTimeoutMs: 10_000,
    maxConnections: 5,
  })
  assert.deepEqual(server?.audiences, ['https://docs.example/d', 'docs-api'])
  assert.deepEqual(server?.issuers, ['https://idp.example'])
  assert.deepEqual([...(server?.methods ?? [])], ['vendor/thing'])
  assert.equal(server?.maxBodyBytes, 512 * 1024)
})

test('a credential is its template with the secret in it, and does not show', async () => {
  const text = `  docs: { ${UP}, credential: { value: 'Bearer \${env:T}.\${file:half}' } }`
  const world: World = { env: { T: 'one' }, files: { '/etc/gh/half': 'two\n' } }
  const { servers: found } = await settingsOf(servers(text), world)
  const credential = found[0]?.credential
  assert.ok(credential?.kind === 'static')
  assert.equal(credential.header, 'Authorization')
  assert.equal(credential.value.reveal(), 'Bearer one.two')
  assert.doesNotMatch(inspect(found, { depth: 9 }), /one\.two/)
})

test('plain HTTP is accepted to this machine, or where the operator says so', async () => {
  for (const upstream of [
    `'http://127.0.0.1:3001/mcp'`,
    `'http://[::1]:3001/mcp'`,
    `'http://localhost/mcp'`,
    `{ url: 'http://up.example/mcp', allow_insecure_http: true }`,
  ]) {
    assert.deepEqual(await problemsOf(servers(`  docs: { upstream: ${upstream} }`)), [], upstream)
  }
})

test('the same path on two hosts is no clash', async () => {
  const text = `  docs: { ${UP}, path: /x }\n  wiki: { ${UP}, path: /x, host: wiki.example }`
  assert.deepEqual(await problemsOf(servers(text)), [])
})

test('a broken issuer does not make the issuers that servers name unknown', async () => {
  const text = servers(`  docs: { ${UP}, issuers: ['https://b.example'] }`).replace(
    'issuers: [',
    `issuers: [{ issuer: 5, jwks: { url: 'https://b.example/jwks' } }, `,
  )
  assert.deepEqual(await problemsOf(text), ['4:21 issuers[0].issuer: must be text, not 5'])
})

test('what is allowed but risky is a warning', async () => {
  const anonymous = `  docs: { ${UP}, anonymous: true }`
  assert.deepEqual(await warningsOf(servers(anonymous)), [
    '6:47 servers.docs.anonymous: callers without a credential are served',
  ])
  const exposed = `  docs: { upstream: { url: 'http://up.example/', allow_insecure_http: true }, credential: { value: '\${env:T}' } }`
  assert.deepEqual(await warningsOf(servers(exposed), { env: { T: 'abc' } }), [
    '6:79 servers.docs.credential: the credential travels unencrypted',
  ])
  const closed = servers(`  docs: { ${UP} }`).replace(/issuers.*\n/, '')
  assert.deepEqual(await warningsOf(closed), [
    '5:3 servers.docs: nobody can call it: no authorization_server, no issuers, no api_keys, not anonymous',
  ])
})

test('a public_url that ends in the path of a server is a warning, told once', async () => {
  const urls = ['https://mcp.example', 'https://mcp.example/gate', 'https://mcp.example/mcp-gate']
  const two = `  docs: { ${UP} }\n  db: { ${UP} }`
  const about = async (url: string, text: string): Promise<readonly string[]> =>
    (await warningsOf(servers(text, url))).filter((warning) => warning.includes('public_url'))
  for (const url of urls) assert.deepEqual(await about(url, two), [], url)
  assert.deepEqual(await about('https://mcp.example/mcp', `  docs: { ${UP} }`), [
    '2:1 public_url: ends in /mcp; the paths of servers come after it: "docs" is at https://mcp.example/mcp/mcp',
  ])
  assert.deepEqual(await about('https://mcp.example/a/mcp', two), [
    '2:1 public_url: ends in /mcp; the paths of servers come after it: "docs" is at https://mcp.example/a/mcp/mcp/docs',
  ])
})

test('the scopes that are asked for first are among those of the server, where it names them', async () => {
  const text = (scopes: string) =>
    servers(`  docs: { ${UP}, scopes: ${scopes}, initial_scopes: [a, c] }`)
  const [problem] = await problemsOf(text('[a, b]'))
  assert.match(problem ?? '', /servers\.docs\.initial_scopes\[1\]: is not among scopes/)
  const settings = await settingsOf(text('[]'))
  assert.deepEqual(settings.servers[0]?.initialScopes, ['a', 'c'])
})

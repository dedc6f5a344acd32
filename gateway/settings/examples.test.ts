import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { globSync, readFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { test } from 'node:test'
import { inspect } from 'node:util'
import { loadSettings } from './load.ts'

const CONFIG = join(import.meta.dirname, '../../config')
const CERT = '-----BEGIN CERTIFICATE-----\n'
const KEY = '-----BEGIN PRIVATE KEY-----\n'
const JWKS = JSON.stringify({ keys: [{ kty: 'EC', crv: 'P-256', x: 'x', y: 'y' }] })
const random = (): string => randomBytes(32).toString('base64url')

/** Of nobody. */
const PASSWORD = `scrypt$15$8$3$${'a'.repeat(22)}$${'b'.repeat(43)}`

/** What the examples expect to be mounted or made, by path. */
const MOUNTED: Readonly<Record<string, string>> = {
  [join(CONFIG, '../.cache/demo/jwks.json')]: JWKS,
  [join(CONFIG, '../.cache/demo/users.yaml')]:
    `version: 1\nusers: { alice: { password: '${PASSWORD}' } }\n`,
  '/etc/gatehouse/agents-jwks.json': JWKS,
  '/etc/gatehouse/internal-ca.pem': CERT,
  '/run/secrets/database/key': random(),
  '/run/secrets/gatehouse/admin-token': random(),
  '/run/secrets/gatehouse/keys': `k1:${random()}`,
  '/run/secrets/gatehouse/login': random(),
  '/run/secrets/gatehouse/nightly': random(),
  '/etc/gatehouse/users.yaml': `version: 1\nusers:\n  break-glass: { password: '${PASSWORD}' }\n`,
  '/run/secrets/internal/client.crt': CERT,
  '/run/secrets/internal/client.key': KEY,
  '/run/secrets/tls/tls.crt': CERT,
  '/run/secrets/tls/tls.key': KEY,
}

async function load(name: string) {
  const result = await loadSettings({
    file: join(CONFIG, name),
    env: {
      GATEHOUSE_KEYS: `k1:${random()}`,
      DOCS_TOKEN: random(),
      TICKETS_TOKEN: random(),
      OTLP_TOKEN: random(),
    },
    readFile: async (file) => {
      const content = MOUNTED[file]
      return content === undefined ? readFile(file) : Buffer.from(content)
    },
  })
  assert.ok(result.ok, result.ok ? '' : inspect(result.problems))
  return result
}

test('there is no example that no test loads', () => {
  const names = globSync('*.yaml', { cwd: CONFIG }).toSorted()
  assert.deepEqual(names, [
    'edge.yaml',
    'embedded.yaml',
    'minimal.yaml',
    'providers.yaml',
    'sidecar.yaml',
  ])
})

test('every example begins with the line that gives editors the schema', () => {
  for (const file of globSync(join(CONFIG, '*.yaml'))) {
    const [first] = readFileSync(file, 'utf8').split('\n')
    const schema = basename(file) === 'providers.yaml' ? 'providers' : 'gatehouse'
    assert.equal(first, `# yaml-language-server: $schema=./${schema}.schema.json`, basename(file))
  }
})

test('embedded.yaml issues its own tokens, and people sign in at their company', async () => {
  const { settings, warnings } = await load('embedded.yaml')
  const own = settings.authorizationServer
  assert.equal(own?.issuer, 'https://mcp.team.example')
  assert.deepEqual([...own.signIn.keys(), ...own.users.keys()], ['corp', 'break-glass'])
  assert.equal(own.registration.tokens.get('fleet')?.idleMs, 3_600_000)
  assert.equal(own.clients.get('nightly')?.kind, 'service')
  assert.deepEqual(settings.issuers, [])
  assert.deepEqual(warnings, [])
})

test('minimal.yaml is the demo: loopback, one server, its own users, one issuer besides, under 30 lines', async () => {
  const { settings, warnings } = await load('minimal.yaml')
  const [server] = settings.servers
  assert.equal(server?.name, 'everything')
  assert.equal(server?.resource, 'http://127.0.0.1:8787/mcp')
  assert.equal(`${server?.upstream.origin}${server?.upstream.path}`, 'http://127.0.0.1:3001/mcp')
  assert.deepEqual([...(settings.authorizationServer?.users.keys() ?? [])], ['alice'])
  assert.equal(settings.issuers[0]?.issuer, 'http://127.0.0.1:8788')
  assert.equal(settings.ops.adminToken, undefined)
  assert.deepEqual(settings.state, { driver: 'memory' })
  assert.equal(basename(settings.policies[0]?.file ?? ''), 'everything.yaml')
  assert.deepEqual(warnings, [])
  assert.ok(readFileSync(join(CONFIG, 'minimal.yaml'), 'utf8').split('\n').length < 30)
})

test('sidecar.yaml speaks plain HTTP on loopback and swaps in a credential', async () => {
  const { settings, warnings } = await load('sidecar.yaml')
  const [server, ...others] = settings.servers
  assert.deepEqual(others, [])
  assert.equal(settings.listen.host, '127.0.0.1')
  assert.equal(settings.listen.tls, undefined)
  assert.equal(server?.resource, 'https://docs.example.com/mcp')
  assert.equal(server?.credential.kind, 'static')
  assert.deepEqual(warnings, [])
})

test('edge.yaml ends TLS, gives every server its host, and records before it forwards', async () => {
  const { settings, warnings } = await load('edge.yaml')
  assert.equal(settings.listen.tls?.cert, '/run/secrets/tls/tls.crt')
  assert.equal(new Set(settings.servers.map(({ host }) => host)).size, settings.servers.length)
  assert.ok(settings.servers.every(({ upstream }) => upstream.origin.startsWith('https:')))
  assert.equal(settings.issuers.length, 2)
  assert.equal(settings.apiKeys.length, 1)
  assert.equal(settings.audit.mode, 'strict')
  assert.equal(settings.state.driver, 'sqlite')
  assert.equal(settings.telemetry.otlp?.sampleRatio, 0.1)
  assert.ok(settings.ops.adminToken !== undefined)
  assert.deepEqual(warnings, [])
})

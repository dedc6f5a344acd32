import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { createApiKeys } from '../identity/api-keys.ts'
import { loadSettings } from '../settings/load.ts'
import { runVerb } from '../testkit/run-verb.ts'
import { apikeysNew } from './apikeys-new.ts'

const NOW_MS = Date.UTC(2026, 10, 23, 12)

const CONFIG = `version: 1
public_url: http://127.0.0.1:8787
servers:
  docs: { upstream: http://127.0.0.1:3001/mcp }
  files: { upstream: http://127.0.0.1:3002/mcp }
policies: [policy.yaml]
`

async function run(...args: readonly string[]) {
  return await runVerb((io) => apikeysNew(args, io, { now: () => NOW_MS, randomBytes }))
}

/** The printed key, and the settings that the printed entry becomes. */
async function load(out: string) {
  const text = /^ {2}(ghk_\S+)$/m.exec(out)?.[1] ?? ''
  const entry = out.slice(out.indexOf('api_keys:'))
  const files: Readonly<Record<string, string>> = {
    '/etc/gatehouse.yaml': `${CONFIG}${entry}\n`,
    '/etc/policy.yaml': 'version: 1\nrules: []\n',
  }
  const result = await loadSettings({
    file: '/etc/gatehouse.yaml',
    env: {},
    readFile: async (file) => Buffer.from(files[file] ?? assert.fail(`${file} is not there`)),
  })
  assert.ok(result.ok, JSON.stringify(result))
  return { text, entry, keys: result.settings.apiKeys }
}

test('the printed entry is accepted as it stands and finds the printed key', async () => {
  const { code, out } = await run('--client', 'report')
  assert.equal(code, 0)
  const { text, keys } = await load(out)
  const found = createApiKeys(keys).find(text, NOW_MS / 1000)
  assert.ok(found.ok)
  const { subject, client, kind, expiresAtSeconds } = found.key.caller
  assert.deepEqual([subject, client, kind], ['report', 'report', 'agent'])
  assert.equal(expiresAtSeconds, Infinity)
})

test('every option arrives in the settings, whatever characters it has', async () => {
  const args = '--kind service --scope db:read --scope db:write --server docs --server files'
  const { out } = await run(
    ...args.split(' '),
    '--client=report: "x" # é',
    '--subject=- nightly',
    '--owner=yes',
    '--group=null',
    '--group=a, b',
    '--expires=90d',
  )
  const { keys } = await load(out)
  const { prefix, sha256, ...rest } = keys[0] ?? assert.fail('no key')
  assert.match(`${prefix} ${sha256}`, /^[0-9a-f]{8} [0-9a-f]{64}$/)
  assert.deepEqual(rest, {
    tenant: 'default',
    subject: '- nightly',
    client: 'report: "x" # é',
    owner: 'yes',
    kind: 'service',
    scopes: ['db:read', 'db:write'],
    groups: ['null', 'a, b'],
    servers: ['docs', 'files'],
    expiresAtSeconds: NOW_MS / 1000 + 90 * 86_400,
  })
})

test('the entry does not hold the key', async () => {
  const { text, entry } = await load((await run('--client', 'report')).out)
  assert.ok(text.length > 40)
  assert.ok(!entry.includes(text.slice(-43)))
})

test('hours, days and weeks are lives, anything else is refused', async () => {
  const lives = [
    ['12h', 12 * 3_600],
    ['1d', 86_400],
    ['52w', 52 * 604_800],
  ] as const
  for (const [life, seconds] of lives) {
    const { keys } = await load((await run('--client', 'c', '--expires', life)).out)
    assert.equal(keys[0]?.expiresAtSeconds, NOW_MS / 1000 + seconds)
  }
  for (const life of ['', '0d', '90', '-1d', '1.5d', '1y', 'd', '99999w', '2027-01-01']) {
    const { code, out, err } = await run('--client', 'c', `--expires=${life}`)
    assert.equal(code, 2, life)
    assert.equal(out, '')
    assert.match(err, /--expires must look like/)
  }
})

test('a missing client, an unknown kind and a scope of two words are refused', async () => {
  const wrong = [
    [[], /--client is missing/],
    [['--client', ''], /--client is missing/],
    [['--client', 'c', '--kind', 'robot'], /--kind must be one of agent, human, service/],
    [['--client', 'c', '--scope', 'a b'], /--scope takes one scope/],
  ] as const
  for (const [args, message] of wrong) {
    const { code, out, err } = await run(...args)
    assert.equal(code, 2)
    assert.equal(out, '', 'no key is made')
    assert.match(err, message)
  }
})

test('apikeys new --help says how it is used', async () => {
  const { code, out } = await run('--help')
  assert.equal(code, 0)
  assert.match(out, /^Usage: gatehouse apikeys new/)
})

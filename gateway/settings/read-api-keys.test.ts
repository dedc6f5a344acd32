import assert from 'node:assert/strict'
import { hash } from 'node:crypto'
import { test } from 'node:test'
import { problemsOf, settingsOf, warningsOf } from '../testkit/settings-file.ts'

const SHA = hash('sha256', 'ghk_0123abcd_made-up', 'hex')
const ENTRY = `prefix: 0123abcd, sha256: ${SHA}, subject: bot, owner: team`

/** A configuration whose API keys begin on line 6. */
function keys(text: string): string {
  return `version: 1
public_url: https://mcp.example
policies: [policy.yaml]
servers: { docs: { upstream: 'https://up.example/mcp' } }
api_keys:
${text}
`
}

test('an API key works everywhere, for ever and as an agent unless it says otherwise', async () => {
  const { apiKeys } = await settingsOf(keys(`  - { ${ENTRY} }`))
  assert.deepEqual(apiKeys, [
    {
      prefix: '0123abcd',
      sha256: SHA,
      tenant: 'default',
      subject: 'bot',
      client: '',
      owner: 'team',
      kind: 'agent',
      scopes: [],
      groups: [],
      servers: undefined,
      expiresAtSeconds: undefined,
    },
  ])
})

test('what an API key says arrives, its end in seconds', async () => {
  const text = `  - { ${ENTRY}, kind: service, client: c, scopes: [a], groups: [g], servers: [docs], expires: '2027-01-31T01:00:00+01:00' }`
  const [key] = (await settingsOf(keys(text))).apiKeys
  assert.equal(key?.expiresAtSeconds, Date.UTC(2027, 0, 31) / 1000)
  assert.deepEqual(
    [key?.kind, key?.client, key?.scopes, key?.groups, key?.servers],
    ['service', 'c', ['a'], ['g'], ['docs']],
  )
})

const PLACE = `  - { ${ENTRY}, `.length + 1

const mistakes: Record<string, readonly [text: string, problem: string]> = {
  'an unknown server': [
    `  - { ${ENTRY}, servers: [doc] }`,
    `6:${PLACE + 10} api_keys[0].servers[0]: unknown server "doc"; did you mean "docs"?`,
  ],
  'a date that does not exist': [
    `  - { ${ENTRY}, expires: '2027-02-30T00:00:00Z' }`,
    `6:${PLACE + 9} api_keys[0].expires: no such date`,
  ],
  'a month that does not exist': [
    `  - { ${ENTRY}, expires: '2027-13-01T00:00:00Z' }`,
    `6:${PLACE + 9} api_keys[0].expires: no such date`,
  ],
  'a date without time': [
    `  - { ${ENTRY}, expires: 2027-01-31 }`,
    `6:${PLACE + 9} api_keys[0].expires: must be a date and time such as 2027-01-31T00:00:00Z`,
  ],
  'a prefix used above': [
    `  - { ${ENTRY} }\n  - { ${ENTRY} }`,
    '7:15 api_keys[1].prefix: "0123abcd" is already used above',
  ],
  'a prefix no key has': [
    `  - { ${ENTRY.replace('0123abcd', 'abc')} }`,
    '6:15 api_keys[0].prefix: must be the 8 characters after ghk_',
  ],
  'the key itself instead of its hash': [
    `  - { ${ENTRY.replace(SHA, 'ghk_0123abcd_made-up')} }`,
    '6:33 api_keys[0].sha256: must be a SHA-256 in lower-case hex (64 digits)',
  ],
  'a placeholder for the hash': [
    `  - { ${ENTRY.replace(SHA, 'deadbeef'.repeat(8))} }`,
    '6:33 api_keys[0].sha256: is a placeholder; "gatehouse apikeys new" prints a real one',
  ],
}

for (const [what, [text, problem]] of Object.entries(mistakes)) {
  test(`an API key with ${what} is refused with its position`, async () => {
    assert.deepEqual(await problemsOf(keys(text)), [problem])
  })
}

test('a broken server does not make the servers that keys name unknown', async () => {
  const text = keys(`  - { ${ENTRY}, servers: [wiki] }`).replace('docs:', 'wiki: 5, docs:')
  assert.deepEqual(await problemsOf(text), ['4:18 servers.wiki: must be a mapping, not 5'])
})

test('an API key that has ended is a warning, one that will end is not', async () => {
  const now = (): number => Date.parse('2027-01-31T00:00:00Z')
  const text = (expires: string): string => keys(`  - { ${ENTRY}, expires: '${expires}' }`)
  const warnings = await warningsOf(text('2027-01-31T00:00:00Z'), { now })
  assert.equal(warnings.length, 1)
  assert.match(warnings[0]!, /^6:\d+ api_keys\[0\]\.expires: the key has expired/)
  assert.deepEqual(await warningsOf(text('2027-01-31T00:00:01Z'), { now }), [])
  assert.deepEqual(await warningsOf(text('2020-01-31T00:00:00Z')), [])
})

test('a scope that includes others counts for them, in keys as in tokens', async () => {
  const includes = 'scope_includes: { admin: [write], write: [read] }'
  const { apiKeys, issuers, scopeIncludes } = await settingsOf(
    `${keys(`  - { ${ENTRY}, scopes: [admin, other] }`)}${includes}
issuers: [{ issuer: 'https://idp.example', jwks: { url: 'https://idp.example/keys' } }]
`,
  )
  assert.deepEqual(apiKeys[0]?.scopes.toSorted(), ['admin', 'other', 'read', 'write'])
  assert.deepEqual(scopeIncludes.get('admin'), ['write', 'read'])
  assert.deepEqual(issuers[0]?.scopeIncludes, scopeIncludes)
})

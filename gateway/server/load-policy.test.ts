import assert from 'node:assert/strict'
import { test } from 'node:test'
import { settingsOf } from '../testkit/settings-file.ts'
import { loadPolicy } from './load-policy.ts'

const GOOD = `version: 1
rules:
  - { id: docs-read, effect: allow, subjects: [{ kind: agent }], tools: [docs/read_*] }
`

const globFor = (server: string): string =>
  GOOD.replace('tools: [docs/read_*]', `resources: ["${server}:file:///pub/**"]`)

/** What loading says about policy files in order, for the servers `docs` (canonical) and `odd` (opaque). */
async function load(...texts: readonly string[]) {
  const { servers, notifications } = await settingsOf(`version: 1
public_url: https://mcp.example
notifications: { security: { url: 'https://hooks.test/a' } }
servers:
  docs: { upstream: 'https://up.example/mcp' }
  odd: { upstream: 'https://up.example/odd', resource_uris: opaque }
`)
  const policies = texts.map((text, index) => ({ file: `/p/${index}.yaml`, text }))
  return await loadPolicy({ servers, policies, notifications })
}

async function problemsOf(...texts: readonly string[]): Promise<readonly string[]> {
  const result = await load(...texts)
  return result.ok
    ? []
    : result.problems.map(
        ({ file, line, column, message }) => `${file}:${line}:${column} ${message}`,
      )
}

test('good policies become rules for the configured servers', async () => {
  const result = await load(GOOD)
  assert.ok(result.ok)
  assert.deepEqual([...result.rules.servers.keys()], ['docs', 'odd'])
  assert.deepEqual(
    result.rules.servers.get('docs')?.reaches.map(({ rule }) => rule.id),
    ['docs-read'],
  )
})

test('no policy file is a policy that allows nothing', async () => {
  const result = await load()
  assert.ok(result.ok)
  assert.deepEqual(result.rules.servers.get('docs')?.reaches, [])
})

test('mistakes of every file are reported, whichever check finds them', async () => {
  const [syntax, schema, meaning, ...more] = await problemsOf(
    'version: 1\nversion: 1\n',
    GOOD.replace('allow', 'alow'),
    GOOD.replace('docs/read_*', 'dosc/read_*'),
  )
  assert.equal(syntax, '/p/0.yaml:2:1 duplicate key "version": each key may appear once')
  assert.match(schema ?? '', /^\/p\/1\.yaml:3:30 rules\[0\]\.effect: must be one of/)
  assert.match(meaning ?? '', /^\/p\/2\.yaml:3:\d+ .*dosc/)
  assert.deepEqual(more, [])
})

test('resource rules for an opaque server must be exact', async () => {
  assert.deepEqual(await problemsOf(globFor('docs')), [])
  assert.equal((await problemsOf(globFor('odd'))).length, 1)
})

test('a rule may tell only whom the configuration names', async () => {
  const telling = (name: string): string =>
    GOOD.replace(' }\n', `, obligations: [{ notify: ${name} }] }\n`)
  assert.deepEqual(await problemsOf(telling('security')), [])
  const [problem, ...others] = await problemsOf(telling('nobody'))
  assert.match(
    problem ?? '',
    /^\/p\/0\.yaml:\d+:\d+ no notification "nobody" is configured; there are security$/,
  )
  assert.deepEqual(others, [])
})

test('a rule may name only a credential that every server it covers has', async () => {
  const key = `{ value: '\${env:KEY}' }`
  const { servers, notifications } = await settingsOf(
    `version: 1
public_url: https://mcp.example
servers:
  docs: { upstream: 'https://up.example/mcp', credentials: { reader: ${key}, writer: ${key} } }
  wiki: { upstream: 'https://up.example/wiki' }
`,
    { env: { KEY: 'k8Yh2mNq4rTz' } },
  )
  const says = async (rule: string): Promise<readonly string[]> => {
    const line = `  - { id: a, effect: allow, subjects: [{ any: true }], ${rule} }`
    const text = `version: 1\nrules:\n${line}\n`
    const result = await loadPolicy({
      servers,
      notifications,
      policies: [{ file: '/p.yaml', text }],
    })
    return result.ok
      ? []
      : result.problems.map(({ line, column, message }) => `${line}:${column} ${message}`)
  }
  assert.deepEqual(await says('tools: [docs/read], credential: reader'), [])
  const advice = 'add it to credentials of that server, or narrow the rule'
  assert.deepEqual(await says('credential: owner, tools: [docs/read]'), [
    `3:68 the server "docs" has no credential "owner"; it has reader, writer: ${advice}`,
  ])
  assert.deepEqual(await says('credential: reader, tools: ["*/read"]'), [
    `3:68 the server "wiki" has no credential "reader"; it has none for rules: ${advice}`,
  ])
})

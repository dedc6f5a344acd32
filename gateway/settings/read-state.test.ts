import assert from 'node:assert/strict'
import { test } from 'node:test'
import { inspect } from 'node:util'
import { problemsOf, settingsOf } from '../testkit/settings-file.ts'

/** Lines 1 to 6; the section begins on line 7. */
const BASE = `version: 1
public_url: https://mcp.example
servers:
  docs: { upstream: 'https://docs.example/mcp' }
policies: [policy.yaml]
audit: { sink: audit.jsonl }
`
const PASSWORD = 'correct-horse-battery'
const FROM = {
  env: { REDIS_PASSWORD: PASSWORD },
  files: { '/run/pg': `${PASSWORD}\n`, '/etc/gh/ca.pem': '-----BEGIN CERTIFICATE-----\n' },
}

function section(driver: string, fields: string): string {
  return `${BASE}state: { driver: ${driver}, ${driver}: { ${fields} } }\n`
}

test('Redis is found by its URL, over TLS where that says so', async () => {
  const fields = "url: 'rediss://cache.example/3', password: '${env:REDIS_PASSWORD}'"
  const { state } = await settingsOf(section('redis', fields), FROM)
  assert.ok(state.driver === 'redis')
  const { password, ...others } = state
  assert.equal(password?.reveal(), PASSWORD)
  assert.ok(!inspect(state).includes(PASSWORD))
  assert.deepEqual(others, {
    driver: 'redis',
    host: 'cache.example',
    port: 6379,
    user: undefined,
    tls: { ca: undefined, cert: undefined, key: undefined, serverName: undefined },
    database: 3,
    prefix: 'gatehouse',
  })
  const local = section('redis', "url: 'redis://[::1]:7000', prefix: blue")
  const { state: plain } = await settingsOf(local, FROM)
  assert.deepEqual(plain, {
    driver: 'redis',
    host: '::1',
    port: 7000,
    user: undefined,
    password: undefined,
    tls: undefined,
    database: 0,
    prefix: 'blue',
  })
})

test('PostgreSQL is found by its URL, over TLS where there is a section for it', async () => {
  const fields = `url: 'postgres://db.example/gate%20house', user: gatehouse, password: '\${file:/run/pg}', tls: { ca: ca.pem }`
  const { state } = await settingsOf(section('postgres', fields), FROM)
  assert.ok(state.driver === 'postgres')
  const { password, ...others } = state
  assert.equal(password?.reveal(), PASSWORD)
  assert.deepEqual(others, {
    driver: 'postgres',
    host: 'db.example',
    port: 5432,
    user: 'gatehouse',
    tls: { ca: '/etc/gh/ca.pem', cert: undefined, key: undefined, serverName: undefined },
    database: 'gate house',
    schema: 'gatehouse',
  })
})

const MISTAKES: Readonly<Record<string, readonly [text: string, problem: string]>> = {
  'a driver without its section': [
    `${BASE}state: { driver: redis }\n`,
    '7:18 state.driver: needs a section redis that says where it is',
  ],
  'the section of another driver': [
    `${BASE}state: { driver: memory, redis: { url: 'redis://127.0.0.1' } }\n`,
    '7:26 state.redis: has no effect with driver: memory',
  ],
  'a password in the URL': [
    section('redis', "url: 'redis://:hunter2@127.0.0.1'"),
    '7:39 state.redis.url: must not contain a user name or password',
  ],
  'a password in the file': [
    section('redis', "url: 'redis://127.0.0.1', password: hunter2"),
    '7:70 state.redis.password: a secret must not stand in the configuration file; refer to it as ${env:NAME} or ${file:/path}',
  ],
  'a URL of something else': [
    section('redis', "url: 'http://127.0.0.1'"),
    '7:39 state.redis.url: must begin with redis:// or rediss://',
  ],
  'Redis on another machine without TLS': [
    section('redis', "url: 'redis://cache.example'"),
    '7:39 state.redis.url: state would travel unencrypted; write rediss://, or set allow_unencrypted: true',
  ],
  'TLS settings on a URL without': [
    section('redis', "url: 'redis://127.0.0.1', tls: {}"),
    '7:60 state.redis.tls: has no effect on a redis:// URL; write rediss://',
  ],
  'a database of Redis with a name': [
    section('redis', "url: 'redis://127.0.0.1/main'"),
    '7:39 state.redis.url: must end with the number of a database, as in /0',
  ],
  'PostgreSQL on another machine without TLS': [
    section('postgres', "url: 'postgres://db.example/x', user: u"),
    '7:45 state.postgres.url: state would travel unencrypted; add a section tls: {}, or set allow_unencrypted: true',
  ],
  'PostgreSQL without a database': [
    section('postgres', "url: 'postgres://127.0.0.1', user: u"),
    '7:45 state.postgres.url: must name a database: postgres://host:5432/gatehouse',
  ],
  'settings in the URL': [
    section('postgres', "url: 'postgres://127.0.0.1/x?sslmode=disable', user: u"),
    '7:45 state.postgres.url: must not contain a query (?)',
  ],
  'a schema that would need quotes': [
    section('postgres', "url: 'postgres://127.0.0.1/x', user: u, schema: 'Gate\"house'"),
    '7:88 state.postgres.schema: must be 1 to 50 lower-case letters, digits and _, not beginning with a digit',
  ],
}

for (const [what, [text, problem]] of Object.entries(MISTAKES)) {
  test(`${what} is a mistake in the section state`, async () => {
    const problems = await problemsOf(text, FROM)
    assert.deepEqual(problems, [problem])
  })
}

test('a network that encrypts by itself may be told of', async () => {
  const fields = "url: 'redis://cache.example', allow_unencrypted: true"
  const { state } = await settingsOf(section('redis', fields), FROM)
  assert.ok(state.driver === 'redis' && state.tls === undefined)
})

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { Secret } from '../model/secret.ts'
import type { TestPostgres } from '../testkit/postgres.ts'
import { startPostgres } from '../testkit/postgres.ts'
import { createAuthority } from '../testkit/certificates.ts'
import { withCaFile } from '../testkit/ca-file.ts'
import { stopAll } from '../testkit/stop-all.ts'
import { storeError } from './contract-rule.ts'
import { testSharedContract } from './contract-shared.ts'
import { testStoreContract } from './contract.ts'
import type { PostgresConnection } from './postgres-connection.ts'
import { connectPostgres } from './postgres-connection.ts'
import type { PostgresStoreOptions } from './postgres.ts'
import { openPostgresStore } from './postgres.ts'
import type { Migration } from './postgres-schema.ts'
import { migrate, MIGRATIONS } from './postgres-schema.ts'

let server: TestPostgres
let direct: PostgresConnection
let schemas = 0

before(async () => {
  server = await startPostgres()
  direct = await connectPostgres(place('unused'))
})

after(() => stopAll(direct, server))

const NO_FILES = { ca: undefined, cert: undefined, key: undefined, serverName: undefined }

function place(schema: string, at = server): PostgresStoreOptions {
  const { port, user, password, database } = at
  const secret = new Secret(password)
  return { host: '127.0.0.1', port, user, password: secret, database, schema, tls: undefined }
}

function newSchema(): string {
  schemas += 1
  return `s${schemas}`
}

testStoreContract('postgres', (clock) =>
  openPostgresStore({ ...place(newSchema()), now: () => clock.nowMs }),
)

testSharedContract('postgres', {
  newPlace: newSchema,
  open: (schema, options) => openPostgresStore({ ...place(schema), ...options }),
  crash: () => server.kill(),
  restart: () => server.start(),
})

async function versionOf(schema: string): Promise<unknown> {
  return (await direct.run(`SELECT version, oldest FROM "${schema}".schema`, [])).rows[0]
}

test('processes that start at once on an empty database make the tables once', async () => {
  const schema = newSchema()
  const stores = await Promise.all(
    Array.from({ length: 4 }, () => openPostgresStore(place(schema))),
  )
  await stores[0]!.put('a/b', 'value')
  assert.equal((await stores[3]!.get('a/b'))?.value, 'value')
  assert.deepEqual(await versionOf(schema), { version: MIGRATIONS.length, oldest: 1 })
  for (const store of stores) await store.close()
})

/** What a later release might do: add a column that the release before does not know. */
const EXPAND: Migration = {
  sql: (schema) => `ALTER TABLE ${schema}.entries ADD COLUMN owner text`,
  oldest: 1,
}

/** And a release after that: drop what nobody reads any more. */
const CONTRACT: Migration = {
  sql: (schema) => `ALTER TABLE ${schema}.entries DROP COLUMN owner`,
  oldest: 2,
}

test('a release goes on working on tables that the next one has expanded, and starts on them too', async () => {
  const schema = newSchema()
  const running = await openPostgresStore(place(schema))
  await running.put('a/b', 'before')
  await direct.transact((query) => migrate(query, `"${schema}"`, [...MIGRATIONS, EXPAND]))
  await running.put('a/c', 'after')
  const started = await openPostgresStore(place(schema))
  assert.equal((await started.get('a/b'))?.value, 'before')
  assert.equal((await started.get('a/c'))?.value, 'after')
  assert.deepEqual(await versionOf(schema), { version: 2, oldest: 1 })
  await running.close()
  await started.close()
})

test('a release is refused on tables that have lost what it needs, which stay as they are', async () => {
  const schema = newSchema()
  await (await openPostgresStore(place(schema))).close()
  const later = [...MIGRATIONS, EXPAND, CONTRACT]
  await direct.transact((query) => migrate(query, `"${schema}"`, later))
  await assert.rejects(openPostgresStore(place(schema)), (error) => {
    assert.ok(storeError('failed')(error))
    assert.match(String(error), /schema version 3, this release knows 1: run the newer release/)
    return true
  })
  assert.deepEqual(await versionOf(schema), { version: 3, oldest: 2 })
})

test('a migration that fails changes nothing', async () => {
  const schema = newSchema()
  const broken: Migration = { sql: () => 'SELECT 1 / 0', oldest: 1 }
  const attempt = direct.transact((query) => migrate(query, `"${schema}"`, [...MIGRATIONS, broken]))
  await assert.rejects(attempt, storeError('failed'))
  await assert.rejects(versionOf(schema), /does not exist/)
})

test('a database that is not encoded in UTF-8 is refused', async () => {
  const make = `CREATE DATABASE latin ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0`
  await direct.run(make, [])
  const attempt = openPostgresStore({ ...place('s'), database: 'latin' })
  await assert.rejects(attempt, /encoded in LATIN1: make one with ENCODING 'UTF8'/)
})

test('a database whose commits may be lost is used with a notice', async () => {
  await direct.run(`CREATE ROLE careless LOGIN SUPERUSER PASSWORD 'x'`, [])
  await direct.run('ALTER ROLE careless SET synchronous_commit = off', [])
  const notices: string[] = []
  const store = await openPostgresStore({
    ...place(newSchema()),
    user: 'careless',
    password: new Secret('x'),
    notice: (what, detail) => notices.push(`${what}: ${detail}`),
  })
  await store.close()
  assert.deepEqual(notices, ['store_unsafe: PostgreSQL runs with synchronous_commit off'])
})

test('over TLS only a server with the right certificate is used', async () => {
  const authority = createAuthority('database')
  const secure = await startPostgres(authority.issue('db'))
  try {
    await withCaFile(authority, async (ca) => {
      const options = { ...place(newSchema(), secure), tls: { ...NO_FILES, ca } }
      const store = await openPostgresStore(options)
      await store.put('a/b', 'value')
      await store.close()
      const elsewhere = { ...options, tls: { ...options.tls, serverName: 'other.example' } }
      await assert.rejects(openPostgresStore(elsewhere), /cannot be used: .*other\.example/)
    })
    const trusting = openPostgresStore({ ...place('s', secure), tls: NO_FILES })
    await assert.rejects(trusting, /cannot be used: .*certificate/)
  } finally {
    await secure.stop()
  }
})

test('a server without TLS is not used where it was asked for', async () => {
  const attempt = openPostgresStore({ ...place('s'), tls: NO_FILES })
  await assert.rejects(attempt, /cannot be used: .*does not support SSL/)
})

test('a wrong password is refused and not repeated in the error', async () => {
  const attempt = openPostgresStore({ ...place('s'), password: new Secret('not-the-password') })
  await assert.rejects(attempt, (error) => {
    assert.match(String(error), /PostgreSQL at 127\.0\.0\.1:\d+ cannot be used: .*password/)
    assert.ok(!String(error).includes('not-the-password'))
    return true
  })
})

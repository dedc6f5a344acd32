import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { after, before, test } from 'node:test'
import { Worker } from 'node:worker_threads'
import { storeError } from './contract-rule.ts'
import { testStoreContract } from './contract.ts'
import type { Report } from './operation.ts'
import { SCHEMA_VERSION } from './schema.ts'
import { openSqliteStore } from './sqlite.ts'
import { createWorkerLine } from './worker-line.ts'

let directory = ''
let files = 0

before(() => {
  directory = mkdtempSync(join(tmpdir(), 'gatehouse-state-'))
})

after(() => rmSync(directory, { recursive: true, force: true }))

function newFile(): string {
  files += 1
  return join(directory, `state-${files}.db`)
}

testStoreContract('sqlite', (clock) => openSqliteStore({ file: newFile(), now: () => clock.nowMs }))

test('a new state file and its companions can be read and written by their owner only', async () => {
  const file = newFile()
  const store = await openSqliteStore({ file })
  await store.put('a/b', 'value')
  for (const name of [file, `${file}-wal`, `${file}-shm`]) {
    assert.equal(statSync(name).mode & 0o777, 0o600, name)
  }
  await store.close()
  assert.equal(existsSync(`${file}-wal`), false)
})

test('what was written is there after reopening, and versions go on', async () => {
  const file = newFile()
  const first = await openSqliteStore({ file, now: () => 1_800_000_000_000 })
  await first.put('a/b', 'kept', { ttlMs: 1000 })
  const before = await first.get('a/b')
  assert.equal(await first.lease('job/a', 'first', 1000), true)
  await first.count('seen/a', 3, 1000)
  await first.close()
  const second = await openSqliteStore({ file, now: () => 1_800_000_000_500 })
  assert.deepEqual(await second.get('a/b'), before)
  assert.equal(await second.lease('job/a', 'second', 1000), false)
  assert.equal(await second.count('seen/a', 1, 1000), 4)
  await second.delete('a/b')
  await second.put('a/b', 'again')
  assert.ok(((await second.get('a/b'))?.version ?? 0) > (before?.version ?? 0))
  await second.close()
})

test('a write is in the file when it is acknowledged', async () => {
  const file = newFile()
  const store = await openSqliteStore({ file })
  const reader = new DatabaseSync(file)
  for (let i = 0; i < 10; i += 1) {
    await store.put(`a/${i}`, 'value')
    const row = reader.prepare('SELECT value FROM entries WHERE key = ?').get(`a/${i}`)
    assert.equal(row?.['value'], 'value')
  }
  reader.close()
  await store.close()
})

test('writes that arrive together are committed together', async () => {
  const url = new URL('./sqlite-worker.ts', import.meta.url)
  const worker = new Worker(url, { workerData: { file: newFile(), busyGiveUpMs: 1000 } })
  let groups = 0
  worker.on('message', (report: Report) => {
    if (report.type === 'answers') groups += 1
  })
  const line = createWorkerLine(worker, 5000)
  await line.opened
  const keys = Array.from({ length: 200 }, (_, i) => `a/${i}`)
  const put = { verb: 'put', value: 'value', endsAtMs: undefined } as const
  await Promise.all(keys.map((key) => line.ask<'put'>({ ...put, key })))
  assert.ok(groups <= 20, `200 writes took ${groups} transactions`)
  await line.close()
})

test('two stores on one file see the same, and share what can be had once', async () => {
  const file = newFile()
  const one = await openSqliteStore({ file })
  const two = await openSqliteStore({ file })
  const both = Array.from({ length: 50 }, (_, i) => (i % 2 === 0 ? one : two))
  await one.put('code/1', 'once')
  assert.equal((await two.get('code/1'))?.value, 'once')
  const consumed = await Promise.all(both.map((store) => store.consume('code/1')))
  assert.deepEqual(
    consumed.filter((value) => value !== undefined),
    ['once'],
  )
  const set = await Promise.all(both.map((store, i) => store.cas('a/b', 0, `writer ${i}`)))
  assert.equal(set.filter(Boolean).length, 1)
  const totals = await Promise.all(both.map((store) => store.count('seen/a', 1, 60_000)))
  assert.equal(new Set(totals).size, 50)
  const leased = await Promise.all(both.map((store, i) => store.lease('job', `${i}`, 60_000)))
  assert.equal(leased.filter(Boolean).length, 1)
  await one.close()
  assert.equal((await two.get('a/b'))?.value, `writer ${set.indexOf(true)}`)
  await two.close()
})

test('an empty database of version 0 is brought to the version of this release', async () => {
  const file = newFile()
  new DatabaseSync(file).close()
  const store = await openSqliteStore({ file })
  await store.put('a/b', 'value')
  await store.close()
  const database = new DatabaseSync(file)
  assert.equal(database.prepare('PRAGMA user_version').get()?.['user_version'], SCHEMA_VERSION)
  database.close()
})

test('a state file of a newer release is refused and left as it is', async () => {
  const file = newFile()
  await (await openSqliteStore({ file })).close()
  const database = new DatabaseSync(file)
  database.exec(`PRAGMA user_version = ${SCHEMA_VERSION + 1}`)
  await assert.rejects(openSqliteStore({ file }), (error) => {
    assert.ok(storeError('failed')(error))
    assert.match(String(error), /schema version 2, this release knows 1: run the newer release/)
    return true
  })
  assert.equal(database.prepare('PRAGMA user_version').get()?.['user_version'], SCHEMA_VERSION + 1)
  database.close()
})

test('the database of another program is refused and left as it is', async () => {
  const file = newFile()
  const database = new DatabaseSync(file)
  database.exec('CREATE TABLE entries (mine TEXT)')
  await assert.rejects(openSqliteStore({ file }), /database of another program/)
  assert.deepEqual(
    database
      .prepare('SELECT name FROM sqlite_schema')
      .all()
      .map(({ name }) => name),
    ['entries'],
  )
  database.close()
})

test('a file that is no database, or has no directory, is refused with its name', async () => {
  await assert.rejects(openSqliteStore({ file: directory }), (error) => {
    assert.ok(storeError('failed')(error))
    assert.ok(String(error).includes(directory))
    return true
  })
  const file = join(directory, 'absent', 'state.db')
  await assert.rejects(
    openSqliteStore({ file }),
    /state\.file: cannot create the state file: ENOENT.*absent.*; name a file in/,
  )
})

test('a broken table fails the operations that need it and no others', async () => {
  const file = newFile()
  const store = await openSqliteStore({ file })
  const database = new DatabaseSync(file)
  database.exec('DROP TABLE counters')
  database.close()
  await assert.rejects(store.count('seen/a', 1, 1000), storeError('failed'))
  await store.put('a/b', 'value')
  assert.equal((await store.get('a/b'))?.value, 'value')
  await store.close()
})

test('a sweep removes more than one transaction holds', async () => {
  let nowMs = 0
  const store = await openSqliteStore({ file: newFile(), now: () => nowMs })
  const keys = Array.from({ length: 1200 }, (_, i) => `a/${i}`)
  await Promise.all(keys.map((key) => store.put(key, 'value', { ttlMs: 10 })))
  await store.put('b', 'value')
  nowMs = 10
  assert.equal(await store.sweep(), 1200)
  assert.equal((await store.list('')).length, 1)
  await store.close()
})

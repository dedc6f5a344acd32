import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { problemOf } from './problem-of.ts'
import { StoreError } from './store-error.ts'

function errorOf(work: () => void): unknown {
  try {
    work()
  } catch (error) {
    return error
  }
  assert.fail('nothing went wrong')
}

test('a lock that another connection holds is busy, not a failure', (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'gatehouse-state-'))
  t.after(() => rmSync(directory, { recursive: true, force: true }))
  const file = join(directory, 'state.db')
  const [one, two] = [new DatabaseSync(file), new DatabaseSync(file)]
  one.exec('BEGIN IMMEDIATE')
  const error = errorOf(() => two.exec('BEGIN IMMEDIATE'))
  assert.deepEqual(problemOf(error, file), {
    code: 'busy',
    message: `another process kept ${file} locked`,
  })
  two.close()
  one.close()
})

test('a full disk is full, and nothing else is', () => {
  const database = new DatabaseSync(':memory:')
  database.exec('PRAGMA max_page_count = 3; CREATE TABLE one (text TEXT)')
  const fill = database.prepare('INSERT INTO one VALUES (?)')
  const full = problemOf(
    errorOf(() => fill.run('x'.repeat(100_000))),
    'state.db',
  )
  assert.equal(full.code, 'full')
  assert.match(full.message, /^state\.db: .*full/)
  const syntax = problemOf(
    errorOf(() => database.exec('SELEKT')),
    'state.db',
  )
  assert.equal(syntax.code, 'failed')
  database.close()
})

test('what is already a problem of the store stays the same one', () => {
  const error = new StoreError('invalid', 'too long')
  assert.deepEqual(problemOf(error, 'state.db'), { code: 'invalid', message: 'too long' })
})

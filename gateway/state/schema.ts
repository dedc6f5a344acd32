/**
 * The SQLite file: how it is opened, its tables, and how an older file is brought up to date.
 *
 * Migrations only go forward, and follow expand and contract: a release adds what the next one
 * needs and stops using what a later one drops, so that the previous release can still run on the
 * file while processes are being replaced. A file from a newer release is refused.
 */
import { closeSync, openSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { messageOf } from '../model/message-of.ts'
import { StoreError } from './store-error.ts'

/** Marks the file as ours (`GATE`), so that no other program's database is ever migrated. */
const APPLICATION_ID = 0x47415445

/** Bytes the write-ahead log is cut back to after a checkpoint; it grows with the largest burst. */
const JOURNAL_SIZE_LIMIT_BYTES = 16 * 1024 * 1024

/**
 * SQL that leads from version n to n + 1, at index n. Never change one that was released. Columns
 * named `ends_at` hold epoch milliseconds; a NULL one stays until deleted.
 */
const MIGRATIONS: readonly string[] = [
  `
  CREATE TABLE entries (
    key TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL,
    version INTEGER NOT NULL,
    ends_at INTEGER
  ) STRICT;
  CREATE INDEX entries_by_end ON entries (ends_at) WHERE ends_at IS NOT NULL;
  CREATE TABLE leases (
    key TEXT NOT NULL PRIMARY KEY,
    holder TEXT NOT NULL,
    ends_at INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX leases_by_end ON leases (ends_at);
  CREATE TABLE counters (
    key TEXT NOT NULL PRIMARY KEY,
    total INTEGER NOT NULL,
    ends_at INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX counters_by_end ON counters (ends_at);
  CREATE TABLE versions (last INTEGER NOT NULL) STRICT;
  INSERT INTO versions (last) VALUES (0);
  `,
]

/** The schema version this release writes. */
export const SCHEMA_VERSION = MIGRATIONS.length

/**
 * Opens the file, creating it with mode 0600, and migrates it. `synchronous = FULL` syncs the log at
 * every commit: what was acknowledged survives power loss, as far as the disk keeps its word.
 *
 * @throws {StoreError} `failed` with what to do; SQLite's own error when another process has locked
 * the file (`isBusy`).
 */
export function openDatabase(file: string): DatabaseSync {
  createPrivate(file)
  // No busy timeout: SQLite would sleep with the thread, and queued reads with it.
  const database = new DatabaseSync(file, { timeout: 0 })
  try {
    const mode = database.prepare('PRAGMA journal_mode = WAL').get()
    if (mode?.['journal_mode'] !== 'wal') {
      const what = `${file} cannot use a write-ahead log`
      throw new StoreError('failed', `${what}; keep it on a local disk, not a network one`)
    }
    database.exec(`
      PRAGMA synchronous = FULL;
      PRAGMA trusted_schema = OFF;
      PRAGMA journal_size_limit = ${JOURNAL_SIZE_LIMIT_BYTES};
    `)
    migrate(database, file)
    return database
  } catch (error) {
    database.close()
    throw error
  }
}

/** Runs the work in one transaction that holds the write lock from its start. */
export function transact<T>(database: DatabaseSync, work: () => T): T {
  database.exec('BEGIN IMMEDIATE')
  try {
    const result = work()
    database.exec('COMMIT')
    return result
  } catch (error) {
    // SQLite has already rolled back after some errors, such as a full disk.
    if (database.isTransaction) database.exec('ROLLBACK')
    throw error
  }
}

function createPrivate(file: string): void {
  try {
    // Only ever a new file: closing a descriptor of one that is in use would drop SQLite's locks on it.
    closeSync(openSync(file, 'wx', 0o600))
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return
    const why = messageOf(error)
    throw new StoreError(
      'failed',
      `state.file: cannot create the state file: ${why}; name a file in a directory the gateway may write to`,
    )
  }
}

function migrate(database: DatabaseSync, file: string): void {
  checkOwner(database, file)
  if (readPragma(database, 'user_version') === SCHEMA_VERSION) return
  transact(database, () => {
    // Read again under the lock: another process may have migrated in between.
    const version = readPragma(database, 'user_version')
    if (version > SCHEMA_VERSION) {
      const what = `${file} has schema version ${version}, this release knows ${SCHEMA_VERSION}`
      throw new StoreError('failed', `${what}: run the newer release, or restore an older copy`)
    }
    for (const step of MIGRATIONS.slice(version)) database.exec(step)
    database.exec(`
      PRAGMA application_id = ${APPLICATION_ID};
      PRAGMA user_version = ${SCHEMA_VERSION};
    `)
  })
}

function checkOwner(database: DatabaseSync, file: string): void {
  const owner = readPragma(database, 'application_id')
  if (owner === APPLICATION_ID) return
  const tables = database.prepare('SELECT count(*) AS tables FROM sqlite_schema').get()
  if (owner === 0 && tables?.['tables'] === 0) return
  throw new StoreError('failed', `${file} is the database of another program; name another file`)
}

function readPragma(database: DatabaseSync, name: 'user_version' | 'application_id'): number {
  return Number(database.prepare(`PRAGMA ${name}`).get()?.[name])
}

/** The operations of a store as SQL. */
import type { DatabaseSync, SQLOutputValue, StatementSync } from 'node:sqlite'
import type { ListedEntry, Operation, OperationOf, Results } from './operation.ts'
import { StoreError } from './store-error.ts'

type Row = Readonly<Record<string, SQLOutputValue>>

/**
 * Returns the function that carries out one operation. Call it inside a transaction. A `StoreError`
 * concerns that operation alone, which has then changed nothing; any other error concerns the whole
 * transaction.
 */
export function createPerformer(database: DatabaseSync): (operation: Operation) => unknown {
  const sql = prepareAll(database)

  function read({ key, nowMs }: { readonly key: string; readonly nowMs: number }): Results['get'] {
    const row = sql.get.get(key, nowMs)
    return row && { value: textOf(row, 'value'), version: numberOf(row, 'version') }
  }

  function write(entry: { key: string; value: string; endsAtMs: number | undefined }): void {
    // One count for the whole file, so that no key ever sees the same version twice.
    const version = numberOf(sql.nextVersion.get(), 'last')
    sql.put.run(entry.key, entry.value, version, entry.endsAtMs ?? null)
  }

  function count({ key, by, nowMs, endsAtMs }: OperationOf<'count'>): number {
    const row = sql.counter.get(key, nowMs)
    const total = by + (row === undefined ? 0 : numberOf(row, 'total'))
    if (!Number.isSafeInteger(total)) throw new StoreError('invalid', 'the counter would overflow')
    sql.count.run(key, total, row === undefined ? endsAtMs : numberOf(row, 'ends_at'))
    return total
  }

  function consume({ key, nowMs }: OperationOf<'consume'>): Results['consume'] {
    const row = sql.remove.get(key)
    if (row === undefined) return undefined
    return row['ends_at'] === null || numberOf(row, 'ends_at') > nowMs
      ? textOf(row, 'value')
      : undefined
  }

  function list({ from, to, limit, nowMs }: OperationOf<'list'>): readonly ListedEntry[] {
    const rows =
      to === undefined
        ? sql.listFrom.all(from, nowMs, limit)
        : sql.listRange.all(from, to, nowMs, limit)
    return rows.map((row) => ({
      key: textOf(row, 'key'),
      value: textOf(row, 'value'),
      version: numberOf(row, 'version'),
    }))
  }

  function sweep({ nowMs, maxRows }: OperationOf<'sweep'>): number {
    let swept = 0
    for (const statement of sql.sweeps) {
      if (swept < maxRows) swept += Number(statement.run(nowMs, maxRows - swept).changes)
    }
    return swept
  }

  return (operation) => {
    switch (operation.verb) {
      case 'get':
        return read(operation)
      case 'put':
        return write(operation)
      case 'cas':
        if ((read(operation)?.version ?? 0) !== operation.expected) return false
        write(operation)
        return true
      case 'consume':
        return consume(operation)
      case 'lease': {
        const { key, holder, endsAtMs, nowMs } = operation
        return Number(sql.lease.run(key, holder, endsAtMs, nowMs).changes) === 1
      }
      case 'release':
        sql.release.run(operation.key, operation.holder)
        return undefined
      case 'count':
        return count(operation)
      case 'list':
        return list(operation)
      case 'sweep':
        return sweep(operation)
    }
  }
}

const LIVE = '(ends_at IS NULL OR ends_at > ?)'

function prepareAll(database: DatabaseSync) {
  const prepare = (sql: string): StatementSync => database.prepare(sql)
  return {
    get: prepare(`SELECT value, version FROM entries WHERE key = ? AND ${LIVE}`),
    nextVersion: prepare('UPDATE versions SET last = last + 1 RETURNING last'),
    put: prepare(`
      INSERT INTO entries (key, value, version, ends_at) VALUES (?, ?, ?, ?)
      ON CONFLICT (key) DO UPDATE SET
        value = excluded.value, version = excluded.version, ends_at = excluded.ends_at`),
    remove: prepare('DELETE FROM entries WHERE key = ? RETURNING value, ends_at'),
    lease: prepare(`
      INSERT INTO leases (key, holder, ends_at) VALUES (?, ?, ?)
      ON CONFLICT (key) DO UPDATE SET holder = excluded.holder, ends_at = excluded.ends_at
        WHERE leases.holder = excluded.holder OR leases.ends_at <= ?`),
    release: prepare('DELETE FROM leases WHERE key = ? AND holder = ?'),
    counter: prepare('SELECT total, ends_at FROM counters WHERE key = ? AND ends_at > ?'),
    count: prepare(`
      INSERT INTO counters (key, total, ends_at) VALUES (?, ?, ?)
      ON CONFLICT (key) DO UPDATE SET total = excluded.total, ends_at = excluded.ends_at`),
    listFrom: prepare(`
      SELECT key, value, version FROM entries WHERE key >= ? AND ${LIVE} ORDER BY key LIMIT ?`),
    listRange: prepare(`
      SELECT key, value, version FROM entries
      WHERE key >= ? AND key < ? AND ${LIVE} ORDER BY key LIMIT ?`),
    sweeps: ['entries', 'leases', 'counters'].map((table) =>
      prepare(`
        DELETE FROM ${table} WHERE key IN
          (SELECT key FROM ${table} WHERE ends_at <= ? LIMIT ?)`),
    ),
  }
}

function textOf(row: Row, column: string): string {
  const value = row[column]
  if (typeof value !== 'string') throw new TypeError(`column ${column} holds no text`)
  return value
}

function numberOf(row: Row | undefined, column: string): number {
  const value = row?.[column]
  if (typeof value !== 'number') throw new TypeError(`column ${column} holds no number`)
  return value
}

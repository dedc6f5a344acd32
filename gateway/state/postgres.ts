/**
 * The driver that keeps state in PostgreSQL, for gateways on several machines. Every operation is one
 * statement, committed before it is acknowledged. Messages reach the subscribers of every process.
 */
import { createAskedStore } from './asked-store.ts'
import { openEnvelope, sealEnvelope } from './envelope.ts'
import type { ListedEntry, Operation, OperationOf } from './operation.ts'
import type {
  PostgresConnection,
  PostgresConnectionOptions,
  Result,
  Value,
} from './postgres-connection.ts'
import { connectPostgres } from './postgres-connection.ts'
import { migrate } from './postgres-schema.ts'
import type { RemoteOptions } from './remote.ts'
import { StoreError } from './store-error.ts'
import type { SweptStore } from './swept-store.ts'
import { createTopics } from './topics.ts'

export type PostgresStoreOptions = PostgresConnectionOptions & {
  /** Schema that holds the tables, made when absent: lower-case letters, digits and `_`. */
  readonly schema: string
}

/**
 * Connects, and makes or migrates the tables.
 *
 * @throws {StoreError} `away` when PostgreSQL cannot be reached, `failed` when it must not be used (no
 * UTF-8, tables of a newer release, missing rights). The text says what to do.
 */
export async function openPostgresStore(options: PostgresStoreOptions): Promise<SweptStore> {
  const { now = Date.now } = options
  const postgres = await connectPostgres(options)
  const schema = `"${options.schema}"`
  const channel = `"${options.schema}_messages"`
  const self = crypto.randomUUID()
  const topics = createTopics()
  try {
    await checkSafety(postgres, options.notice)
    await postgres.transact((query) => migrate(query, schema))
    await postgres.listen(channel, (payload) => {
      const envelope = openEnvelope(payload)
      if (envelope === undefined || envelope.from === self) return
      topics.tell(envelope.topic, envelope.message)
    })
  } catch (error) {
    await postgres.close()
    throw error
  }
  const holder = {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the performer gives the result of the verb it was asked
    ask: createPerformer(postgres, schema) as Parameters<typeof createAskedStore>[0]['ask'],
    announce: async (topic: string, message: string) => {
      const payload = sealEnvelope({ from: self, topic, message })
      await postgres.run('SELECT pg_notify($1, $2)', [`${options.schema}_messages`, payload])
    },
    close: () => postgres.close(),
  }
  return createAskedStore(holder, { now, topics })
}

function createPerformer(postgres: PostgresConnection, schema: string) {
  const sql = statements(schema)
  const run = (text: string, ...values: readonly Value[]): Promise<Result> =>
    postgres.run(text, values)

  async function sweep({ nowMs, maxRows }: OperationOf<'sweep'>): Promise<number> {
    let swept = 0
    for (const statement of sql.sweeps) {
      if (swept < maxRows) swept += (await run(statement, nowMs, maxRows - swept)).touched
    }
    return swept
  }

  return async (operation: Operation): Promise<unknown> => {
    switch (operation.verb) {
      case 'get': {
        const [row] = (await run(sql.get, operation.key, wholeMs(operation.nowMs))).rows
        return row && { value: row['value'], version: Number(row['version']) }
      }
      case 'put':
        await run(sql.put, operation.key, operation.value, operation.endsAtMs ?? null)
        return undefined
      case 'cas': {
        const { key, value, expected, nowMs, endsAtMs = null } = operation
        const written =
          expected === 0
            ? await run(sql.create, key, value, endsAtMs, wholeMs(nowMs))
            : await run(sql.replace, key, value, endsAtMs, wholeMs(nowMs), expected)
        return written.touched === 1
      }
      case 'consume': {
        const [row] = (await run(sql.remove, operation.key)).rows
        const end = row?.['ends_at'] ?? Infinity
        return Number(end) > operation.nowMs ? row?.['value'] : undefined
      }
      case 'lease': {
        const { key, holder, endsAtMs, nowMs } = operation
        return (await run(sql.lease, key, holder, endsAtMs, wholeMs(nowMs))).touched === 1
      }
      case 'release':
        await run(sql.release, operation.key, operation.holder)
        return undefined
      case 'count': {
        const { key, by, endsAtMs, nowMs } = operation
        const [row] = (await run(sql.count, key, by, endsAtMs, wholeMs(nowMs))).rows
        if (row === undefined) throw new StoreError('invalid', 'the counter would overflow')
        return Number(row['total'])
      }
      case 'list': {
        const { from, to = null, limit, nowMs } = operation
        return (await run(sql.list, from, to, wholeMs(nowMs), limit)).rows.map(entryOf)
      }
      case 'sweep':
        return await sweep({ ...operation, nowMs: wholeMs(operation.nowMs) })
    }
  }
}

/** Whether what ends at `end` has not ended. */
function live(end: string, now: string): string {
  return `(${end} IS NULL OR ${end} > ${now}::bigint)`
}

function statements(schema: string) {
  const version = `nextval('${schema}.versions')`
  const written = `value = excluded.value, version = excluded.version, ends_at = excluded.ends_at`
  const insert = `
    INSERT INTO ${schema}.entries AS held (key, value, version, ends_at)
    VALUES ($1, $2, ${version}, $3::bigint)`
  const total = `CASE WHEN held.ends_at > $4::bigint THEN held.total + $2::bigint ELSE $2::bigint END`
  return {
    get: `SELECT value, version FROM ${schema}.entries WHERE key = $1 AND ${live('ends_at', '$2')}`,
    put: `${insert} ON CONFLICT (key) DO UPDATE SET ${written}`,
    create: `${insert} ON CONFLICT (key) DO UPDATE SET ${written} WHERE held.ends_at <= $4::bigint`,
    replace: `
      UPDATE ${schema}.entries SET value = $2, version = ${version}, ends_at = $3::bigint
      WHERE key = $1 AND version = $5::bigint AND ${live('ends_at', '$4')}`,
    remove: `DELETE FROM ${schema}.entries WHERE key = $1 RETURNING value, ends_at`,
    lease: `
      INSERT INTO ${schema}.leases AS held (key, holder, ends_at) VALUES ($1, $2, $3::bigint)
      ON CONFLICT (key) DO UPDATE SET holder = excluded.holder, ends_at = excluded.ends_at
        WHERE held.holder = excluded.holder OR held.ends_at <= $4::bigint`,
    release: `DELETE FROM ${schema}.leases WHERE key = $1 AND holder = $2`,
    count: `
      INSERT INTO ${schema}.counters AS held (key, total, ends_at)
      VALUES ($1, $2::bigint, $3::bigint)
      ON CONFLICT (key) DO UPDATE SET
        total = ${total},
        ends_at = CASE WHEN held.ends_at > $4::bigint THEN held.ends_at ELSE excluded.ends_at END
        WHERE abs(${total}) <= ${Number.MAX_SAFE_INTEGER}
      RETURNING total`,
    list: `
      SELECT key, value, version FROM ${schema}.entries
      WHERE key >= $1 AND ($2::text IS NULL OR key < $2) AND ${live('ends_at', '$3')}
      ORDER BY key LIMIT $4`,
    // Two processes that sweep at once share the work instead of waiting for each other.
    sweeps: ['entries', 'leases', 'counters'].map(
      (table) => `
        DELETE FROM ${schema}.${table} WHERE key IN (
          SELECT key FROM ${schema}.${table} WHERE ends_at <= $1::bigint
          LIMIT $2 FOR UPDATE SKIP LOCKED)`,
    ),
  }
}

/** What can lose acknowledged writes is warned of; what would mix up keys is refused. */
async function checkSafety(
  postgres: PostgresConnection,
  notice: RemoteOptions['notice'],
): Promise<void> {
  const names = ['server_encoding', 'fsync', 'full_page_writes', 'synchronous_commit']
  const settings = new Map<string, unknown>()
  for (const name of names) {
    settings.set(name, (await postgres.run(`SHOW ${name}`, [])).rows[0]?.[name])
  }
  if (settings.get('server_encoding') !== 'UTF8') {
    const what = `the database is encoded in ${String(settings.get('server_encoding'))}`
    throw new StoreError('failed', `${what}: make one with ENCODING 'UTF8'`)
  }
  const off = names.filter((name) => settings.get(name) === 'off')
  if (off.length > 0) notice?.('store_unsafe', `PostgreSQL runs with ${off.join(', ')} off`)
}

/** The clock may tell fractions; ends are whole, and none lies between a whole one and its fraction. */
function wholeMs(nowMs: number): number {
  return Math.floor(nowMs)
}

function entryOf(row: Result['rows'][number]): ListedEntry {
  return {
    key: String(row['key']),
    value: String(row['value']),
    version: Number(row['version']),
  }
}

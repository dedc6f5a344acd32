/** A pool of connections to PostgreSQL, and one more that hears notifications. */
import type { Client as PgClient, ClientConfig } from 'pg'
import { createAsking } from './asking.ts'
import type { Query } from './postgres-schema.ts'
import type { RemoteOptions } from './remote.ts'
import {
  attemptDelayMs,
  CONNECT_TIMEOUT_MS,
  createOutageNotices,
  FIRST_ATTEMPTS,
  readTls,
  reasonOf,
} from './remote.ts'
import { StoreError } from './store-error.ts'

/** Connections of one process. Operations are short; more would only queue in the server. */
const MAX_CONNECTIONS = 8

/** Milliseconds after which a connection that is not used is closed. */
const IDLE_MS = 30_000

export type PostgresConnectionOptions = RemoteOptions & {
  readonly database: string
}

export type PostgresConnection = {
  /** One statement, committed when it resolves. Resolves with its rows and how many it touched. */
  run(sql: string, values: readonly Value[]): Promise<Result>
  /** Several statements on one connection, committed together or not at all. */
  transact(work: (query: Query) => Promise<void>): Promise<void>
  /** Calls the listener with every notification on the channel, once it resolves. */
  listen(channel: string, listener: (payload: string) => void): Promise<void>
  close(): Promise<void>
}

export type Value = string | number | null

export type Result = {
  readonly rows: readonly Readonly<Record<string, unknown>>[]
  readonly touched: number
}

/** Connects once to see that it can. Rejects with a `StoreError` that says why not. */
export async function connectPostgres(
  options: PostgresConnectionOptions,
): Promise<PostgresConnection> {
  const { Client, Pool } = await import('pg')
  const { host, port, user, password, database, tls, now = Date.now } = options
  const config: ClientConfig = {
    host,
    port,
    database,
    user,
    // Never the password file of whoever started the gateway: what is not configured is empty.
    password: password?.reveal() ?? '',
    ssl: tls === undefined ? false : await readTls(tls, host),
    application_name: 'gatehouse',
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    keepAlive: true,
  }
  const notices = createOutageNotices(options.notice, now)
  const asking = createAsking({ timeoutMs: options.timeoutMs, problemOf })
  const pool = new Pool({ ...config, max: MAX_CONNECTIONS, idleTimeoutMillis: IDLE_MS })
  // Of connections that are not in use; the next one that is asked for is a new one.
  pool.on('error', (error) => notices.away(error))
  const ears = createEars({ connect: () => new Client(config), notices })

  const connection: PostgresConnection = {
    run: (sql, values) =>
      asking(async () => {
        try {
          const { rows, rowCount } = await pool.query<Result['rows'][number]>(sql, [...values])
          notices.back()
          return { rows, touched: rowCount ?? 0 }
        } catch (error) {
          if (!isReply(error)) notices.away(error)
          throw error
        }
      }),
    transact: (work) =>
      asking(async () => {
        const client = await pool.connect()
        try {
          await client.query('BEGIN')
          await work(async (sql, values = []) => (await client.query(sql, [...values])).rows)
          await client.query('COMMIT')
        } catch (error) {
          await client.query('ROLLBACK').catch(() => undefined)
          throw error
        } finally {
          client.release()
        }
      }),
    listen: (channel, listener) => asking(() => ears.listen(channel, listener)),
    close: async () => {
      await Promise.all([ears.close(), pool.end()])
    },
  }
  await firstContact(connection, `${host}:${port}`)
  return connection
}

async function firstContact(connection: PostgresConnection, where: string): Promise<void> {
  for (let attempt = 0; ; attempt += 1) {
    try {
      await connection.run('SELECT 1', [])
      return
    } catch (error) {
      const again = error instanceof StoreError && error.code === 'away'
      if (again && attempt + 1 < FIRST_ATTEMPTS) {
        await new Promise((resolve) => setTimeout(resolve, attemptDelayMs(attempt)))
        continue
      }
      await connection.close()
      throw new StoreError('away', `PostgreSQL at ${where} cannot be used: ${reasonOf(error)}`)
    }
  }
}

/** The connection that hears. It comes back by itself; what was said meanwhile, nobody hears. */
function createEars({
  connect,
  notices,
}: {
  readonly connect: () => PgClient
  readonly notices: ReturnType<typeof createOutageNotices>
}) {
  let client: PgClient | undefined
  let retry: NodeJS.Timeout | undefined
  let closed = false

  async function listen(channel: string, listener: (payload: string) => void): Promise<void> {
    const next = connect()
    let lost = false
    const lose = (error: unknown, attempt: number): void => {
      if (lost || closed || client !== next) return
      lost = true
      notices.away(error)
      again(attempt)
    }
    const again = (attempt: number): void => {
      retry = setTimeout(() => {
        listen(channel, listener).catch((error: unknown) => {
          notices.away(error)
          if (!closed) again(attempt + 1)
        })
      }, attemptDelayMs(attempt))
    }
    next.on('error', (error) => lose(error, 0))
    next.on('end', () => lose(new Error('the connection ended'), 0))
    next.on('notification', ({ payload }) => listener(payload ?? ''))
    await next.connect()
    if (closed) return await next.end()
    client = next
    await next.query(`LISTEN ${channel}`)
  }

  return {
    listen,
    close: async () => {
      closed = true
      clearTimeout(retry)
      await client?.end()
    },
  }
}

/** Codes of replies after which nothing was written (postgresql.org/docs/current/errcodes-appendix.html). */
const REPLIES = new Map([
  ['53100', 'full'],
  ['53200', 'full'],
  ['53300', 'overloaded'],
  ['55P03', 'busy'],
  ['40001', 'busy'],
  ['40P01', 'busy'],
  ['57P03', 'away'],
  ['25006', 'away'],
] as const)

/** Errors of a connection that never came to be. */
const UNSENT = /^(ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH)$/

/** Said by the pool and the client, which give these no code. */
const NOT_CONNECTED =
  /connect(ion)? (terminated due to connection )?timeout|timeout exceeded when trying/

function problemOf(error: unknown): StoreError {
  const why = reasonOf(error)
  const code = codeOf(error)
  if (isReply(error)) {
    return new StoreError(findReply(code) ?? 'failed', `PostgreSQL: ${why} (${code})`)
  }
  const unsent = UNSENT.test(code) || NOT_CONNECTED.test(why)
  return new StoreError(unsent ? 'away' : 'failed', `the connection to PostgreSQL: ${why}`)
}

function findReply(code: string) {
  for (const [known, problem] of REPLIES) if (known === code) return problem
  return undefined
}

/** Whether the server itself said no: its codes have five characters. */
function isReply(error: unknown): boolean {
  return /^[0-9A-Z]{5}$/.test(codeOf(error))
}

function codeOf(error: unknown): string {
  if (error instanceof AggregateError) return codeOf(error.errors[0])
  return error instanceof Error && 'code' in error ? String(error.code) : ''
}

/** One connection to Redis for commands and one for messages; both come back by themselves. */
import { hash } from 'node:crypto'
import type * as Redis from '@redis/client'
import { createAsking } from './asking.ts'
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

export type RedisConnectionOptions = RemoteOptions & {
  /** Number of the logical database. */
  readonly database: number
  /** Whether messages are heard too, on a connection of their own; by default they are. */
  readonly hears?: 'messages' | 'nothing'
}

export type RedisConnection = {
  command(...words: readonly string[]): Promise<unknown>
  /** Runs a script that the server keeps by its hash. */
  run(script: Script): Promise<unknown>
  /** Calls the listener with every message on the channel, once it resolves. */
  listen(channel: string, listener: (message: string) => void): Promise<void>
  close(): Promise<void>
}

export type Script = {
  readonly text: string
  /** SHA-1 of the text, hex. */
  readonly sha: string
  readonly keys: readonly string[]
  readonly args: readonly string[]
}

/** A script with the hash by which the server keeps it. */
export function hashed(text: string): Pick<Script, 'text' | 'sha'> {
  return { text, sha: hash('sha1', text, 'hex') }
}

/** Connects. Rejects with a `StoreError` that says why it could not. */
export async function connectRedis(options: RedisConnectionOptions): Promise<RedisConnection> {
  const redis = await import('@redis/client')
  const { host, port, user, password, database, tls, now = Date.now } = options
  const notices = createOutageNotices(options.notice, now)
  let opened = false
  const socket = {
    host,
    port,
    connectTimeout: CONNECT_TIMEOUT_MS,
    reconnectStrategy: (attempt: number) =>
      opened || attempt + 1 < FIRST_ATTEMPTS ? attemptDelayMs(attempt) : false,
  } as const
  const client = redis.createClient({
    socket:
      tls === undefined ? socket : { ...socket, ...(await readTls(tls, host)), tls: true as const },
    ...(user === undefined ? {} : { username: user }),
    ...(password === undefined ? {} : { password: password.reveal() }),
    database,
    RESP: 2,
    name: 'gatehouse',
    maintNotifications: 'disabled',
    // A command that cannot be sent now is refused now: whoever asked decides what follows.
    disableOfflineQueue: true,
  })
  const hearer = client.duplicate()
  const clients = options.hears === 'nothing' ? [client] : [client, hearer]
  const asking = createAsking({
    timeoutMs: options.timeoutMs,
    problemOf: (error) => problemOf(error, redis),
  })
  for (const each of clients) each.on('error', (error) => notices.away(error))
  client.on('ready', () => notices.back())
  try {
    await Promise.all(clients.map((each) => each.connect()))
  } catch (error) {
    for (const each of clients) if (each.isOpen) each.destroy()
    const where = `${host}:${port}`
    throw new StoreError('away', `Redis at ${where} cannot be used: ${reasonOf(error)}`)
  }
  opened = true

  const send = (words: readonly string[]): Promise<unknown> => client.sendCommand(words)
  return {
    command: (...words) => asking(() => send(words)),
    run: ({ text, sha, keys, args }) =>
      asking(async () => {
        const rest = [`${keys.length}`, ...keys, ...args]
        try {
          return await send(['EVALSHA', sha, ...rest])
        } catch (error) {
          // The server keeps no scripts over a restart. The one with the text was not carried out before.
          if (!reasonOf(error).startsWith('NOSCRIPT')) throw error
          return await send(['EVAL', text, ...rest])
        }
      }),
    listen: async (channel, listener) => {
      await asking(() => hearer.subscribe(channel, listener))
    },
    close: async () => {
      for (const each of clients) if (each.isOpen) each.destroy()
    },
  }
}

/** Beginnings of error replies after which nothing was written (redis.io/docs/latest/develop/reference/protocol-spec). */
const REPLIES = [
  ['OOM', 'full'],
  ['LOADING', 'away'],
  ['BUSY', 'busy'],
  ['MASTERDOWN', 'away'],
  ['READONLY', 'away'],
  ['CLUSTERDOWN', 'away'],
] as const

function problemOf(error: unknown, redis: typeof Redis): StoreError {
  const why = reasonOf(error)
  if (error instanceof redis.ErrorReply) {
    const known = REPLIES.find(([start]) => why.startsWith(start))
    return new StoreError(known?.[1] ?? 'failed', `Redis: ${why}`)
  }
  const unsent =
    error instanceof redis.ClientOfflineError || error instanceof redis.ClientClosedError
  return new StoreError(unsent ? 'away' : 'failed', `the connection to Redis: ${why}`)
}

/**
 * The driver that keeps state in Redis, for gateways on several machines. Every operation is one Lua
 * script, so what one process reads another cannot have half written. Messages reach the subscribers of
 * every process. How safe an acknowledged write is, Redis decides: `docs/storage.md` says what to set.
 */
import { createAskedStore } from './asked-store.ts'
import { openEnvelope, sealEnvelope } from './envelope.ts'
import type { ListedEntry, Operation, OperationOf } from './operation.ts'
import type { RedisConnection, RedisConnectionOptions, Script } from './redis-connection.ts'
import { connectRedis, hashed } from './redis-connection.ts'
import * as scripts from './redis-scripts.ts'
import type { RemoteOptions } from './remote.ts'
import { StoreError } from './store-error.ts'
import type { SweptStore } from './swept-store.ts'
import { createTopics } from './topics.ts'

export type RedisStoreOptions = RedisConnectionOptions & {
  /** What all keys begin with, in braces; installations with different ones share nothing. */
  readonly prefix: string
}

/**
 * Connects, and writes the version of the layout into an empty database.
 *
 * @throws {StoreError} `away` when Redis cannot be reached, `failed` when it must not be used: it drops
 * keys when memory runs short, or a newer release has written it. The text says what to do.
 */
export async function openRedisStore(options: RedisStoreOptions): Promise<SweptStore> {
  const { now = Date.now } = options
  const redis = await connectRedis(options)
  const place = `{${options.prefix}}`
  const self = crypto.randomUUID()
  const topics = createTopics()
  const channel = `${place}:messages`
  try {
    await checkSafety(redis, options.notice)
    await checkSchema(redis, `${place}:schema`)
    await redis.listen(channel, (text) => {
      const envelope = openEnvelope(text)
      if (envelope === undefined || envelope.from === self) return
      topics.tell(envelope.topic, envelope.message)
    })
  } catch (error) {
    await redis.close()
    throw error
  }
  const perform = createPerformer(redis, place, now)
  const holder = {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- `perform` gives the result of the verb it was asked
    ask: perform as Parameters<typeof createAskedStore>[0]['ask'],
    announce: async (topic: string, message: string) => {
      await redis.command('PUBLISH', channel, sealEnvelope({ from: self, topic, message }))
    },
    close: () => redis.close(),
  }
  return createAskedStore(holder, { now, topics })
}

function createPerformer(redis: RedisConnection, place: string, now: () => number) {
  const entry = (key: string): string => `${place}:e:${key}`
  const [order, ends, version] = [`${place}:order`, `${place}:ends`, `${place}:version`]
  const written = (key: string): readonly string[] => [entry(key), order, ends, version]
  const values = ({ key, value, endsAtMs }: OperationOf<'put'>): readonly string[] => [
    key,
    value,
    endsAtMs === undefined ? '' : `${endsAtMs}`,
    `${scripts.firstVersion(now())}`,
  ]
  const run = (
    script: Pick<Script, 'text' | 'sha'>,
    keys: readonly string[],
    args: readonly string[],
  ): Promise<unknown> => redis.run({ ...script, keys, args })

  async function list({ from, to, limit, nowMs }: OperationOf<'list'>) {
    const found: ListedEntry[] = []
    let low = `[${from}`
    while (found.length < limit) {
      const args = [low, to === undefined ? '+' : `(${to}`, `${limit}`, `${nowMs}`, entry('')]
      const [last, ...rows] = textsOf(await run(LIST, [order], args))
      for (let at = 0; at + 2 < rows.length && found.length < limit; at += 3) {
        const [key = '', value = '', text = ''] = rows.slice(at, at + 3)
        found.push({ key, value, version: Number(text) })
      }
      if (last === undefined || last === '') break
      low = `(${last}`
    }
    return found
  }

  return async (operation: Operation): Promise<unknown> => {
    switch (operation.verb) {
      case 'get': {
        const held = await redis.command('HMGET', entry(operation.key), 'v', 'n', 'x')
        const [value, text, end] = textsOf(held)
        if (value === undefined || !isLive(end, operation.nowMs)) return undefined
        return { value, version: Number(text) }
      }
      case 'put':
        await run(PUT, written(operation.key), values(operation))
        return undefined
      case 'cas': {
        const { expected, nowMs, verb: _, ...put } = operation
        const args = [...values({ verb: 'put', ...put }), `${expected}`, `${nowMs}`]
        return (await run(CAS, written(operation.key), args)) === 1
      }
      case 'consume': {
        const { key, nowMs } = operation
        const held = await run(CONSUME, [entry(key), order, ends], [key])
        const [value, end] = held === null ? [] : textsOf(held)
        return isLive(end, nowMs) ? value : undefined
      }
      case 'lease': {
        const { key, holder, nowMs, endsAtMs } = operation
        const args = [key, holder, `${nowMs}`, `${endsAtMs}`]
        return (await run(LEASE, [`${place}:l:${key}`, ends], args)) === 1
      }
      case 'release':
        await run(RELEASE, [`${place}:l:${operation.key}`, ends], [operation.key, operation.holder])
        return undefined
      case 'count': {
        const { key, by, nowMs, endsAtMs } = operation
        const args = [key, `${by}`, `${nowMs}`, `${endsAtMs}`]
        const total = await run(COUNT, [`${place}:c:${key}`, ends], args)
        if (total === '') throw new StoreError('invalid', 'the counter would overflow')
        return Number(total)
      }
      case 'list':
        return await list(operation)
      case 'sweep': {
        const args = [`${operation.nowMs}`, `${operation.maxRows}`, `${place}:`]
        return Number(await run(SWEEP, [ends, order], args))
      }
    }
  }
}

const PUT = hashed(scripts.PUT)
const CAS = hashed(scripts.CAS)
const CONSUME = hashed(scripts.CONSUME)
const LEASE = hashed(scripts.LEASE)
const RELEASE = hashed(scripts.RELEASE)
const COUNT = hashed(scripts.COUNT)
const LIST = hashed(scripts.LIST)
const SWEEP = hashed(scripts.SWEEP)
const SCHEMA = hashed(scripts.SCHEMA)

/** A store that forgets revocations must not be used; one that may lose the last second is warned of. */
async function checkSafety(redis: RedisConnection, notice: RemoteOptions['notice']): Promise<void> {
  const memory = String(await redis.command('INFO', 'memory'))
  const policy = /^maxmemory_policy:(\S+)/m.exec(memory)?.[1] ?? 'noeviction'
  const limited = !/^maxmemory:0\r?$/m.test(memory)
  if (limited && policy.startsWith('allkeys')) {
    const what = `Redis drops keys when memory runs short (maxmemory-policy ${policy})`
    throw new StoreError('failed', `${what}, revocations among them: set it to noeviction`)
  }
  const persistence = String(await redis.command('INFO', 'persistence'))
  if (/^aof_enabled:0/m.test(persistence)) {
    notice?.('store_unsafe', 'Redis keeps no append-only file: set appendonly yes')
  }
}

async function checkSchema(redis: RedisConnection, key: string): Promise<void> {
  const { version, oldest } = scripts.REDIS_SCHEMA
  const found = textsOf(
    await redis.run({ ...SCHEMA, keys: [key], args: [`${version}`, `${oldest}`] }),
  )
  if (Number(found[1]) <= version) return
  const what = `the state in Redis has schema version ${found[0]}, this release knows ${version}`
  throw new StoreError('failed', `${what}: run the newer release, or name another prefix`)
}

function isLive(end: string | undefined, nowMs: number): boolean {
  return end === undefined || Number(end) > nowMs
}

/** A reply of texts; what is not there is undefined. */
function textsOf(reply: unknown): readonly (string | undefined)[] {
  if (!Array.isArray(reply)) throw new StoreError('failed', 'Redis sent a reply of another kind')
  return reply.map((item: unknown) => (typeof item === 'string' ? item : undefined))
}

/**
 * Budgets that gateways share, kept in Redis: GCRA (ITU-T I.371), by the clock of Redis, so that it matters
 * to nobody whether their own clocks agree. A budget that has recovered is forgotten. Keys are hashed: no
 * name of a person is in them.
 *
 * | key          | type | holds                                                            |
 * | ------------ | ---- | ---------------------------------------------------------------- |
 * | `P:b:HASH`   | text | when the bucket will be empty, in epoch milliseconds, until then |
 * | `P:drawing`  | zset | the processes that share, by when they were last seen            |
 */
import { hash } from 'node:crypto'
import { SHARED_ANSWER_MS, type Draw, type Drawn, type SharedBudgets } from '../model/limits.ts'
import { connectRedis, hashed } from './redis-connection.ts'
import type { RedisStoreOptions } from './redis.ts'
import { StoreError } from './store-error.ts'

/** A process that was not seen for this long, in milliseconds, shares no more; they are seen each second. */
const ABSENT_AFTER_MS = 10_000

/**
 * Connects, apart from the store: what waits there is not in the way of a call.
 *
 * @param answerMs How long an answer is waited for, in milliseconds.
 * @throws {StoreError} `away` when Redis cannot be reached.
 */
export async function openRedisBudgets(
  options: RedisStoreOptions,
  answerMs = SHARED_ANSWER_MS,
): Promise<SharedBudgets> {
  const redis = await connectRedis({ ...options, timeoutMs: answerMs, hears: 'nothing' })
  const place = `{${options.prefix}}`
  const self = crypto.randomUUID()
  const drawing = `${place}:drawing`
  return {
    draw: async (draws) => {
      const keys = draws.map(({ key }) => `${place}:b:${hash('sha256', key, 'base64url')}`)
      return readDrawn(await redis.run({ ...DRAW, keys, args: draws.flatMap(argumentsOf) }))
    },
    attend: async () => {
      const args = [self, `${ABSENT_AFTER_MS}`]
      return Number(await redis.run({ ...ATTEND, keys: [drawing], args }))
    },
    close: async () => {
      await redis.command('ZREM', drawing, self).catch(() => undefined)
      await redis.close()
    },
  }
}

function argumentsOf({ budget: { perSecond, burst }, need, want }: Draw): readonly string[] {
  return [perSecond / 1_000, burst, need, want].map(String)
}

/** What `DRAW` returns: `ok` and what was given, or `no`, which one and how long. */
function readDrawn(reply: unknown): Drawn {
  if (!Array.isArray(reply)) throw new StoreError('failed', 'Redis sent a reply of another kind')
  const [first, ...numbers] = reply.map((item: unknown) => String(item))
  if (first === 'ok') return { ok: true, granted: numbers.map(Number) }
  return { ok: false, at: Number(numbers[0]) - 1, waitMs: Number(numbers[1]) }
}

/** Expects the buckets; for each its rate per millisecond, burst, need and want. */
const DRAW = hashed(`
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + tonumber(time[2]) / 1000
local levels = {}
for i, key in ipairs(KEYS) do
  local at = 4 * (i - 1)
  local rate, burst, need = tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2]), tonumber(ARGV[at + 3])
  local level = math.max(0, tonumber(redis.call('GET', key) or '0') - now)
  local wait = level + (math.min(need, burst) - burst) / rate
  if wait > 0 then return { 'no', string.format('%d', i), string.format('%.3f', wait) } end
  levels[i] = level
end
local given = { 'ok' }
for i, key in ipairs(KEYS) do
  local at = 4 * (i - 1)
  local rate, burst = tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2])
  local room = math.floor(burst - levels[i] * rate)
  local units = math.max(tonumber(ARGV[at + 3]), math.min(tonumber(ARGV[at + 4]), room))
  local level = levels[i] + units / rate
  if level > 0 then
    local life = string.format('%.0f', math.ceil(level))
    redis.call('SET', key, string.format('%.3f', now + level), 'PX', life)
  end
  given[i + 1] = string.format('%.17g', units)
end
return given`)

/** Returns how many share. Expects the set of those who do; who asks, and after how long one is absent. */
const ATTEND = hashed(`
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
redis.call('ZADD', KEYS[1], string.format('%.0f', now), ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', string.format('%.0f', now - tonumber(ARGV[2])))
return redis.call('ZCARD', KEYS[1])`)

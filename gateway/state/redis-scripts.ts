/**
 * The operations of a store as Lua, so that each is one step on the server whoever else writes.
 *
 * | key           | type | holds                                                                  |
 * | ------------- | ---- | ---------------------------------------------------------------------- |
 * | `P:e:KEY`     | hash | an entry: `v` value, `n` version, `x` when it ends                     |
 * | `P:l:KEY`     | hash | a lease: `h` holder, `x` when it ends                                  |
 * | `P:c:KEY`     | hash | a counter: `t` total, `x` when it ends                                 |
 * | `P:order`     | zset | the keys of all entries, score 0, for lists in the order of their bytes |
 * | `P:ends`      | zset | `e:KEY`, `l:KEY` or `c:KEY` by when it ends, for the sweep             |
 * | `P:version`   | text | the last version given to an entry                                     |
 * | `P:schema`    | hash | `version` of this layout, `oldest` release of it that may still write  |
 *
 * `P` is the prefix in braces, so that everything is in one slot. Nothing has a life of Redis' own: ends
 * are compared with the clock of the process that asks, as in every driver, and a sweep clears up. What
 * ends is epoch milliseconds; an entry without `x` stays. No number passes through Lua's own formatting,
 * which keeps 14 digits.
 */

/** The version of the layout above. A change that the release before cannot read raises `oldest` too. */
export const REDIS_SCHEMA = { version: 1, oldest: 1 } as const

/**
 * What the first version of an empty database is, per millisecond of the clock: above every version
 * given out before the database was emptied, unless it took a thousand writes each millisecond since.
 */
const VERSIONS_PER_MS = 1000

/** Versions are counted up from here, in an empty database. */
export function firstVersion(nowMs: number): number {
  return Math.floor(nowMs) * VERSIONS_PER_MS
}

/** Writes an entry. Expects `entry`, `order`, `ends`, `version`; key, value, end (or ''), first version. */
const WRITE = `
local function write()
  if redis.call('EXISTS', KEYS[4]) == 0 then redis.call('SET', KEYS[4], ARGV[4]) end
  redis.call('INCR', KEYS[4])
  redis.call('HSET', KEYS[1], 'v', ARGV[2], 'n', redis.call('GET', KEYS[4]))
  redis.call('ZADD', KEYS[2], 0, ARGV[1])
  if ARGV[3] == '' then
    redis.call('HDEL', KEYS[1], 'x')
    redis.call('ZREM', KEYS[3], 'e:' .. ARGV[1])
  else
    redis.call('HSET', KEYS[1], 'x', ARGV[3])
    redis.call('ZADD', KEYS[3], ARGV[3], 'e:' .. ARGV[1])
  end
end
local function live(x, now) return not x or tonumber(x) > tonumber(now) end
`

export const PUT = `${WRITE} write() return 1`

/** As `WRITE`, then expected version and now. */
export const CAS = `${WRITE}
local held = redis.call('HMGET', KEYS[1], 'n', 'x')
local version = '0'
if held[1] and live(held[2], ARGV[6]) then version = held[1] end
if version ~= ARGV[5] then return 0 end
write()
return 1`

/** Removes the entry and returns value and end. Expects `entry`, `order`, `ends`; key. */
export const CONSUME = `
local held = redis.call('HMGET', KEYS[1], 'v', 'x')
if not held[1] then return false end
redis.call('DEL', KEYS[1])
redis.call('ZREM', KEYS[2], ARGV[1])
redis.call('ZREM', KEYS[3], 'e:' .. ARGV[1])
return held`

/** Expects `lease`, `ends`; key, holder, now, end. */
export const LEASE = `
local held = redis.call('HMGET', KEYS[1], 'h', 'x')
if held[1] and held[1] ~= ARGV[2] and tonumber(held[2]) > tonumber(ARGV[3]) then return 0 end
redis.call('HSET', KEYS[1], 'h', ARGV[2], 'x', ARGV[4])
redis.call('ZADD', KEYS[2], ARGV[4], 'l:' .. ARGV[1])
return 1`

/** Expects `lease`, `ends`; key, holder. */
export const RELEASE = `
if redis.call('HGET', KEYS[1], 'h') ~= ARGV[2] then return 0 end
redis.call('DEL', KEYS[1])
redis.call('ZREM', KEYS[2], 'l:' .. ARGV[1])
return 1`

/** Returns the new total as text, or '' when it would overflow. Expects `counter`, `ends`; key, by, now, end. */
export const COUNT = `
local held = redis.call('HMGET', KEYS[1], 't', 'x')
local fresh = not held[1] or tonumber(held[2]) <= tonumber(ARGV[3])
local total = tonumber(ARGV[2])
if not fresh then total = total + tonumber(held[1]) end
if math.abs(total) > ${Number.MAX_SAFE_INTEGER} then return '' end
local text = string.format('%.0f', total)
redis.call('HSET', KEYS[1], 't', text)
if fresh then
  redis.call('HSET', KEYS[1], 'x', ARGV[4])
  redis.call('ZADD', KEYS[2], ARGV[4], 'c:' .. ARGV[1])
end
return text`

/**
 * Returns the last key looked at, then key, value and version of those among them that live. Expects
 * `order`; lowest and highest key in the notation of ZRANGEBYLEX, limit, now, and the prefix of entries.
 */
export const LIST = `
local keys = redis.call('ZRANGEBYLEX', KEYS[1], ARGV[1], ARGV[2], 'LIMIT', 0, ARGV[3])
local found = { #keys == tonumber(ARGV[3]) and keys[#keys] or '' }
for _, key in ipairs(keys) do
  local held = redis.call('HMGET', ARGV[5] .. key, 'v', 'n', 'x')
  if held[1] and (not held[3] or tonumber(held[3]) > tonumber(ARGV[4])) then
    found[#found + 1] = key
    found[#found + 1] = held[1]
    found[#found + 1] = held[2]
  end
end
return found`

/** Returns how many were removed. Expects `ends`, `order`; now, limit, prefix. */
export const SWEEP = `
local ended = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', ARGV[1], 'LIMIT', 0, ARGV[2])
for _, member in ipairs(ended) do
  redis.call('DEL', ARGV[3] .. member)
  redis.call('ZREM', KEYS[1], member)
  if string.sub(member, 1, 2) == 'e:' then redis.call('ZREM', KEYS[2], string.sub(member, 3)) end
end
return #ended`

/** Writes the layout's version into an empty database; returns what is there. Expects `schema`. */
export const SCHEMA = `
redis.call('HSETNX', KEYS[1], 'version', ARGV[1])
redis.call('HSETNX', KEYS[1], 'oldest', ARGV[2])
return redis.call('HMGET', KEYS[1], 'version', 'oldest')`

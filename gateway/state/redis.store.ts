import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { Secret } from '../model/secret.ts'
import type { TestRedis } from '../testkit/redis.ts'
import { startRedis } from '../testkit/redis.ts'
import { createAuthority } from '../testkit/certificates.ts'
import { withCaFile } from '../testkit/ca-file.ts'
import { freePort } from '../testkit/free-port.ts'
import { stopAll } from '../testkit/stop-all.ts'
import { storeError } from './contract-rule.ts'
import { testSharedContract } from './contract-shared.ts'
import { testStoreContract } from './contract.ts'
import { connectRedis } from './redis-connection.ts'
import type { RedisStoreOptions } from './redis.ts'
import { openRedisStore } from './redis.ts'

let server: TestRedis
let prefixes = 0

before(async () => {
  server = await startRedis()
})

after(() => stopAll(server))

const NO_FILES = { ca: undefined, cert: undefined, key: undefined, serverName: undefined }

function place(prefix: string, { port, password } = server): RedisStoreOptions {
  const secret = new Secret(password)
  const where = { host: '127.0.0.1', port, database: 0, prefix, tls: undefined }
  return { ...where, user: undefined, password: secret }
}

/** One command past the driver. */
async function command(...words: readonly string[]): Promise<void> {
  const direct = await connectRedis(place('unused'))
  await direct.command(...words)
  await direct.close()
}

function newPrefix(): string {
  prefixes += 1
  return `p${prefixes}`
}

testStoreContract('redis', (clock) =>
  openRedisStore({ ...place(newPrefix()), now: () => clock.nowMs }),
)

testSharedContract('redis', {
  newPlace: newPrefix,
  open: (prefix, options) => openRedisStore({ ...place(prefix), ...options }),
  crash: () => server.kill(),
  restart: () => server.start(),
})

test('installations with prefixes of their own share nothing', async () => {
  const one = await openRedisStore(place('one'))
  const two = await openRedisStore(place('one/more'))
  const heard: string[] = []
  two.subscribe('news', (message) => heard.push(message))
  await one.put('a/b', 'value')
  await one.publish('news', 'for one')
  await two.publish('news', 'for two')
  assert.equal(await two.get('a/b'), undefined)
  assert.deepEqual(await two.list(''), [])
  await command('PING')
  assert.deepEqual(heard, ['for two'])
  await one.close()
  await two.close()
})

test('a version from before the database was emptied is not given out again', async () => {
  const prefix = newPrefix()
  let nowMs = 1_800_000_000_000
  const store = await openRedisStore({ ...place(prefix), now: () => nowMs })
  await store.put('a/b', 'one')
  const before = (await store.get('a/b'))?.version ?? 0
  for (const key of ['e:a/b', 'order', 'version']) await command('DEL', `{${prefix}}:${key}`)
  nowMs += 1
  await store.put('a/b', 'two')
  assert.ok(((await store.get('a/b'))?.version ?? 0) > before)
  await store.close()
})

test('a server that forgot the scripts is told them again', async () => {
  const store = await openRedisStore(place(newPrefix()))
  await command('SCRIPT', 'FLUSH')
  await store.put('a/b', 'value')
  assert.equal(await store.consume('a/b'), 'value')
  await store.close()
})

test('a layout that a later release expanded is used, one that it contracted is refused', async () => {
  const prefix = newPrefix()
  await (await openRedisStore(place(prefix))).close()
  await command('HSET', `{${prefix}}:schema`, 'version', '2')
  await (await openRedisStore(place(prefix))).close()
  await command('HSET', `{${prefix}}:schema`, 'oldest', '2')
  await assert.rejects(openRedisStore(place(prefix)), (error) => {
    assert.ok(storeError('failed')(error))
    assert.match(String(error), /schema version 2, this release knows 1: run the newer release/)
    return true
  })
})

test('a server that drops keys when memory runs short is refused', async () => {
  const forgetful = await startRedis(['maxmemory 64mb', 'maxmemory-policy allkeys-lru'])
  try {
    await assert.rejects(openRedisStore(place('p', forgetful)), /allkeys-lru.*noeviction/)
  } finally {
    await forgetful.stop()
  }
})

test('a full server refuses writes as full and still answers reads', async () => {
  const small = await startRedis(['maxmemory 3mb'])
  const store = await openRedisStore(place('p', small))
  try {
    const value = 'v'.repeat(500_000)
    await store.put('a/first', 'value')
    const fill = async (): Promise<void> => {
      for (let i = 0; i < 20; i += 1) await store.put(`a/${i}`, value)
    }
    await assert.rejects(fill(), storeError('full'))
    assert.equal((await store.get('a/first'))?.value, 'value')
  } finally {
    await store.close()
    await small.stop()
  }
})

test('a server without an append-only file is used with a notice', async () => {
  const careless = await startRedis(['appendonly no'])
  const notices: string[] = []
  const options = { ...place('p', careless), notice: (what: string) => notices.push(what) }
  try {
    await (await openRedisStore(options)).close()
    assert.deepEqual(notices, ['store_unsafe'])
  } finally {
    await careless.stop()
  }
})

test('over TLS only a server with the right certificate is used', async () => {
  const authority = createAuthority('cache')
  const port = await freePort()
  const { cert, key } = authority.issue('cache')
  const secure = await startRedis([`tls-port ${port}`, 'tls-auth-clients no'], { cert, key })
  try {
    await withCaFile(authority, async (ca) => {
      const options = { ...place('p', secure), port, tls: { ...NO_FILES, ca } }
      const store = await openRedisStore(options)
      await store.put('a/b', 'value')
      await store.close()
      const elsewhere = { ...options, tls: { ...options.tls, serverName: 'other.example' } }
      await assert.rejects(openRedisStore(elsewhere), /cannot be used: .*other\.example/)
      const trusting = openRedisStore({ ...options, tls: NO_FILES })
      await assert.rejects(trusting, /cannot be used: .*certificate/)
    })
  } finally {
    await secure.stop()
  }
})

test('a wrong password is refused and not repeated in the error', async () => {
  const attempt = openRedisStore({ ...place('p'), password: new Secret('not-the-password') })
  await assert.rejects(attempt, (error) => {
    assert.match(String(error), /Redis at 127\.0\.0\.1:\d+ cannot be used: WRONGPASS/)
    assert.ok(!String(error).includes('not-the-password'))
    return true
  })
})

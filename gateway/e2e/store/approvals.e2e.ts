/** Two gateways on one Redis: a call asked about at one is approved at the other, and made once by both. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { after, before, test } from 'node:test'

import { newApiKey } from '../../identity/api-keys.ts'
import { Secret } from '../../model/secret.ts'
import { SESSION_COOKIE } from '../../pages/cookies.ts'
import { createSessions } from '../../sessions/sessions.ts'
import { openRedisStore } from '../../state/redis.ts'
import { atPage } from '../../testkit/approver.ts'
import type { TestGatehouse } from '../../testkit/gatehouse.ts'
import { ISSUER, startGatehouse } from '../../testkit/gatehouse.ts'
import type { RecordingServer } from '../../testkit/recording-server.ts'
import { startRecordingServer } from '../../testkit/recording-server.ts'
import type { TestRedis } from '../../testkit/redis.ts'
import { startRedis } from '../../testkit/redis.ts'
import { callTool, post } from '../../testkit/rpc.ts'
import { ringEntry } from '../../testkit/replicas.ts'
import { stopAll } from '../../testkit/stop-all.ts'

const lead = newApiKey(randomBytes)
const keys = ringEntry('k1')

let redis: TestRedis
let server: RecordingServer
let one: TestGatehouse
let two: TestGatehouse

before(async () => {
  server = await startRecordingServer()
  redis = await startRedis()
  one = await start([])
  two = await start([one.signer.jwk])
})

after(() => stopAll(one, two, server, redis))

/** A gateway on the Redis that both share; its tokens are those of the first one. */
async function start(jwks: readonly unknown[]): Promise<TestGatehouse> {
  const anybody = { subjects: [{ any: true }] }
  const rule = { ...anybody, effect: 'require' }
  const leads = { approval: { by: 'group:leads' } }
  const subject = { approval: { by: 'subject' } }
  const { prefix, sha256 } = lead
  const people = { kind: 'human', groups: ['leads'] }
  return await startGatehouse({
    servers: { docs: { upstream: server.url, audiences: ['docs'] } },
    rules: [
      { ...anybody, id: 'all', effect: 'allow', tools: ['docs/*'] },
      { ...rule, id: 'deletions', tools: ['docs/delete_all'], require: leads },
      { ...rule, id: 'own', tools: ['docs/read_file'], require: subject },
    ],
    config: {
      state: {
        driver: 'redis',
        redis: { url: `redis://127.0.0.1:${redis.port}`, password: '${env:STATE_PASSWORD}' },
      },
      api_keys: [{ prefix, sha256, subject: 'lena', owner: 'tests', ...people }],
      ...(jwks.length === 0
        ? {}
        : {
            issuers: [{ issuer: ISSUER, jwks: { keys: jwks }, kind: 'agent', interactive: true }],
          }),
    },
    env: { STATE_PASSWORD: redis.password, GATEHOUSE_KEYS: keys },
  })
}

async function call(at: TestGatehouse, tool: string, path: string): Promise<string> {
  const token = await one.token('docs', { audience: 'docs', subject: 'ann', client: 'report' })
  const { json } = await post(at.url('docs'), callTool(tool, { path }), { token })
  const content = json?.result?.['content'] as readonly { readonly text: string }[] | undefined
  const text = content?.[0]?.text ?? `${json?.error?.code} ${json?.error?.message}`
  return /https?:\/\/\S+$/.exec(text)?.[0] ?? text
}

/** The page of a request as the other gateway serves it. */
function at({ origin }: TestGatehouse, url: string): string {
  return origin + new URL(url).pathname
}

test('what is asked at one gateway is approved at the other, and the approved call is made exactly once', async () => {
  const url = await call(one, 'delete_all', '/shared')
  assert.equal(at(one, await call(two, 'delete_all', '/shared')), url)
  const approver = atPage(at(two, url))
  await approver.signIn(lead.text)
  assert.match((await approver.get()).text, /\/shared/)
  assert.equal((await approver.press('once')).status, 303)
  const calls = await Promise.all(
    Array.from({ length: 10 }, (_, i) => call(i % 2 === 0 ? one : two, 'delete_all', '/shared')),
  )
  assert.equal(calls.filter((text) => text === 'called delete_all').length, 1)
  assert.equal(server.calls('tools/call').length, 1)
})

test('by: subject is the person behind the caller, signed in here, and nobody else', async () => {
  const url = await call(two, 'read_file', '/own')
  assert.match(url, /\/approve\//)
  const password = new Secret(redis.password)
  const where = { host: '127.0.0.1', port: redis.port, user: undefined, password, database: 0 }
  const store = await openRedisStore({ ...where, tls: undefined, prefix: 'gatehouse' })
  const sessions = createSessions({ store, now: Date.now })
  const signedIn = async (subject: string): Promise<string> => {
    const who = { tenant: 'default', issuer: ISSUER, subject, name: subject, client: '' }
    const { value } = await sessions.open({ ...who, kind: 'human', groups: ['leads'], methods: [] })
    return `${SESSION_COOKIE}=${value}`
  }
  const bob = atPage(url, await signedIn('bob'))
  assert.equal((await bob.get()).status, 403)
  assert.equal((await bob.press('once')).status, 403)
  const ann = atPage(url, await signedIn('ann'))
  assert.match((await ann.get()).text, /for <strong>ann<\/strong>/)
  await ann.press('once')
  await store.close()
  assert.equal(await call(two, 'read_file', '/own'), 'called read_file')
})

test('while Redis is away nothing that needs an approval passes, and nobody can approve', async () => {
  const url = await call(one, 'delete_all', '/away')
  const approver = atPage(url)
  await approver.signIn(lead.text)
  await redis.kill()
  assert.match(await call(one, 'delete_all', '/away'), /^1003 /)
  assert.equal((await approver.get()).status, 503)
  assert.equal(await call(one, 'echo', '/away'), 'called echo')
  await redis.start()
})

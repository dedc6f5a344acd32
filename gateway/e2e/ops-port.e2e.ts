/** The operators' port: exact paths, exact methods, its own credential, and nothing of the clients' port. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'

import { freePort } from '../testkit/free-port.ts'
import type { TestGatehouse } from '../testkit/gatehouse.ts'
import { allowAll, startGatehouse } from '../testkit/gatehouse.ts'
import type { RawReply } from '../testkit/raw-http.ts'
import { exchangeRaw, requestText } from '../testkit/raw-http.ts'
import type { RecordingServer } from '../testkit/recording-server.ts'
import { startRecordingServer } from '../testkit/recording-server.ts'
import { stopAll } from '../testkit/stop-all.ts'

let server: RecordingServer
let gateway: TestGatehouse

before(async () => {
  server = await startRecordingServer()
  gateway = await startGatehouse({
    servers: { docs: server.url },
    rules: [allowAll('docs')],
  })
})

after(() => stopAll(server, gateway))

type Asked = {
  readonly method?: string
  readonly host?: string
  readonly headers?: readonly (readonly [string, string])[]
}

async function ask(target: string, { method = 'GET', host, headers = [] }: Asked = {}) {
  const named: readonly [string, string] = ['Host', host ?? new URL(gateway.ops).host]
  const text = requestText({ method, target, headers: [named, ...headers] })
  return (await exchangeRaw(gateway.ops, text)).reply
}

const shown = ({ status, text }: RawReply): string => `${status} ${text.slice(0, 40)}`

test('N-19 three documents are read with GET at exactly their path', async () => {
  const types = {
    '/metrics': /^text\/plain/,
    '/livez': /^text\/plain/,
    '/readyz': /^application\/json$/,
  }
  for (const [path, type] of Object.entries(types)) {
    const reply = await ask(path)
    assert.equal(reply.status, 200, path)
    assert.match(reply.headers.get('content-type') ?? '', type)
    assert.equal(reply.headers.get('cache-control'), 'no-store')
    for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS']) {
      const refused = await ask(path, { method })
      assert.equal(refused.status, 405, `${method} ${path}`)
      assert.equal(refused.headers.get('allow'), 'GET, HEAD')
    }
  }
})

const NOTHING_THERE =
  `/ /healthz /health /livez/ /livez/.. //livez /LIVEZ /livez%2f /livez;x /x/../livez
  /metrics/ /metrics/x /mcp /admin /.well-known/x`.split(/\s+/)

for (const target of NOTHING_THERE) {
  test(`N-19 ${target} on the operators' port is 404`, async () => {
    const reply = await ask(target)
    assert.equal(reply.status, 404, shown(reply))
  })
}

test('absolute form and a health checker’s user agent open nothing', async () => {
  assert.equal((await ask(`${gateway.ops}/livez`)).status, 404)
  const headers = [['User-Agent', 'kube-probe/1.30'] as const]
  assert.equal((await ask('/admin/status', { headers })).status, 401)
})

test('a name that is not of this machine is not answered on a loopback port', async () => {
  for (const host of ['evil.example', 'evil.example:80', '127.0.0.1.evil.example', '']) {
    for (const path of ['/metrics', '/readyz', '/admin/status']) {
      assert.equal((await ask(path, { host })).status, 421, host)
    }
  }
  for (const host of ['localhost', '127.0.0.1', '[::1]', 'LOCALHOST:9']) {
    assert.equal((await ask('/livez', { host })).status, 200, host)
  }
})

test('the admin API answers its own credential only, in the header only', async () => {
  const right = ['Authorization', `Bearer ${gateway.adminToken}`] as const
  const status = await ask('/admin/status', { headers: [right] })
  assert.equal(status.status, 200)
  assert.equal((JSON.parse(status.text) as { ready: boolean }).ready, true)
  const caller = await gateway.token('docs')
  const wrong: readonly (readonly (readonly [string, string])[])[] = [
    [],
    [['Authorization', 'Bearer ']],
    [['Authorization', `Bearer ${gateway.adminToken.slice(0, -1)}`]],
    [['Authorization', `Bearer ${gateway.adminToken}x`]],
    [['Authorization', `Basic ${gateway.adminToken}`]],
    [['Authorization', `Bearer ${caller}`]],
    [right, ['Authorization', 'Bearer x']],
    [right, right],
    [['Cookie', `token=${gateway.adminToken}`]],
    [['X-Api-Key', gateway.adminToken]],
  ]
  for (const headers of wrong) {
    const reply = await ask('/admin/status', { headers })
    assert.equal(reply.status, 401, JSON.stringify(headers))
  }
  assert.equal((await ask('/admin/nothing')).status, 401)
  const query = `/admin/status?token=${gateway.adminToken}`
  assert.equal((await ask(query)).status, 401)
})

test('with its credential, unknown paths of the admin API are 404 and wrong methods 405', async () => {
  const headers = [['Authorization', `Bearer ${gateway.adminToken}`] as const]
  for (const target of ['/admin/', '/admin/x', '/admin/status/', '/admin/../admin/status']) {
    assert.equal((await ask(target, { headers })).status, 404, target)
  }
  assert.equal((await ask('/admin/reload', { headers })).status, 405)
  assert.equal((await ask('/admin/status', { headers, method: 'POST' })).status, 405)
})

test('without an admin token in the configuration there is no admin API', async () => {
  const port = await freePort()
  const other = await startGatehouse({
    servers: { docs: server.url },
    rules: [],
    config: { ops: { port } },
  })
  const headers = { authorization: `Bearer ${other.adminToken}` }
  const reply = await fetch(`http://127.0.0.1:${port}/admin/status`, { headers })
  await reply.text()
  await other.stop()
  assert.equal(reply.status, 404)
})

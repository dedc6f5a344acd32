/** WebSocket connections as such: how they end when nobody did anything wrong, their bounds, and TLS. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'

import { createAuthority } from '../testkit/certificates.ts'
import { eventually } from '../testkit/eventually.ts'
import type { TestGatehouse } from '../testkit/gatehouse.ts'
import { allowAll, startGatehouse } from '../testkit/gatehouse.ts'
import { callTool } from '../testkit/rpc.ts'
import { stopAll } from '../testkit/stop-all.ts'
import type { BareWs } from '../testkit/ws-client.ts'
import { openWs } from '../testkit/ws-client.ts'
import type { WsServer } from '../testkit/ws-server.ts'
import { startWsServer } from '../testkit/ws-server.ts'

let server: WsServer

before(async () => {
  server = await startWsServer()
})

after(() => stopAll(server))

type Bench = {
  readonly gateway: TestGatehouse
  open(subject?: string): Promise<BareWs>
}

async function withGateway(
  options: { readonly upstream?: object; readonly listen?: object; readonly audit?: object },
  run: (bench: Bench) => Promise<void>,
): Promise<void> {
  const gateway = await startGatehouse({
    servers: { docs: { upstream: { url: server.url, ...options.upstream }, unlisted: 'allow' } },
    rules: [allowAll('docs')],
    config: ({ port }) => ({ listen: { port, ...options.listen } }),
  })
  const open = async (subject = 'agent-1') => {
    const token = await gateway.token('docs', { subject })
    return await openWs(gateway.url('docs'), { headers: { authorization: `Bearer ${token}` } })
  }
  try {
    await run({ gateway, open })
  } finally {
    gateway.child.signal('SIGKILL')
    await gateway.stop()
  }
}

test('at SIGTERM a silent connection closes with 1001 at once, and a running call is finished first', async () => {
  await withGateway({}, async ({ gateway, open }) => {
    const silent = await open()
    const calling = await open()
    calling.send(callTool('slow', {}, 1))
    await eventually(() => assert.ok(server.seen.at(-1)?.includes('slow')))
    gateway.child.signal('SIGTERM')
    assert.equal((await silent.closed).code, 1001)
    calling.send(callTool('echo', {}, 2))
    assert.equal(((await calling.answer(2))['error'] as { readonly code: number }).code, 1000)
    server.answerSlow()
    assert.ok('result' in (await calling.answer(1)))
    assert.equal((await calling.closed).code, 1001)
    assert.equal(await gateway.child.exited, 0)
  })
})

test('a call that does not end within the drain time is answered with an error, and its connection closed', async () => {
  await withGateway({ listen: { drain: '1s' } }, async ({ gateway, open }) => {
    const calling = await open()
    calling.send(callTool('stuck', {}, 1))
    await eventually(() => assert.ok(server.seen.at(-1)?.includes('stuck')))
    gateway.child.signal('SIGTERM')
    assert.equal(((await calling.answer(1))['error'] as { readonly code: number }).code, 1000)
    assert.equal((await calling.closed).code, 1001)
    assert.equal(await gateway.child.exited, 0)
    const outcomes = (await gateway.audit()).filter(({ type }) => type === 'outcome')
    assert.deepEqual(
      outcomes.map(({ outcome }) => outcome),
      ['shutdown', 'shutdown'],
    )
  })
})

test('a connection on which nothing is said is closed after the idle time', async () => {
  await withGateway({ upstream: { idle_timeout: '1s' } }, async ({ open }) => {
    const ws = await open()
    const { code, reason } = await ws.closed
    assert.deepEqual([code, reason], [1001, 'idle'])
  })
})

test('a call that the server does not answer in time is refused, and the connection goes on', async () => {
  await withGateway({ upstream: { total_timeout: '1s' } }, async ({ open }) => {
    const ws = await open()
    ws.send(callTool('stuck', {}, 1))
    assert.equal(((await ws.answer(1))['error'] as { readonly code: number }).code, 1003)
    ws.send(callTool('echo', {}, 2))
    assert.ok('result' in (await ws.answer(2)))
    ws.socket.close()
  })
})

test('connections beyond those of the caller or of the server are refused, and a closed one makes room', async () => {
  const bounds = { upstream: { max_connections: 3 }, listen: { max_streams_per_caller: 2 } }
  await withGateway(bounds, async ({ open }) => {
    const [first] = [await open(), await open()]
    assert.equal((await open()).status, 429)
    assert.equal((await open('agent-2')).status, 101)
    assert.equal((await open('agent-3')).status, 503)
    first.socket.close()
    await first.closed
    assert.equal((await eventually(async () => await accepted(open('agent-3')))).status, 101)
  })
})

test('a server that cannot be reached is 502 at the handshake', async () => {
  const gone = await startWsServer()
  await gone.stop()
  await withGateway({ upstream: { url: gone.url } }, async ({ open }) => {
    assert.equal((await open()).status, 502)
  })
})

test('a client that does not read holds up its own connection only, and memory stays bounded', async () => {
  await withGateway({}, async ({ gateway, open }) => {
    const lazy = await open()
    lazy.socket.pause()
    const chunk = JSON.stringify({
      jsonrpc: '2.0',
      method: 'notifications/message',
      params: { level: 'info', data: 'x'.repeat(262_144) },
    })
    const { socket } = server.last()
    for (let sent = 0; sent < 400; sent++) socket.send(chunk)
    // What does not fit into sockets and buffers stays with the server: 100 MiB were sent.
    await eventually(async () => {
      const waiting = socket.bufferedAmount
      assert.ok(waiting < 104_000_000)
      await new Promise((resolve) => setTimeout(resolve, 300))
      assert.equal(socket.bufferedAmount, waiting)
    })
    assert.ok(socket.bufferedAmount > 50_000_000, String(socket.bufferedAmount))
    const busy = await open('agent-2')
    busy.send(callTool('echo', {}, 1))
    assert.ok('result' in (await busy.answer(1)))
    assert.match(await gateway.metrics(), /gatehouse_streams_open\{[^}]*websocket[^}]*\} 2/)
    lazy.socket.resume()
    await eventually(() => assert.equal(lazy.received.length, 400))
    lazy.socket.terminate()
  })
})

async function accepted(opening: Promise<BareWs>): Promise<BareWs> {
  const ws = await opening
  assert.equal(ws.status, 101)
  return ws
}

test('TLS both ways: the gateway shows its certificate, and believes only the authority it was told', async () => {
  const [outside, inside] = [createAuthority('outside'), createAuthority('inside')]
  const secured = await startWsServer({
    ...inside.issue('docs'),
    ca: inside.cert,
    requestCert: true,
    rejectUnauthorized: true,
  })
  const [front, up] = [outside.issue('front'), inside.issue('gateway')]
  const upstream = (ca: string) => ({
    upstream: { url: secured.url, tls: { ca, cert: 'up.crt', key: 'up.key' } },
    unlisted: 'allow',
  })
  const gateway = await startGatehouse({
    servers: { docs: upstream('inside.crt'), other: upstream('outside.crt') },
    rules: [allowAll('docs'), allowAll('other')],
    config: ({ port }) => ({
      public_url: `https://127.0.0.1:${port}`,
      listen: { port, tls: { cert: 'front.crt', key: 'front.key' } },
    }),
    files: {
      'front.crt': front.cert,
      'front.key': front.key,
      'up.crt': up.cert,
      'up.key': up.key,
      'inside.crt': inside.cert,
      'outside.crt': outside.cert,
    },
  })
  const open = async (name: string) => {
    const headers = { authorization: `Bearer ${await gateway.token(name)}` }
    return await openWs(gateway.url(name), { headers, ca: outside.cert })
  }
  try {
    const ws = await open('docs')
    ws.send(callTool('echo', {}, 1))
    assert.ok('result' in (await ws.answer(1)))
    ws.socket.close()
    assert.equal((await open('other')).status, 502)
    assert.equal(secured.connections.length, 1)
  } finally {
    await gateway.stop()
    await secured.stop()
  }
})

/** Clients that never end their side of a connection: it is closed all the same, and not only the gateway's side. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { connect } from 'node:net'
import { after, before, test } from 'node:test'

import { eventually } from '../../testkit/eventually.ts'
import type { TestGatehouse } from '../../testkit/gatehouse.ts'
import { allowAll, startGatehouse } from '../../testkit/gatehouse.ts'
import { createRawClient } from '../../testkit/raw-client.ts'
import type { RecordingServer } from '../../testkit/recording-server.ts'
import { startRecordingServer } from '../../testkit/recording-server.ts'
import { stopAll } from '../../testkit/stop-all.ts'

let server: RecordingServer
let gateway: TestGatehouse

before(async () => {
  server = await startRecordingServer()
  gateway = await startGatehouse({
    servers: { docs: { upstream: server.url, unlisted: 'allow' } },
    rules: [allowAll('docs')],
  })
})

after(() => stopAll(gateway, server))

async function send(text: string): Promise<Socket> {
  const port = Number(new URL(gateway.origin).port)
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
  socket.on('error', () => undefined)
  await once(socket, 'connect')
  socket.write(text)
  await once(socket.resume(), 'end')
  return socket
}

test('what is no request costs its sender the connection, whether it ends its side or not', async () => {
  const client = createRawClient(gateway.url('docs'), await gateway.token('docs'))
  const closing = client.text({ more: [['Connection', 'close']] })
  const unreadable = ['GARBAGE\r\n\r\n', closing + closing]
  const sockets = await Promise.all(unreadable.map(send))
  await eventually(async () =>
    assert.match(await gateway.metrics(), /^gatehouse_connections_open 0$/m),
  )
  // The first of both on one connection is a call; what follows its close is none.
  assert.ok(server.calls('tools/call').length <= 1)
  for (const socket of sockets) socket.destroy()
})

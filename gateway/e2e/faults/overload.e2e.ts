/**
 * A process that runs out of descriptors turns away what is new and goes on with what runs, says so, and
 * recovers by itself.
 */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import type { ServerResponse } from 'node:http'
import { after, before, test } from 'node:test'

import { eventually } from '../../testkit/eventually.ts'
import type { TestGatehouse } from '../../testkit/gatehouse.ts'
import { allowAll, startGatehouse } from '../../testkit/gatehouse.ts'
import { createRawClient } from '../../testkit/raw-client.ts'
import type { RawConnection } from '../../testkit/raw-http.ts'
import { openRaw } from '../../testkit/raw-http.ts'
import type { RecordingServer, Seen } from '../../testkit/recording-server.ts'
import { sendJson, startRecordingServer } from '../../testkit/recording-server.ts'
import { callTool } from '../../testkit/rpc.ts'
import { stopAll } from '../../testkit/stop-all.ts'

/** What a shell would say with `ulimit -n`. */
const DESCRIPTORS = 200

/** Looks are a second apart and two must agree; a busy machine takes its time. */
const SOON_MS = 15_000

let server: RecordingServer
let gateway: TestGatehouse
let token: string

/** Calls the server has not answered. */
const hanging: { readonly id: unknown; readonly response: ServerResponse }[] = []

before(async () => {
  server = await startRecordingServer(hang)
  gateway = await startGatehouse({
    servers: {
      docs: { upstream: { url: server.url, max_connections: DESCRIPTORS }, unlisted: 'allow' },
    },
    rules: [allowAll('docs')],
    config: ({ port }) => ({ listen: { port, max_in_flight_per_caller: DESCRIPTORS } }),
  })
  token = await gateway.token('docs')
})

after(() => stopAll(gateway, server))

function hang({ json }: Seen, response: ServerResponse): boolean {
  if (json?.params?.['name'] !== 'hang') return false
  hanging.push({ id: json.id, response })
  return true
}

/** Opens connections of their own and sends a call of this tool on each. */
async function callEach(count: number, tool: string): Promise<readonly RawConnection[]> {
  const body = JSON.stringify(callTool(tool))
  const bytes = createRawClient(gateway.url('docs'), token).text({ body })
  return await Promise.all(
    Array.from({ length: count }, async () => {
      const connection = await openRaw(gateway.origin)
      connection.write(bytes)
      return connection
    }),
  )
}

/** One call on a connection of its own. */
async function call() {
  const [connection] = await callEach(1, 'echo')
  try {
    return await connection!.read()
  } finally {
    connection!.end()
  }
}

async function reads(metric: string, value: number): Promise<void> {
  const line = new RegExp(`^${metric} ${value}$`, 'm')
  await eventually(async () => assert.match(await gateway.metrics(), line), SOON_MS)
}

test('O-11 almost without descriptors what is new is turned away, what runs ends well, and it recovers', async () => {
  const open = Number(/^process_open_fds (\d+)$/m.exec(await gateway.metrics())?.[1])
  execFileSync('prlimit', ['--pid', String(gateway.child.pid), `--nofile=${DESCRIPTORS}`])
  // Each takes two: one of its client's connection and one of the server's.
  const running = await callEach(Math.floor((DESCRIPTORS * 0.96 - open) / 2), 'hang')
  await eventually(() => assert.equal(hanging.length, running.length))
  await reads('gatehouse_overload', 2)

  const refused = await call()
  assert.equal(refused.status, 503)
  assert.match(refused.headers.get('retry-after') ?? '', /^[1-9]\d*$/)
  assert.equal(refused.headers.get('connection'), 'close')
  const { status, json } = await gateway.ready()
  assert.equal(status, 503)
  assert.match(
    JSON.stringify(json['checks']),
    /"load":\{"state":"fail","detail":"9\d % of descriptors/,
  )

  // More than there are: the surplus is dropped, and nothing else happens.
  const surplus = await callEach(DESCRIPTORS, 'echo')
  for (const connection of surplus) connection.end()

  for (const { id, response } of hanging) sendJson(response, { jsonrpc: '2.0', id, result: {} })
  const answers = await Promise.all(running.map((connection) => connection.read()))
  assert.deepEqual(
    answers.filter(({ text }) => !text.includes('"result"')),
    [],
  )
  for (const connection of running) connection.end()
  await reads('gatehouse_overload', 0)
  assert.equal((await call()).status, 200)
  assert.equal((await gateway.ready()).status, 200)
  assert.match(gateway.child.output(), /"shedding".*"shedding_ended"/s)
  assert.doesNotMatch(gateway.child.output(), /"fault"/)
})

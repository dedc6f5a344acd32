/**
 * Clients that ask and do not read. What the server sends them waits at the server: the gateway holds
 * a bounded piece of it, serves everybody else meanwhile, and lets go of a reader that stays away
 * (D-05 of the project's threat model).
 */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { connect } from 'node:net'
import { after, before, describe, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'

import { eventually } from '../../testkit/eventually.ts'
import type { TestGatehouse } from '../../testkit/gatehouse.ts'
import { allowAll, startGatehouse } from '../../testkit/gatehouse.ts'
import type { RawClient } from '../../testkit/raw-client.ts'
import { createRawClient } from '../../testkit/raw-client.ts'
import type { RecordingServer, Seen } from '../../testkit/recording-server.ts'
import { startRecordingServer } from '../../testkit/recording-server.ts'
import { callTool, post } from '../../testkit/rpc.ts'
import { stopAll } from '../../testkit/stop-all.ts'

const MIB = 1_048_576

/** Clients that do not read, at the same time: half of an endless stream, half of large JSON. */
const READERS = 30

/** What the gateway may hold for each of them, once garbage is collected. */
const HELD_BYTES = MIB

/** What sockets between server, gateway and client may hold: the largest buffers of the kernel, twice. */
const SOCKET_BYTES = 20 * MIB

/**
 * From one signal to the next the clock by which the gateway measures runs this many times as fast, so that the
 * half minute a reader is given passes in three seconds. It collects garbage often, so that what is measured is
 * what it holds.
 */
const HASTE = 10
const HASTEN = `
  const now = performance.now.bind(performance)
  let speed = 1, since = 0, then = 0
  performance.now = () => then + (now() - since) * speed
  process.on('SIGUSR2', () => {
    then = performance.now()
    since = now()
    speed = speed === 1 ? ${HASTE} : 1
  })
  setInterval(gc, 250).unref()
`

const LARGE = JSON.stringify({ text: 'x'.repeat(8 * MIB) })
const NOTE = {
  jsonrpc: '2.0',
  method: 'notifications/message',
  params: { data: 'x'.repeat(60_000) },
}
const EVENT = `data: ${JSON.stringify(NOTE)}\n\n`

let server: RecordingServer
let gateway: TestGatehouse
let token: string
let client: RawClient

/** Whoever does not read has been given the time there is. */
const sleepersCut = Promise.withResolvers<void>()

/** Endless streams of the server that nobody reads, and the bytes it could be rid of in them. */
const unread = new Map<ServerResponse, number>()

before(async () => {
  server = await startRecordingServer(largeOrEndless)
  gateway = await startGatehouse({
    servers: {
      docs: { upstream: { url: server.url, total_timeout: '10m' }, unlisted: 'allow' },
    },
    rules: [allowAll('docs')],
    nodeArgs: ['--expose-gc', '--import', `data:text/javascript,${encodeURIComponent(HASTEN)}`],
  })
  token = await gateway.token('docs')
  client = createRawClient(gateway.url('docs'), token)
  await assertServed()
})

after(() => stopAll(gateway, server))

/** `large` is 8 MiB of JSON, the others a stream of events as fast as they are taken. */
function largeOrEndless({ json }: Seen, response: ServerResponse): boolean {
  const name = json?.params?.['name']
  if (name === 'large') {
    response.writeHead(200, { 'content-type': 'application/json' }).end(LARGE)
  } else if (name === 'endless' || name === 'endless-read') {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    stream(response, name === 'endless' ? unread : new Map())
  } else {
    return false
  }
  return true
}

function stream(response: ServerResponse, counts: Map<ServerResponse, number>): void {
  let bytes = 0
  const feed = (): void => {
    let ready = true
    while (ready && !response.destroyed) {
      ready = response.write(EVENT)
      bytes += EVENT.length
      counts.set(response, bytes)
    }
  }
  response.on('drain', feed)
  response.on('close', () => counts.delete(response))
  feed()
}

/** Asks and reads nothing. */
async function askAndSleep(name: string, subject = 'sleeper'): Promise<Socket> {
  const { hostname, port } = new URL(gateway.origin)
  const socket = connect({ host: hostname, port: Number(port) })
  await once(socket, 'connect')
  socket.on('error', () => undefined)
  socket.pause()
  const bearer = await gateway.token('docs', { subject })
  socket.write(client.text({ bearer, body: JSON.stringify(callTool(name)) }))
  return socket
}

async function assertServed(): Promise<void> {
  const started = performance.now()
  const reply = await post(gateway.url('docs'), callTool('echo'), { token })
  assert.equal(reply.status, 200, reply.text)
  // Whoever was held up by them would be until they are cut.
  assert.ok(performance.now() - started < 10_000, `${performance.now() - started} ms`)
}

/** Memory the gateway uses: heap and buffers. */
async function heldBytes(): Promise<number> {
  const text = await gateway.metrics()
  const read = (name: string): number => Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1])
  return read('nodejs_heap_size_used_bytes') + read('nodejs_external_memory_bytes')
}

const pushedBytes = (): number => [...unread.values()].reduce((sum, bytes) => sum + bytes, 0)

/** Outcomes of this caller's calls; those of calls that were cut say so. */
async function outcomesOf(subject: string): Promise<readonly unknown[]> {
  const ended = (await gateway.audit()).filter(
    ({ type, caller }) => type === 'outcome' && (caller as { subject: string }).subject === subject,
  )
  return ended.map(({ outcome }) => outcome)
}

describe('with clients that', { concurrency: true }, () => {
  test('do not read, memory is bounded, nobody is held up, and they are cut at the bound', async (t) => {
    t.after(() => sleepersCut.resolve())
    const before = await heldBytes()
    const names = Array.from({ length: READERS }, (_, at) => (at % 2 === 0 ? 'endless' : 'large'))
    const sockets = await Promise.all(names.map((name) => askAndSleep(name)))
    await eventually(() => assert.equal(unread.size, READERS / 2))

    // The server is made to wait: nothing more is taken from it.
    const pushed = await eventually(async () => {
      const bytes = pushedBytes()
      await pause(300)
      assert.equal(pushedBytes(), bytes)
      return bytes
    })
    assert.ok(pushed < unread.size * SOCKET_BYTES, `${pushed / MIB} MiB were taken`)
    const grown = (await heldBytes()) - before
    assert.ok(grown < READERS * HELD_BYTES, `grew by ${grown / MIB} MiB`)
    for (let at = 0; at < 20; at++) await assertServed()
    assert.equal(unread.size, READERS / 2)
    assert.deepEqual(await outcomesOf('sleeper'), [])

    gateway.child.signal('SIGUSR2')
    await eventually(async () =>
      assert.deepEqual(await outcomesOf('sleeper'), Array(READERS).fill('client_gone')),
    )
    sleepersCut.resolve()
    // What a legacy call still brings is read to a bound, then its connection is given up.
    await eventually(() => assert.equal(unread.size, 0))
    for (const socket of sockets) assert.doesNotMatch(await endOf(socket), /\r\n0\r\n\r\n$/)
    gateway.child.signal('SIGUSR2')
    await eventually(assertServed)
  })

  test('read slowly but do read are not cut', async () => {
    const socket = await askAndSleep('endless-read', 'reader')
    socket.on('data', () => {
      socket.pause()
      setTimeout(() => socket.resume(), 25)
    })
    socket.resume()
    // As long as those who asked at the same time and read nothing.
    await sleepersCut.promise
    assert.deepEqual(await outcomesOf('reader'), [])
    socket.destroy()
  })
})

test('no fault was logged', () => {
  assert.doesNotMatch(gateway.child.output(), /"fault"/)
})

/** The last of what arrives once it is read, up to where the connection breaks. */
async function endOf(socket: Socket): Promise<string> {
  let end = ''
  socket.on('data', (chunk: Buffer) => (end = (end + chunk.toString('latin1')).slice(-100)))
  if (!socket.closed) await once(socket.resume(), 'close')
  return end
}

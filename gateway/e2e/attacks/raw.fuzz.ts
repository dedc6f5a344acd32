/**
 * Bent requests against a running gateway, as bytes. Whatever it makes of them, the server behind must
 * see only what policy allows, in every reading; nothing is answered with a fault, and a good call in
 * between is always served.
 */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'

import * as fc from 'fast-check'

import { eventually } from '../../testkit/eventually.ts'
import { fuzzOptions } from '../../testkit/fuzz.ts'
import type { TestGatehouse } from '../../testkit/gatehouse.ts'
import { startGatehouse } from '../../testkit/gatehouse.ts'
import { mutate, mutation } from '../../testkit/http-mutations.ts'
import type { RawClient } from '../../testkit/raw-client.ts'
import { createRawClient, upgradeTo } from '../../testkit/raw-client.ts'
import { openRaw } from '../../testkit/raw-http.ts'
import type { Tree } from '../../testkit/reader-models.ts'
import { parseTree, READER_MODELS } from '../../testkit/reader-models.ts'
import type { RecordingServer, Seen } from '../../testkit/recording-server.ts'
import { startRecordingServer } from '../../testkit/recording-server.ts'
import { callTool, modern, request } from '../../testkit/rpc.ts'

const RUNS = fuzzOptions({
  what: 'bent HTTP requests to a live gateway',
  test: 5_000,
  prove: 50_000,
})
const COUNT = Number(process.env['GATEHOUSE_HTTP_FUZZ_RUNS'] ?? RUNS.numRuns)

/** A good call is made after so many bent requests. */
const BATCH = 100
/** Connections at a time: fewer than new tokens are verified at once, else some are told to come again. */
const PARALLEL = 50
/** Silence that means that the gateway waits for more of a request. */
const SILENCE_MS = 60

let server: RecordingServer
let gateway: TestGatehouse
let client: RawClient
let token: string

before(async () => {
  server = await startRecordingServer()
  gateway = await startGatehouse({
    servers: { docs: server.url },
    rules: [
      {
        id: 'some',
        effect: 'allow',
        subjects: [{ any: true }],
        tools: ['docs/echo'],
        resources: ['docs:file:///pub/**'],
      },
    ],
    // Every request counts for an address of its own, so that bent tokens do not close the gate for all.
    config: { trusted_proxies: ['127.0.0.1'] },
  })
  token = await gateway.token('docs')
  client = createRawClient(gateway.url('docs'), token)
  assert.equal((await client.send({})).reply.status, 200)
})

after(async () => {
  await server.stop()
  await gateway.stop()
})

/** Good and denied requests; all of them are read correctly by everybody. */
function seeds(): readonly string[] {
  const json = (body: unknown): string => JSON.stringify(body)
  const mirrored = (method: string, params: Readonly<Record<string, unknown>>): string => {
    const { body, headers } = modern(method, params)
    return client.text({ body: json(body), more: Object.entries(headers) })
  }
  const bodies = [
    callTool('echo', { text: 'a'.repeat(40) }),
    callTool('delete_all'),
    request('tools/list'),
    request('resources/read', { uri: 'file:///pub/a' }),
    request('resources/read', { uri: 'file:///priv/b' }),
    request('initialize', { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: {} }),
    { jsonrpc: '2.0', method: 'notifications/initialized' },
  ]
  return [
    ...bodies.map((body) => client.text({ body: json(body) })),
    mirrored('tools/call', { name: 'echo', arguments: {} }),
    mirrored('tools/call', { name: 'delete_all', arguments: {} }),
    mirrored('resources/read', { uri: 'file:///pub/a' }),
    client.text({ method: 'GET', body: '', more: [['Mcp-Session-Id', 'abc']] }),
    client.text({ method: 'DELETE', body: '', more: [['Mcp-Session-Id', 'abc']] }),
    client.text({ method: 'OPTIONS', body: '', bearer: 'none' }),
    client.text({ bearer: 'none', body: json(callTool('echo')) }),
    client.text({ ...upgradeTo('websocket') }),
  ]
}

const oneCase = fc.record({
  seed: fc.nat({ max: 65_535 }),
  changes: fc.array(mutation, { minLength: 1, maxLength: 4 }),
})

test(`of ${COUNT} bent requests the server sees only what policy allows, and every good call is served`, async () => {
  const requests = seeds()
  const cases = fc.sample(oneCase, { numRuns: COUNT, seed: RUNS.seed })
  const statuses = new Map<number, number>()
  let passed = 0
  for (let from = 0; from < cases.length; from += BATCH) {
    const batch = cases.slice(from, from + BATCH).map(({ seed, changes }, at) => {
      const start = requests[seed % requests.length] ?? ''
      const bent = changes.reduce((text, change) => mutate(text, change, requests), start)
      return bent.replace('\r\n', `\r\nX-Forwarded-For: ${addressOf(from + at)}\r\n`)
    })
    const said = await inParallel(batch, PARALLEL, speak)
    for (const [at, all] of said.entries()) {
      for (const status of all) {
        statuses.set(status, (statuses.get(status) ?? 0) + 1)
        // 505 is what an older or newer version of HTTP is told.
        assert.ok(
          status < 500 || status === 505,
          `${status} for case ${from + at}: ${JSON.stringify(batch[at])}`,
        )
      }
    }
    const good = await client.send({})
    assert.equal(good.reply.status, 200, `after case ${from}`)
    for (const seen of server.seen.splice(0)) {
      passed += 1
      const why = forbidden(seen)
      assert.equal(why, undefined, `cases ${from} to ${from + BATCH}: ${show(seen)}`)
    }
  }
  console.log(
    `${passed} of ${COUNT} went up; answers ${JSON.stringify(Object.fromEntries(statuses))}`,
  )
  assert.ok(passed > COUNT / 20, 'enough was served to show something')
  assert.ok((statuses.get(400) ?? 0) > COUNT / 10, 'enough was refused to show something')
  assert.doesNotMatch(gateway.child.output(), /fault|"level":"error"|UnhandledPromise/)
  await eventually(async () => {
    const open = /^gatehouse_connections_open (\d+)$/m.exec(await gateway.metrics())?.[1]
    assert.ok(Number(open) < PARALLEL, `${open} connections are still open`)
  })
})

/** Sends bytes and returns the statuses that came back before the close or a silence. */
async function speak(text: string): Promise<readonly number[]> {
  const connection = await openRaw(gateway.origin)
  connection.write(Buffer.from(text, 'latin1'))
  let length = -1
  while (connection.rest.length > length) {
    length = connection.rest.length
    if (await connection.closes(length === 0 ? SILENCE_MS : SILENCE_MS / 4)) break
  }
  const { rest } = connection
  connection.end()
  return Array.from(rest.matchAll(/HTTP\/1\.1 (\d{3}) /g), ([, status]) => Number(status))
}

async function inParallel<In, Out>(
  items: readonly In[],
  width: number,
  work: (item: In) => Promise<Out>,
): Promise<readonly Out[]> {
  const results: Out[] = []
  let next = 0
  const worker = async (): Promise<void> => {
    for (let at = next++; at < items.length; at = next++) results[at] = await work(items[at]!)
  }
  await Promise.all(Array.from({ length: width }, worker))
  return results
}

function addressOf(at: number): string {
  return `10.${(at >> 16) & 255}.${(at >> 8) & 255}.${at & 255}`
}

const HEADERS_UP = new Set(
  `accept connection content-length content-type host last-event-id mcp-method mcp-name
  mcp-protocol-version mcp-session-id traceparent tracestate`.split(/\s+/),
)

/** What is wrong about a request that went up. */
function forbidden({ method, target, headers, rawHeaders, body }: Seen): string | undefined {
  if (target !== '/mcp') return 'target'
  if (headers.host !== new URL(server.origin).host) return 'host'
  for (const name of Object.keys(headers)) {
    if (!HEADERS_UP.has(name) && !name.startsWith('mcp-param-')) return `header ${name}`
  }
  if (rawHeaders.some((value) => value.includes(token.slice(-40)))) return 'token'
  if (method === 'GET' || method === 'DELETE') return body.length === 0 ? undefined : 'body'
  if (method !== 'POST') return 'method'
  const tree = treeOf(body)
  if (tree === undefined) return 'no JSON'
  for (const [model, find] of Object.entries(READER_MODELS)) {
    const why = forbiddenCall(tree, find)
    if (why !== undefined) return `${model}: ${why}`
  }
  return undefined
}

function treeOf(body: Buffer): Tree | undefined {
  const text = body.toString('utf8')
  try {
    JSON.parse(text)
  } catch {
    return undefined
  }
  return parseTree(text)
}

/** What is wrong about a message as one parser reads it. */
function forbiddenCall(
  tree: Tree,
  find: (tree: Tree | undefined, name: string) => Tree | undefined,
): string | undefined {
  const text = (found: Tree | undefined): string | undefined =>
    found?.kind === 'scalar' && typeof found.value === 'string' ? found.value : undefined
  const method = text(find(tree, 'method'))
  const params = find(tree, 'params')
  switch (method) {
    case 'tools/call':
      return text(find(params, 'name')) === 'echo' ? undefined : 'tool'
    case 'resources/read':
      return text(find(params, 'uri'))?.startsWith('file:///pub/') ? undefined : 'resource'
    case 'tools/list':
    case 'initialize':
    case 'notifications/initialized':
      return undefined
    default:
      return `method ${String(method)}`
  }
}

function show({ method, target, rawHeaders, body }: Seen): string {
  return JSON.stringify({ method, target, rawHeaders, body: body.toString('latin1') })
}

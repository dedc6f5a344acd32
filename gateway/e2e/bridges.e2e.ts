/**
 * A server that knows nothing of us, server-filesystem over stdio, behind the bridges that people put in
 * front of such servers: supergateway and mcp-proxy, by every way they speak but WebSocket, with stock clients.
 */
import assert from 'node:assert/strict'
import { mkdtemp, realpath, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'

import type { Child } from '../testkit/child.ts'
import { NODE, ROOT, startChild } from '../testkit/child.ts'
import { eventually } from '../testkit/eventually.ts'
import { freePort } from '../testkit/free-port.ts'
import type { TestGatehouse } from '../testkit/gatehouse.ts'
import { startGatehouse } from '../testkit/gatehouse.ts'
import { openRaw } from '../testkit/raw-http.ts'
import { connectAuto, connectSse, connectV1, connectV2 } from '../testkit/sdk-client.ts'
import { stopAll } from '../testkit/stop-all.ts'

const PACKAGES = join(ROOT, 'node_modules')
const FILES = join(PACKAGES, '@modelcontextprotocol/server-filesystem/dist/index.js')

let directory = ''
let gateway: TestGatehouse
const bridges: Child[] = []

/** The four ways, each with its upstream as a configuration names it. */
before(async () => {
  directory = await realpath(await mkdtemp(join(tmpdir(), 'gatehouse-bridges-')))
  await writeFile(join(directory, 'hello.txt'), 'hello from a file')
  const supergateway = async (kind: 'streamableHttp' | 'sse'): Promise<number> => {
    const port = await freePort()
    const program = join(PACKAGES, 'supergateway/dist/index.js')
    const server = ['--stdio', `${NODE} ${FILES} ${directory}`]
    const stateful = kind === 'streamableHttp' ? ['--stateful'] : []
    const args = [program, ...server, `--outputTransport=${kind}`, `--port=${port}`, ...stateful]
    const bridge = startChild({ command: NODE, args })
    bridges.push(bridge)
    await bridge.waitFor(/Listening on port|endpoint/i)
    return port
  }
  const proxyPort = await freePort()
  const program = join(PACKAGES, 'mcp-proxy/dist/bin/mcp-proxy.mjs')
  const proxy = startChild({
    command: NODE,
    args: [program, `--port=${proxyPort}`, '--host=127.0.0.1', '--', NODE, FILES, directory],
  })
  bridges.push(proxy)
  const [streamable, events] = await Promise.all([
    supergateway('streamableHttp'),
    supergateway('sse'),
    proxy.waitFor(/starting server on port/i),
  ])
  // It says so before it listens.
  await eventually(async () => (await openRaw(`http://127.0.0.1:${proxyPort}`)).end())
  gateway = await startGatehouse({
    servers: {
      streamable: `http://127.0.0.1:${streamable}/mcp`,
      events: { upstream: { url: `http://127.0.0.1:${events}/sse`, transport: 'sse' } },
      proxy: `http://127.0.0.1:${proxyPort}/mcp`,
      'proxy-events': { upstream: { url: `http://127.0.0.1:${proxyPort}/sse`, transport: 'sse' } },
    },
    rules: [
      {
        id: 'readers',
        effect: 'allow',
        subjects: [{ any: true }],
        tools: ['*/read_text_file', '*/list_*'],
      },
    ],
  })
})

after(async () => {
  await stopAll(gateway, ...bridges)
  await rm(directory, { recursive: true, force: true })
})

const WAYS = [
  ['streamable', 'SDK v1', connectV1],
  ['streamable', 'SDK v2', connectV2],
  ['events', 'SDK v1 over HTTP+SSE', connectSse],
  ['proxy', 'SDK v1', connectV1],
  ['proxy', 'SDK v2 in the modern era', connectAuto],
  ['proxy-events', 'SDK v1 over HTTP+SSE', connectSse],
] as const

for (const [server, client, connect] of WAYS) {
  test(`${client} reads files through ${server}, sees no tool that writes, and cannot call one`, async () => {
    const path = join(directory, 'hello.txt')
    const stock = await connect(gateway.url(server), await gateway.token(server))
    const { tools } = await stock.listTools()
    const names = tools.map(({ name }) => name)
    assert.ok(names.includes('read_text_file'))
    assert.ok(names.every((name) => name === 'read_text_file' || name.startsWith('list_')))
    const read = await stock.callTool({ name: 'read_text_file', arguments: { path } })
    assert.deepEqual(read.content, [{ type: 'text', text: 'hello from a file' }])
    const write = { name: 'write_file', arguments: { path, content: 'overwritten' } }
    await assert.rejects(stock.callTool(write), /Unknown tool: write_file/)
    const again = await stock.callTool({ name: 'read_text_file', arguments: { path } })
    assert.deepEqual(again.content, read.content)
    await stock.close()
  })
}

test('mcp-proxy was spoken to in both eras', async () => {
  await eventually(async () => {
    const records = (await gateway.audit()).filter(({ server }) => server === 'proxy')
    const versions = new Set(records.map(({ version }) => version))
    assert.ok(versions.has('2025-11-25') && versions.has('2026-07-28'), [...versions].join(' '))
  })
})

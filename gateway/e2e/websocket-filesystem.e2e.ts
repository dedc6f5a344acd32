/** A server that knows nothing of us: server-filesystem over stdio, behind supergateway's WebSocket. */
import assert from 'node:assert/strict'
import { mkdtemp, realpath, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'

import type { Child } from '../testkit/child.ts'
import { NODE, ROOT, startChild } from '../testkit/child.ts'
import { freePort } from '../testkit/free-port.ts'
import type { TestGatehouse } from '../testkit/gatehouse.ts'
import { startGatehouse } from '../testkit/gatehouse.ts'
import { stopAll } from '../testkit/stop-all.ts'
import { connectWs } from '../testkit/ws-client.ts'

let directory = ''
let bridge: Child
let gateway: TestGatehouse

before(async () => {
  directory = await realpath(await mkdtemp(join(tmpdir(), 'gatehouse-files-')))
  await writeFile(join(directory, 'hello.txt'), 'hello from a file')
  const port = await freePort()
  const packages = join(ROOT, 'node_modules')
  const server = join(packages, '@modelcontextprotocol/server-filesystem/dist/index.js')
  bridge = startChild({
    command: NODE,
    args: [
      join(packages, 'supergateway/dist/index.js'),
      '--stdio',
      `${NODE} ${server} ${directory}`,
      '--outputTransport=ws',
      `--port=${port}`,
      '--messagePath=/mcp',
    ],
  })
  await bridge.waitFor(/WebSocket endpoint/)
  gateway = await startGatehouse({
    servers: { files: `ws://127.0.0.1:${port}/mcp` },
    rules: [
      {
        id: 'readers',
        effect: 'allow',
        subjects: [{ any: true }],
        tools: ['files/read_text_file', 'files/list_*'],
      },
    ],
  })
})

after(async () => {
  await stopAll(gateway, bridge)
  await rm(directory, { recursive: true, force: true })
})

test('a stock client reads files, sees no tool that writes, and cannot call one', async () => {
  const headers = { authorization: `Bearer ${await gateway.token('files')}` }
  const client = await connectWs(gateway.url('files'), { headers })
  const { tools } = await client.listTools()
  const names = tools.map(({ name }) => name)
  assert.ok(names.includes('read_text_file'))
  assert.ok(names.every((name) => name === 'read_text_file' || name.startsWith('list_')))
  const path = join(directory, 'hello.txt')
  const read = await client.callTool({ name: 'read_text_file', arguments: { path } })
  assert.deepEqual(read.content, [{ type: 'text', text: 'hello from a file' }])
  const write = { name: 'write_file', arguments: { path, content: 'overwritten' } }
  await assert.rejects(client.callTool(write), /Unknown tool: write_file/)
  const again = await client.callTool({ name: 'read_text_file', arguments: { path } })
  assert.deepEqual(again.content, read.content)
  await client.close()
})

test('a name that no list has shown is looked up on the connection', async () => {
  await gateway.child.stop()
  await gateway.restart()
  const headers = { authorization: `Bearer ${await gateway.token('files')}` }
  const client = await connectWs(gateway.url('files'), { headers })
  const listing = await client.callTool({ name: 'list_directory', arguments: { path: directory } })
  assert.match(JSON.stringify(listing.content), /hello\.txt/)
  await assert.rejects(client.callTool({ name: 'list_nothing' }), /Unknown tool: list_nothing/)
  await client.close()
})

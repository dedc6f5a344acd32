/** `Mcp-Param-*` headers on real sockets: those that mirror an argument of a known tool must agree with it. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'

import type { TestGatehouse } from '../testkit/gatehouse.ts'
import { startGatehouse } from '../testkit/gatehouse.ts'
import type { RecordingServer } from '../testkit/recording-server.ts'
import { sendJson, startRecordingServer } from '../testkit/recording-server.ts'
import type { Reply } from '../testkit/rpc.ts'
import { callTool, modern, post } from '../testkit/rpc.ts'
import { stopAll } from '../testkit/stop-all.ts'

let server: RecordingServer
let gateway: TestGatehouse
let token: string

const properties = {
  region: { type: 'string', 'x-mcp-header': 'Region' },
  count: { type: 'integer', 'x-mcp-header': 'Count' },
}

before(async () => {
  server = await startRecordingServer(({ json }, response) => {
    if (json?.method !== 'tools/list') return false
    const tools = ['deploy', 'hidden'].map((name) => ({
      name,
      inputSchema: { type: 'object', properties },
    }))
    sendJson(response, { jsonrpc: '2.0', id: json.id, result: { tools } })
    return true
  })
  const deploy = { id: 'deploy', effect: 'allow', subjects: [{ any: true }] }
  gateway = await startGatehouse({
    servers: { docs: server.url },
    rules: [{ ...deploy, tools: ['docs/deploy'] }],
  })
  token = await gateway.token('docs')
})

after(() => stopAll(gateway, server))

/** A modern call of a tool with these `Mcp-Param-*` headers. */
async function call(
  args: Readonly<Record<string, unknown>>,
  params: Readonly<Record<string, string>>,
  name = 'deploy',
): Promise<Reply> {
  const { body, headers } = modern('tools/call', { name, arguments: args })
  return await post(gateway.url('docs'), body, { token, headers: { ...headers, ...params } })
}

const calls = (): number => server.calls('tools/call').length

test('S-08 a header that disagrees with its argument, or is missing, is -32020 and nothing goes up', async () => {
  const refused = [
    call({ region: 'us' }, { 'mcp-param-region': 'eu' }),
    call({ region: 'us' }, {}),
    call({ region: 'us' }, { 'mcp-param-region': '=?base64?dXM?=' }),
    call({ region: 'us', count: 42 }, { 'mcp-param-region': 'us', 'mcp-param-count': '43' }),
  ]
  for (const { status, json, text } of await Promise.all(refused)) {
    assert.deepEqual([status, json?.error?.code, json?.id], [400, -32020, 1], text)
  }
  assert.equal(calls(), 0)
})

test('S-08 a header that agrees goes up as it came, encoded or not, integers by their value', async () => {
  const served = [
    [{ region: 'us' }, { 'mcp-param-region': 'us' }],
    [{ region: 'ü' }, { 'mcp-param-region': '=?base64?w7w=?=' }],
    [{ count: 42 }, { 'mcp-param-count': '42.0' }],
    [{ region: null }, {}],
    [{}, {}],
  ] as const
  for (const [args, params] of served) {
    const before = calls()
    const { json, text } = await call(args, params)
    assert.ok(json?.result, text)
    assert.equal(calls(), before + 1)
    const { headers } = server.calls('tools/call').at(-1)!
    for (const [name, value] of Object.entries(params)) assert.equal(headers[name], value)
  }
})

test('S-09 a header that mirrors nothing known is forwarded unchanged', async () => {
  const { json, text } = await call({}, { 'mcp-param-foo': ' a=?base64?x ' })
  assert.ok(json?.result, text)
  assert.equal(server.calls('tools/call').at(-1)?.headers['mcp-param-foo'], 'a=?base64?x')
})

test('a hidden tool is unknown whatever its headers say', async () => {
  const lie = await call({ region: 'us' }, { 'mcp-param-region': 'eu' }, 'hidden')
  assert.equal(lie.json?.error?.message, 'Unknown tool: hidden')
})

test('a legacy call has no such headers to check', async () => {
  const before = calls()
  const { json, text } = await post(gateway.url('docs'), callTool('deploy', { region: 'us' }), {
    token,
    headers: { 'mcp-param-region': 'eu' },
  })
  assert.ok(json?.result, text)
  assert.equal(calls(), before + 1)
  assert.equal(server.calls('tools/call').at(-1)?.headers['mcp-param-region'], undefined)
})

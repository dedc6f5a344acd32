/**
 * Headers that mirror the body, and headers that lie about it, on real sockets: what is served goes up
 * with the headers as sent, what is refused leaves the server untouched. The names (S-01 …) are those
 * of the project's threat model; `gateway/mcp` holds the same rules as units.
 */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'

import type { TestGatehouse } from '../../testkit/gatehouse.ts'
import { startGatehouse } from '../../testkit/gatehouse.ts'
import { exchangeRaw, requestText } from '../../testkit/raw-http.ts'
import type { RecordingServer, Seen } from '../../testkit/recording-server.ts'
import { sendJson, startRecordingServer } from '../../testkit/recording-server.ts'
import type { Reply } from '../../testkit/rpc.ts'
import { callTool, MODERN, modern, post, request } from '../../testkit/rpc.ts'
import { stopAll } from '../../testkit/stop-all.ts'

const UMLAUT_TOOL = 'gruß_aus_zürich'
const RESOURCE = 'file:///pub/a'
const ODD_RESOURCE = 'file:///pub/%E4%BD%A0'

let server: RecordingServer
let gateway: TestGatehouse
let token: string

before(async () => {
  server = await startRecordingServer(({ json }, response) => {
    if (json?.method !== 'tools/list') return false
    const tools = ['echo', 'delete_all', UMLAUT_TOOL].map((name) => ({ name, inputSchema: {} }))
    sendJson(response, { jsonrpc: '2.0', id: json.id, result: { tools } })
    return true
  })
  gateway = await startGatehouse({
    servers: { docs: server.url },
    rules: [
      {
        id: 'some',
        effect: 'allow',
        subjects: [{ any: true }],
        tools: ['docs/echo', `docs/${UMLAUT_TOOL}`],
        resources: ['docs:file:///pub/**'],
      },
    ],
  })
  token = await gateway.token('docs')
  // The catalogue learns the names, so that no look-up of the gateway's own is among what is counted.
  await send(modern('tools/list'))
})

after(() => stopAll(server, gateway))

type Message = ReturnType<typeof modern>

const send = ({ body, headers }: Message): Promise<Reply> =>
  post(gateway.url('docs'), body, { token, headers })

const call = (name: string): Message => modern('tools/call', { name, arguments: {} })

/** The message with other headers; an undefined value leaves one out. */
function withHeaders(message: Message, headers: Record<string, string | undefined>): Message {
  const merged = Object.entries({ ...message.headers, ...headers })
  return {
    body: message.body,
    headers: Object.fromEntries(merged.filter((entry): entry is [string, string] => !!entry[1])),
  }
}

/** The message with other values in `params._meta`; an undefined value leaves one out. */
function withMeta(message: Message, meta: Readonly<Record<string, unknown>>): Message {
  const body = structuredClone(message.body) as { params: { _meta: Record<string, unknown> } }
  for (const [name, value] of Object.entries(meta)) {
    const key = `io.modelcontextprotocol/${name}`
    if (value === undefined) delete body.params._meta[key]
    else body.params._meta[key] = value
  }
  return { body, headers: message.headers }
}

const base64 = (text: string): string => `=?base64?${Buffer.from(text).toString('base64')}?=`

const ECHO = call('echo')
const READ = modern('resources/read', { uri: RESOURCE })
const TASK = modern('tasks/get', { taskId: 'task-1' })
const OTHER_VERSION = '2025-11-25'

type Refused = {
  readonly name: string
  readonly message: Message
  readonly rpc: number
  readonly status?: number
}

const REFUSED: readonly Refused[] = [
  {
    name: 'S-01 Mcp-Name of an allowed tool over a denied one',
    message: withHeaders(call('delete_all'), { 'mcp-name': 'echo' }),
    rpc: -32020,
  },
  {
    name: 'S-01 Mcp-Name of a denied tool over an allowed one',
    message: withHeaders(ECHO, { 'mcp-name': 'delete_all' }),
    rpc: -32020,
  },
  {
    name: 'S-01 Mcp-Name of another resource',
    message: withHeaders(READ, { 'mcp-name': 'file:///pub/b' }),
    rpc: -32020,
  },
  {
    name: 'S-01 Mcp-Method of another method',
    message: withHeaders(ECHO, { 'mcp-method': 'tools/list' }),
    rpc: -32020,
  },
  {
    name: 'S-02 no Mcp-Method',
    message: withHeaders(ECHO, { 'mcp-method': undefined }),
    rpc: -32020,
  },
  { name: 'S-02 no Mcp-Name', message: withHeaders(ECHO, { 'mcp-name': undefined }), rpc: -32020 },
  {
    name: 'S-02 no Mcp-Name for a resource',
    message: withHeaders(READ, { 'mcp-name': undefined }),
    rpc: -32020,
  },
  {
    name: 'S-02 no MCP-Protocol-Version',
    message: withHeaders(ECHO, { 'mcp-protocol-version': undefined }),
    rpc: -32020,
  },
  {
    name: 'S-03 Mcp-Method in capitals',
    message: withHeaders(ECHO, { 'mcp-method': 'TOOLS/CALL' }),
    rpc: -32020,
  },
  {
    name: 'S-03 Mcp-Name in capitals',
    message: withHeaders(ECHO, { 'mcp-name': 'ECHO' }),
    rpc: -32020,
  },
  ...[
    { what: 'of another name', header: base64('echo') },
    { what: 'without padding', header: base64(UMLAUT_TOOL).replaceAll('=?=', '?=') },
    { what: 'with stray characters', header: base64(UMLAUT_TOOL).replace('?base64?', '?base64?!') },
    { what: 'of bytes that are no text', header: '=?base64?//79?=' },
    { what: 'in capitals', header: base64(UMLAUT_TOOL).replace('base64', 'BASE64') },
    { what: 'without its end', header: base64(UMLAUT_TOOL).slice(0, -2) },
  ].map(({ what, header }) => ({
    name: `S-05 an encoded name ${what}`,
    message: withHeaders(call(UMLAUT_TOOL), { 'mcp-name': header }),
    rpc: -32020,
  })),
  {
    name: 'S-06 a modern header over a legacy _meta',
    message: withMeta(ECHO, { protocolVersion: OTHER_VERSION }),
    rpc: -32020,
  },
  {
    name: 'S-06 a legacy header over a modern _meta',
    message: withHeaders(ECHO, { 'mcp-protocol-version': OTHER_VERSION }),
    rpc: -32020,
  },
  {
    name: 'S-11 Mcp-Name of another task',
    message: withHeaders(TASK, { 'mcp-name': 'task-2' }),
    rpc: -32020,
  },
  {
    name: 'S-11 no Mcp-Name for a task',
    message: withHeaders(TASK, { 'mcp-name': undefined }),
    rpc: -32020,
  },
  {
    name: '_meta without the protocol version',
    message: withMeta(ECHO, { protocolVersion: undefined }),
    rpc: -32602,
  },
  {
    name: '_meta without the client capabilities',
    message: withMeta(ECHO, { clientCapabilities: undefined }),
    rpc: -32602,
  },
  {
    name: '_meta with a version that is no text',
    message: withMeta(ECHO, { protocolVersion: 20_260_728 }),
    rpc: -32602,
  },
  {
    name: 'a modern request without _meta',
    message: { body: callTool('echo'), headers: ECHO.headers },
    rpc: -32602,
  },
  {
    name: 'initialize under a modern version',
    message: { body: request('initialize', {}), headers: modern('initialize').headers },
    rpc: -32020,
  },
  ...['ping', 'logging/setLevel', 'resources/subscribe', 'resources/unsubscribe', 'tasks/list'].map(
    (method) => ({
      name: `${method}, which the modern revision has not`,
      message: modern(method, { uri: RESOURCE, level: 'info' }),
      rpc: -32601,
      status: 404,
    }),
  ),
  {
    name: 'initialize that claims the modern version',
    message: modern('initialize'),
    rpc: -32601,
    status: 404,
  },
]

for (const { name, message, rpc, status = 400 } of REFUSED) {
  test(`${name} is refused and the server sees nothing`, async () => {
    const seen = server.seen.length
    const reply = await send(message)
    assert.equal(reply.status, status, reply.text)
    assert.equal(reply.json?.error?.code, rpc, reply.text)
    assert.equal(reply.json?.id, 1, 'the id is echoed')
    assert.equal(server.seen.length, seen)
  })
}

test('S-07 a version nobody speaks is refused with the versions served', async () => {
  const seen = server.seen.length
  const old = '1900-01-01'
  const message = withMeta(withHeaders(ECHO, { 'mcp-protocol-version': old }), {
    protocolVersion: old,
  })
  const reply = await send(message)
  assert.equal(reply.status, 400)
  assert.equal(reply.json?.error?.code, -32022)
  assert.deepEqual(reply.json?.error?.data, { supported: [MODERN], requested: old })
  assert.equal(server.seen.length, seen)
})

type Served = { readonly name: string; readonly message: Message }

const SERVED: readonly Served[] = [
  { name: 'a modern call', message: ECHO },
  { name: 'a modern read', message: READ },
  {
    name: 'S-05 a name that must be encoded',
    message: withHeaders(call(UMLAUT_TOOL), { 'mcp-name': base64(UMLAUT_TOOL) }),
  },
  {
    name: 'S-05 a plain name that is encoded all the same',
    message: withHeaders(ECHO, { 'mcp-name': base64('echo') }),
  },
  {
    name: 'S-05 a URI that is encoded all the same',
    message: withHeaders(modern('resources/read', { uri: ODD_RESOURCE }), {
      'mcp-name': base64(ODD_RESOURCE),
    }),
  },
  {
    name: 'S-09 an unknown Mcp-Param',
    message: withHeaders(ECHO, { 'mcp-param-foo': 'Bar, baz =?base64?', 'mcp-param-x': '42' }),
  },
]

const MIRRORED = ['mcp-protocol-version', 'mcp-method', 'mcp-name', 'mcp-param-foo', 'mcp-param-x']

for (const { name, message } of SERVED) {
  test(`${name} is served, and its headers and bytes go up as sent`, async () => {
    const reply = await send(message)
    assert.equal(reply.status, 200, reply.text)
    assert.ok(reply.json?.result, reply.text)
    const seen = lastSeen()
    for (const header of MIRRORED) assert.equal(seen.headers[header], message.headers[header])
    assert.equal(seen.body.toString(), JSON.stringify(message.body))
  })
}

test('S-04 header names in any case and padded values are served', async () => {
  const body = JSON.stringify(ECHO.body)
  const text = requestText({
    target: '/mcp',
    headers: [
      ['Host', new URL(gateway.origin).host],
      ['AUTHORIZATION', `bearer   ${token}`],
      ['content-TYPE', 'application/json'],
      ['mcp-METHOD', '  tools/call\t'],
      ['MCP-NAME', '   echo  '],
      ['mCP-pROTOCOL-vERSION', `\t${MODERN} `],
      ['Content-Length', String(body.length)],
    ],
    body,
  })
  const { reply } = await exchangeRaw(gateway.origin, text)
  assert.equal(reply.status, 200, reply.text)
  const seen = lastSeen()
  assert.equal(seen.headers['mcp-method'], 'tools/call')
  assert.equal(seen.headers['mcp-name'], 'echo')
})

test('S-10 in a legacy request the body decides, whatever Mcp-Name says', async () => {
  const seen = server.calls('tools/call').length
  const lies = { 'mcp-name': 'delete_all', 'mcp-method': 'tools/list' }
  const served = await post(gateway.url('docs'), callTool('echo'), { token, headers: lies })
  assert.ok(served.json?.result, served.text)
  assert.equal(server.calls('tools/call').length, seen + 1)
  const truth = { 'mcp-name': 'echo', 'mcp-method': 'tools/call' }
  const denied = await post(gateway.url('docs'), callTool('delete_all'), { token, headers: truth })
  assert.equal(denied.json?.error?.message, 'Unknown tool: delete_all')
  assert.equal(server.calls('tools/call').length, seen + 1)
})

test('S-11 a task that is not known is refused without asking the server', async () => {
  const seen = server.seen.length
  const reply = await send(TASK)
  assert.equal(reply.json?.error?.code, -32602, reply.text)
  assert.equal(server.seen.length, seen)
})

test('S-08 a header that names no annotated parameter does not change who may call', async () => {
  const lie = withHeaders(call('delete_all'), { 'mcp-param-name': 'echo' })
  const reply = await send(lie)
  assert.equal(reply.json?.error?.message, 'Unknown tool: delete_all')
})

test("a client's response to what was never asked is refused in both eras", async () => {
  const body = { jsonrpc: '2.0', id: 1, result: {} }
  const seen = server.seen.length
  const headers = { 'mcp-protocol-version': MODERN }
  const refused = await post(gateway.url('docs'), body, { token, headers })
  assert.equal(refused.status, 400)
  assert.equal(refused.json?.error?.code, -32600)
  assert.equal(server.seen.length, seen)
  const legacy = await post(gateway.url('docs'), body, { token })
  assert.deepEqual([legacy.status, legacy.json?.error?.code], [400, -32600])
  assert.equal(server.seen.length, seen)
})

const NOTIFICATIONS = [
  { name: 'notifications/cancelled', era: MODERN, status: 202 },
  { name: 'notifications/initialized', era: MODERN, status: 404 },
  { name: 'notifications/progress', era: MODERN, status: 404 },
  { name: 'notifications/made-up', era: MODERN, status: 404 },
  { name: 'notifications/initialized', era: OTHER_VERSION, status: 202 },
  { name: 'notifications/cancelled', era: OTHER_VERSION, status: 202 },
  { name: 'notifications/message', era: OTHER_VERSION, status: 400 },
  { name: 'notifications/made-up', era: OTHER_VERSION, status: 400 },
]

for (const { name, era, status } of NOTIFICATIONS) {
  test(`${name} under ${era} is ${status === 202 ? 'accepted' : 'refused'}`, async () => {
    const seen = server.seen.length
    const body = { jsonrpc: '2.0', method: name, params: { requestId: 7 } }
    const headers = { 'mcp-protocol-version': era }
    const reply = await post(gateway.url('docs'), body, { token, headers })
    assert.equal(reply.status, status, reply.text)
    if (status === 202) assert.equal(reply.text, '')
    assert.equal(server.seen.length, status === 202 ? seen + 1 : seen)
  })
}

test('a notification whose Mcp-Method lies is refused, and one without it is not', async () => {
  const body = { jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 7 } }
  const lie = { 'mcp-protocol-version': MODERN, 'mcp-method': 'tools/call' }
  const refused = await post(gateway.url('docs'), body, { token, headers: lie })
  assert.equal(refused.json?.error?.code, -32020)
  const plain = { 'mcp-protocol-version': MODERN }
  assert.equal((await post(gateway.url('docs'), body, { token, headers: plain })).status, 202)
})

test('a session id and a last event id are not passed on under the modern version', async () => {
  const headers = { 'mcp-session-id': 'abc', 'last-event-id': '9' }
  const reply = await send(withHeaders(ECHO, headers))
  assert.equal(reply.status, 200)
  assert.equal(reply.headers.get('mcp-session-id'), null)
  assert.equal(lastSeen().headers['mcp-session-id'], undefined)
  assert.equal(lastSeen().headers['last-event-id'], undefined)
})

function lastSeen(): Seen {
  const seen = server.seen.at(-1)
  assert.ok(seen)
  return seen
}

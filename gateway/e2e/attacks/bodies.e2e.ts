/**
 * Hostile bodies on real sockets: what is refused, and that the server behind saw none of it. The
 * names (P-01 …) are those of the project's threat model; `gateway/mcp` holds the same cases as units.
 */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'

import { type DocsGateway, startDocsGateway } from '../../testkit/docs-gateway.ts'
import { chunked } from '../../testkit/raw-client.ts'
import { exchangeRaw, requestText } from '../../testkit/raw-http.ts'
import { callTool, request } from '../../testkit/rpc.ts'
import { stopAll } from '../../testkit/stop-all.ts'

let docs: DocsGateway

before(async () => {
  docs = await startDocsGateway({
    docs: { max_body: '1MiB' },
    rules: [
      {
        id: 'echo-only',
        effect: 'allow',
        subjects: [{ any: true }],
        tools: ['docs/echo', 'docs/r*'],
      },
    ],
  })
  // The catalogue learns the names, so that no look-up of the gateway's own is among what is counted.
  await docs.send(request('tools/list'))
})

after(() => stopAll(docs))

const OK = JSON.stringify(callTool('echo'))
const call = (name: string, rest = ''): string =>
  `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"${name}"${rest}}}`
const nested = (depth: number): string =>
  call('echo', `,"arguments":{"a":${'['.repeat(depth)}${']'.repeat(depth)}}`)

type Case = {
  readonly name: string
  readonly body: string | Uint8Array
  readonly status: number
  readonly rpc?: number
  readonly headers?: Readonly<Record<string, string>>
}

const bytes = (...parts: readonly (string | readonly number[])[]): Uint8Array =>
  Buffer.concat(parts.map((part) => Buffer.from(part as string)))

const REFUSED: readonly Case[] = [
  {
    name: 'P-01 two methods, the allowed one first',
    body: '{"jsonrpc":"2.0","id":1,"method":"tools/list","method":"tools/call","params":{"name":"delete_all"}}',
    status: 400,
    rpc: -32700,
  },
  {
    name: 'P-01 two methods, the allowed one last',
    body: '{"jsonrpc":"2.0","id":1,"method":"tools/call","method":"tools/list","params":{"name":"delete_all"}}',
    status: 400,
    rpc: -32700,
  },
  { name: 'P-02 two names', body: call('echo', ',"name":"delete_all"'), status: 400, rpc: -32700 },
  {
    name: 'P-02 two names, reversed',
    body: call('delete_all', ',"name":"echo"'),
    status: 400,
    rpc: -32700,
  },
  {
    name: 'P-03 Method beside method',
    body: '{"jsonrpc":"2.0","id":1,"method":"tools/list","Method":"tools/call","params":{"name":"delete_all"}}',
    status: 400,
  },
  { name: 'P-05 a byte order mark', body: bytes([0xef, 0xbb, 0xbf], OK), status: 400, rpc: -32700 },
  {
    name: 'P-06 a byte that is not UTF-8',
    body: bytes(
      '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo","arguments":{"a":"',
      [0xff],
      '"}}}',
    ),
    status: 400,
    rpc: -32700,
  },
  { name: 'P-08 text behind the document', body: `${OK}x`, status: 400, rpc: -32700 },
  { name: 'P-08 a second document', body: OK + OK, status: 400, rpc: -32700 },
  ...['NaN', 'Infinity', '0x10', '01', '+1', '[1,]', '/**/1', "'a'", '"\u0001"'].map((value) => ({
    name: `P-09 ${JSON.stringify(value)}`,
    body: call('echo', `,"arguments":{"a":${value}}`),
    status: 400,
    rpc: -32700,
  })),
  { name: 'P-11 depth 100,000', body: nested(100_000), status: 400 },
  { name: 'P-12 a batch', body: `[${OK}]`, status: 400, rpc: -32600 },
  { name: 'P-12 an empty batch', body: '[]', status: 400, rpc: -32600 },
  {
    name: 'P-12 a batch with a denied call',
    body: `[${OK},${call('delete_all')}]`,
    status: 400,
    rpc: -32600,
  },
  {
    name: 'P-13 __proto__ at the top',
    body: `{"__proto__":{"isAdmin":true},${OK.slice(1)}`,
    status: 400,
  },
  {
    name: 'P-13 __proto__ in params',
    body: call('echo', ',"__proto__":{"isAdmin":true}'),
    status: 400,
  },
  { name: 'P-14 one byte too many', body: OK.padEnd(1_048_577, ' '), status: 413 },
  { name: 'P-16 a coded body', body: OK, headers: { 'content-encoding': 'gzip' }, status: 415 },
  {
    name: 'P-17 UTF-16',
    body: OK,
    headers: { 'content-type': 'application/json; charset=utf-16' },
    status: 415,
  },
  { name: 'P-18 text/plain', body: OK, headers: { 'content-type': 'text/plain' }, status: 415 },
  ...['null', 'true', '[]', '{}', '1.5', '""'].map((id) => ({
    name: `P-19 the id ${id}`,
    body: `{"jsonrpc":"2.0","id":${id},"method":"tools/call","params":{"name":"echo"}}`,
    status: 400,
    rpc: -32600,
  })),
  {
    name: 'P-20 a denied call without an id',
    body: '{"jsonrpc":"2.0","method":"tools/call","params":{"name":"delete_all"}}',
    status: 400,
  },
  ...['"params":["delete_all"]', '"params":"x"', '"x":1', '"params":{"name":7}', '"params":{}'].map(
    (params) => ({
      name: `P-21 ${params}`,
      body: `{"jsonrpc":"2.0","id":1,"method":"tools/call",${params}}`,
      status: 400,
    }),
  ),
  {
    name: 'P-22 a request with a result',
    body: '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo"},"result":{}}',
    status: 400,
    rpc: -32600,
  },
  {
    name: 'an unknown method',
    body: JSON.stringify(request('tools/destroy')),
    status: 200,
    rpc: -32601,
  },
  { name: 'a hidden tool', body: call('delete_all'), status: 200, rpc: -32602 },
  { name: 'P-07 a lone surrogate in a name', body: call('echo\\ud800'), status: 400 },
]

for (const { name, body, status, rpc, headers } of REFUSED) {
  test(`${name} is refused and the server sees nothing`, async () => {
    const seen = docs.server.seen.length
    const reply = await docs.send(body, headers)
    assert.equal(reply.status, status, reply.text)
    if (rpc !== undefined) assert.equal(reply.json?.error?.code, rpc, reply.text)
    assert.equal(reply.json?.result, undefined)
    assert.equal(docs.server.seen.length, seen)
  })
}

const SERVED: readonly { readonly name: string; readonly body: string }[] = [
  { name: 'P-04 an escaped method', body: OK.replace('tools/call', '\\u0074ools/call') },
  { name: 'P-11 depth 61 of arguments', body: nested(61) },
  {
    name: 'P-10 an id beyond doubles, as text',
    body: OK.replace('"id":1', '"id":"9007199254740993"'),
  },
  { name: 'P-18 a charset', body: OK },
  {
    name: 'P-23 anything unique in arguments',
    body: call(
      'echo',
      ',"arguments":{"name":"delete_all","Name":1,"method":"tools/list","constructor":{},"n":1e400,"big":12345678901234567890}',
    ),
  },
]

for (const { name, body } of SERVED) {
  test(`${name} is served, and its bytes go up unchanged`, async () => {
    const reply = await docs.send(body, { 'content-type': 'application/json;charset=UTF-8' })
    assert.equal(reply.status, 200, reply.text)
    assert.ok(reply.json?.result, reply.text)
    assert.equal(docs.server.seen.at(-1)?.body.toString(), body)
  })
}

test('P-18 a body of no stated type is 415 and the server sees nothing', async () => {
  const seen = docs.server.seen.length
  const response = await fetch(docs.url, {
    method: 'POST',
    headers: { authorization: `Bearer ${docs.token}` },
    // Bytes, because `fetch` states a type for text.
    body: Buffer.from(OK),
  })
  assert.equal(response.status, 415)
  assert.equal(docs.server.seen.length, seen)
})

test('P-14 a chunked body of one byte too many is 413 and the server sees nothing', async () => {
  const seen = docs.server.seen.length
  const headers = [
    ['Host', new URL(docs.gateway.origin).host],
    ['Authorization', `Bearer ${docs.token}`],
    ['Content-Type', 'application/json'],
    ['Transfer-Encoding', 'chunked'],
  ] as const
  const body = chunked(OK.padEnd(1_048_577, ' '))
  const text = requestText({ target: '/mcp', headers, body })
  const { reply } = await exchangeRaw(docs.gateway.origin, text)
  assert.equal(reply.status, 413)
  assert.equal(docs.server.seen.length, seen)
})

test('P-04 an escaped denied name is denied as itself', async () => {
  const seen = docs.server.seen.length
  const reply = await docs.send(call('\\u0064elete_all'))
  assert.equal(reply.json?.error?.code, -32602)
  assert.equal(docs.server.seen.length, seen)
})

test('P-13 a later request is not changed by a prototype member that was refused', async () => {
  await docs.send(`{"__proto__":{"method":"ping"},${OK.slice(1)}`)
  assert.equal((await docs.send(call('delete_all'))).json?.error?.code, -32602)
  assert.ok((await docs.send(OK)).json?.result)
})

test('P-15 many nodes, many keys and a long string are refused quickly, and the next call is served', async () => {
  const objects = call('echo', `,"arguments":{"a":[${'{},'.repeat(250_000)}{}]}`)
  const keys = call(
    'echo',
    `,"arguments":{${Array.from({ length: 60_000 }, (_, at) => `"k${at}":1`).join(',')}}`,
  )
  const started = performance.now()
  for (const body of [objects, keys]) assert.equal((await docs.send(body)).status, 400)
  assert.ok(performance.now() - started < 15_000)
  assert.equal((await docs.send(OK)).status, 200)
})

test('X-18 a hidden tool and one that does not exist are answered in identical bytes', async () => {
  const hidden = await docs.send(call('delete_all'))
  const missing = await docs.send(call('no_such_thing'))
  assert.equal(hidden.status, missing.status)
  assert.equal(hidden.text.replace('delete_all', 'X'), missing.text.replace('no_such_thing', 'X'))
  assert.deepEqual([...hidden.headers.keys()].toSorted(), [...missing.headers.keys()].toSorted())
})

test('X-02 a name that a glob allows but no list shows is answered like any unknown name', async () => {
  const reply = await docs.send(call('read_nothing'))
  assert.equal(reply.json?.error?.message, 'Unknown tool: read_nothing')
  assert.deepEqual(
    docs.server.calls('tools/call').filter(({ json }) => json?.params?.['name'] === 'read_nothing'),
    [],
  )
})

for (const ref of [
  { type: 'ref/prompt', name: 'secret' },
  { type: 'ref/resource', uri: 'file:///secret/{name}' },
]) {
  test(`X-04 completions for a ${ref.type} that no rule allows are refused and the server sees nothing`, async () => {
    const argument = { name: 'a', value: 'b' }
    const reply = await docs.send(JSON.stringify(request('completion/complete', { ref, argument })))
    assert.ok(reply.json?.error !== undefined && reply.json.result === undefined, reply.text)
    assert.deepEqual(docs.server.calls('completion/complete'), [])
  })
}

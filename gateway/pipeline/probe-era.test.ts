import assert from 'node:assert/strict'
import { test } from 'node:test'

import type { McpServer } from '../model/server.ts'
import { Refusal } from '../model/refusal.ts'
import { Secret } from '../model/secret.ts'
import { testServer } from '../testkit/pipeline.ts'
import type { UpstreamRequest } from '../upstream/conversations.ts'
import type { Asking } from './list-on-stream.ts'
import { probeLegacy, probeModern } from './probe-era.ts'

type Said = {
  readonly status?: number
  readonly result?: unknown
  readonly error?: unknown
  /** In place of both. */
  readonly text?: string
  readonly type?: string
  readonly sessionId?: string
}

/** A server that gives one answer to whatever it is asked; undefined: none at all. */
function serverThatSays(said: Said | undefined) {
  const asked: UpstreamRequest[] = []
  const send = (_: McpServer, request: UpstreamRequest) => {
    asked.push(request)
    if (said === undefined) {
      return { answer: Promise.reject(new Refusal('upstream_unavailable')) }
    }
    const { status = 200, type = 'application/json', result, error, text, sessionId } = said
    const body = text ?? JSON.stringify({ jsonrpc: '2.0', id: 'gatehouse-probe', result, error })
    const bytes = Buffer.from(body)
    return {
      answer: Promise.resolve({
        status,
        contentType: type,
        sessionId,
        body: { kind: 'whole', bytes },
      }),
    }
  }
  return { conversations: { send } as unknown as Asking, asked }
}

const modern = (said?: Said) => probeModern(testServer(), serverThatSays(said).conversations)
const legacy = (said?: Said) => probeLegacy(testServer(), serverThatSays(said).conversations)
const error = (code: number, data?: unknown) => ({ code, message: 'no', data })

const NO_METHOD = { status: 404, error: error(-32601) }

test('a server that is discovered speaks what it lists, as far as the gateway does', async () => {
  const lists = (...supportedVersions: unknown[]) => modern({ result: { supportedVersions } })
  assert.deepEqual(await lists('2026-07-28', '2025-11-25'), ['2026-07-28'])
  assert.deepEqual(await lists('2031-01-01', '2025-11-25'), [])
})

test('a server that cannot be discovered speaks no modern version', async () => {
  for (const said of [
    NO_METHOD,
    { error: error(-32601) },
    { status: 400, error: error(-32000) },
    { error: error(-32602) },
    { status: 405, text: '' },
    { status: 404, text: '<html>', type: 'text/html' },
    { result: {} },
    { status: 400, error: error(-32022, { supported: ['2025-11-25'] }) },
  ]) {
    assert.deepEqual(await modern(said), [], JSON.stringify(said))
  }
})

test('a modern server of another version is known by the versions it names', async () => {
  const said = { status: 400, error: error(-32022, { supported: ['2026-07-28', '2031-01-01'] }) }
  assert.deepEqual(await modern(said), ['2026-07-28'])
})

test('the handshake settles on a version, in JSON and on a stream', async () => {
  const result = { protocolVersion: '2025-06-18' }
  assert.deepEqual(await legacy({ result }), ['2025-06-18'])
  const message = JSON.stringify({ jsonrpc: '2.0', id: 'gatehouse-probe', result })
  const text = `event: message\ndata: ${message}\n\n`
  assert.deepEqual(await legacy({ text, type: 'text/event-stream' }), ['2025-06-18'])
})

test('a server that refuses the handshake speaks no legacy version', async () => {
  for (const said of [
    NO_METHOD,
    { status: 400, error: error(-32022, { supported: ['2026-07-28'] }) },
    { status: 400, error: error(-32020) },
  ]) {
    assert.deepEqual(await legacy(said), [], JSON.stringify(said))
  }
})

test('what says nothing of versions tells nothing', async () => {
  const silent: (Said | undefined)[] = [
    undefined,
    { error: error(-32603) },
    { status: 202, text: '' },
    { text: 'not JSON' },
    ...[301, 401, 403, 407, 408, 421, 429, 500, 503].map((status) => ({ ...NO_METHOD, status })),
  ]
  for (const said of silent) {
    assert.equal(await modern(said), undefined, JSON.stringify(said))
    assert.equal(await legacy(said), undefined, JSON.stringify(said))
  }
  for (const code of [-32020, -32021, -32022]) {
    assert.equal(await modern({ status: 400, error: error(code) }), undefined)
  }
  assert.equal(await legacy({ result: { protocolVersion: '2031-01-01' } }), undefined)
})

test('a session that was opened is ended, under the version it agreed on', async () => {
  const said = { result: { protocolVersion: '2025-06-18' }, sessionId: 's-1' }
  const { conversations, asked } = serverThatSays(said)
  await probeLegacy(testServer(), conversations)
  assert.deepEqual(
    asked.map(({ method }) => method),
    ['POST', 'DELETE'],
  )
  const headers = asked[1]?.headers.join() ?? ''
  assert.match(headers, /mcp-session-id,s-1/)
  assert.match(headers, /mcp-protocol-version,2025-06-18/)
})

test('a server is asked with its own credential, or with none', async () => {
  const credential = { kind: 'static', header: 'x-key', value: new Secret('own') } as const
  for (const [server, expected] of [
    [testServer({ credential }), true],
    [testServer(), false],
  ] as const) {
    for (const probe of [probeModern, probeLegacy]) {
      const { conversations, asked } = serverThatSays(NO_METHOD)
      await probe(server, conversations)
      const headers = asked[0]?.headers ?? []
      assert.equal(headers.includes('x-key'), expected)
      assert.equal(headers.includes('authorization'), false)
    }
  }
})

test('the modern question mirrors its method and version, as the revision asks', async () => {
  const { conversations, asked } = serverThatSays(NO_METHOD)
  await probeModern(testServer(), conversations)
  const headers = asked[0]?.headers.join() ?? ''
  assert.match(headers, /mcp-protocol-version,2026-07-28,mcp-method,server\/discover/)
})

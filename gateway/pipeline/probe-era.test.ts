import assert from 'node:assert/strict'
import { test } from 'node:test'

import { LEGACY_VERSIONS, NOTHING_KNOWN } from '../mcp/spoken.ts'
import type { McpServer } from '../model/server.ts'
import { Refusal } from '../model/refusal.ts'
import { Secret } from '../model/secret.ts'
import { testServer } from '../testkit/pipeline.ts'
import type { UpstreamRequest } from '../upstream/conversations.ts'
import type { Asking } from './list-on-stream.ts'
import { lacksStill, probeEras } from './probe-era.ts'

type Said = {
  readonly status?: number
  readonly result?: unknown
  readonly error?: unknown
  /** In place of both. */
  readonly text?: string
  readonly type?: string
  readonly sessionId?: string
}

/** What a server says to each method; undefined: nothing at all. */
type Manners = Readonly<Record<string, Said | undefined>>

function serverThatSays(manners: Manners) {
  const asked: (UpstreamRequest & { readonly what: string })[] = []
  const send = (_: McpServer, request: UpstreamRequest) => {
    const text = Buffer.from(request.body ?? []).toString()
    const what = text === '' ? request.method : (JSON.parse(text) as { method: string }).method
    asked.push({ ...request, what })
    const said = manners[what]
    if (said === undefined) return { answer: Promise.reject(new Refusal('upstream_unavailable')) }
    const { status = 200, type: contentType = 'application/json', sessionId } = said
    const { result, error } = said
    const whole = said.text ?? JSON.stringify({ jsonrpc: '2.0', id: ID, result, error })
    const body = { kind: 'whole', bytes: Buffer.from(whole) }
    return { answer: Promise.resolve({ status, contentType, sessionId, body }) }
  }
  return { conversations: { send } as unknown as Asking, asked }
}

const ID = 'gatehouse-probe'

/** What is found out, and by asking what. */
async function probe(discover: Said | undefined, initialize?: Said, server = testServer()) {
  const manners = { 'server/discover': discover, initialize, DELETE: {} }
  const { conversations, asked } = serverThatSays(manners)
  const spoken = await probeEras(server, conversations)
  return { spoken, asked, whats: asked.map(({ what }) => what) }
}

const error = (code: number, data?: unknown) => ({ code, message: 'no', data })
const lists = (...supportedVersions: unknown[]): Said => ({ result: { supportedVersions } })
const agrees = (protocolVersion: string): Said => ({ result: { protocolVersion } })

const NO_METHOD = { status: 404, error: error(-32601) }
const PAGE = { status: 404, text: '<html>', type: 'text/html' }

test('a server that has never heard of server/discover is a legacy one and is asked no more', async () => {
  for (const discover of [
    NO_METHOD,
    { error: error(-32601) },
    { status: 400, error: error(-32000) },
    { error: error(-32602) },
    { result: {} },
  ]) {
    const { spoken, whats } = await probe(discover, agrees('2025-11-25'))
    assert.deepEqual(spoken, { modern: [], legacy: LEGACY_VERSIONS }, JSON.stringify(discover))
    assert.deepEqual(whats, ['server/discover'])
  }
})

test('a server that is discovered speaks what it lists as far as the gateway does, and is asked for the rest', async () => {
  const { spoken, whats } = await probe(lists('2026-07-28', '2031-01-01'), NO_METHOD)
  assert.deepEqual(spoken, { modern: ['2026-07-28'], legacy: [] })
  assert.deepEqual(whats, ['server/discover', 'initialize'])
  const both = await probe(lists('2026-07-28'), agrees('2025-06-18'))
  assert.deepEqual(both.spoken, { modern: ['2026-07-28'], legacy: ['2025-06-18'] })
  const other = { status: 400, error: error(-32022, { supported: ['2025-11-25'] }) }
  assert.deepEqual((await probe(other, agrees('2025-11-25'))).spoken, {
    modern: [],
    legacy: ['2025-11-25'],
  })
})

test('a no without a word of MCP counts once the handshake says the same', async () => {
  for (const discover of [PAGE, { status: 405, text: '' }, { status: 404, error: error(1000) }]) {
    const { spoken } = await probe(discover, agrees('2025-11-25'))
    assert.deepEqual(spoken, { modern: [], legacy: ['2025-11-25'] })
    assert.deepEqual((await probe(discover, PAGE)).spoken, { modern: [], legacy: [] })
    assert.deepEqual((await probe(discover, undefined)).spoken, { modern: [], legacy: undefined })
  }
})

test('the handshake may be answered on a stream, and refused in any way', async () => {
  const message = JSON.stringify({ jsonrpc: '2.0', id: ID, ...agrees('2025-06-18') })
  const text = `event: message\ndata: ${message}\n\n`
  const streamed = await probe(lists('2026-07-28'), { text, type: 'text/event-stream' })
  assert.deepEqual(streamed.spoken.legacy, ['2025-06-18'])
  for (const initialize of [NO_METHOD, PAGE, { status: 400, error: error(-32022) }]) {
    assert.deepEqual((await probe(lists('2026-07-28'), initialize)).spoken.legacy, [])
  }
})

const SILENT: readonly (Said | undefined)[] = [
  undefined,
  { error: error(-32603) },
  { status: 202, text: '' },
  { text: 'not JSON' },
  ...[301, 401, 403, 407, 408, 421, 429, 500, 503].map((status) => ({ ...NO_METHOD, status })),
]

test('what says nothing of versions tells nothing', async () => {
  for (const said of SILENT) {
    assert.deepEqual(await probe(said).then(({ spoken }) => spoken), NOTHING_KNOWN)
    const { spoken } = await probe(lists('2026-07-28'), said)
    assert.deepEqual(spoken, { modern: ['2026-07-28'], legacy: undefined }, JSON.stringify(said))
  }
  for (const code of [-32020, -32021, -32022]) {
    assert.deepEqual((await probe({ status: 400, error: error(code) })).spoken, NOTHING_KNOWN)
  }
  const strange = await probe(lists('2026-07-28'), agrees('2031-01-01'))
  assert.equal(strange.spoken.legacy, undefined)
})

test('a server lacks an era until it answers for it, or no longer answers', async () => {
  const lacks = (missing: 'legacy' | 'modern', said: Said | undefined) =>
    lacksStill(
      missing,
      testServer(),
      serverThatSays({ 'server/discover': said, initialize: said, DELETE: {} }).conversations,
    )
  for (const said of [NO_METHOD, PAGE]) {
    assert.equal(await lacks('modern', said), true)
    assert.equal(await lacks('legacy', said), true)
  }
  assert.equal(await lacks('modern', lists('2026-07-28')), false)
  assert.equal(await lacks('legacy', agrees('2025-11-25')), false)
  for (const said of SILENT) {
    assert.equal(await lacks('modern', said), false)
    assert.equal(await lacks('legacy', said), false)
  }
})

test('a session that was opened is ended, under the version it agreed on', async () => {
  const opened = { ...agrees('2025-06-18'), sessionId: 's-1' }
  const { asked, whats } = await probe(lists('2026-07-28'), opened)
  assert.deepEqual(whats, ['server/discover', 'initialize', 'DELETE'])
  const headers = asked[2]?.headers.join() ?? ''
  assert.match(headers, /mcp-session-id,s-1/)
  assert.match(headers, /mcp-protocol-version,2025-06-18/)
})

test('a server is asked with its own credential, or with none', async () => {
  const credential = { kind: 'static', header: 'x-key', value: new Secret('own') } as const
  for (const [server, expected] of [
    [testServer({ credential }), true],
    [testServer(), false],
  ] as const) {
    const { asked } = await probe(PAGE, NO_METHOD, server)
    assert.deepEqual(
      asked.map(({ headers }) => [headers.includes('x-key'), headers.includes('authorization')]),
      [
        [expected, false],
        [expected, false],
      ],
    )
  }
})

test('the modern question mirrors its method and version, as the revision asks', async () => {
  const { asked } = await probe(NO_METHOD)
  const headers = asked[0]?.headers.join() ?? ''
  assert.match(headers, /mcp-protocol-version,2026-07-28,mcp-method,server\/discover/)
})

import assert from 'node:assert/strict'
import { test } from 'node:test'

import { Refusal } from '../model/refusal.ts'
import { testServer } from '../testkit/pipeline.ts'
import type { Sink } from '../upstream/answer.ts'
import type { UpstreamRequest } from '../upstream/conversations.ts'
import type { Asking } from './list-on-stream.ts'
import { listOnStream } from './list-on-stream.ts'

const SERVER = testServer({
  upstream: { ...testServer().upstream, transport: 'sse', origin: 'http://up.test', path: '/sse' },
})

type Message = { readonly id?: unknown; readonly method: string; readonly params?: unknown }

/** What the server does; anything not said is as a good server does it, with two pages. */
type Behaviour = {
  readonly opens?: { readonly status: number; readonly contentType?: string }
  readonly endpoint?: string
  /** Status of the answer to a POST of this method. */
  readonly takes?: Readonly<Record<string, number>>
  /** The stream breaks off instead of answering this method. */
  readonly breaksAt?: string
}

function serverThat({ opens, endpoint = '/m?s=1', takes = {}, breaksAt }: Behaviour) {
  const posts: { readonly path: string | undefined; readonly message: Message }[] = []
  const state = { sink: undefined as Sink | undefined, closed: false, timeouts: new Set<unknown>() }
  const say = (text: string): void => void state.sink?.write(Buffer.from(text))
  const stream = {
    abort: () => void (state.closed = true),
    pipe: (sink: Sink) => {
      state.sink = sink
      say(`: hello\n\nevent: endpoint\ndata: ${endpoint}\n\n`)
    },
  }
  const reply = ({ id, method, params }: Message): void => {
    if (method === breaksAt) return state.sink?.fail(new Refusal('upstream_unavailable'))
    if (id === undefined) return
    say('data: {"jsonrpc":"2.0","id":9,"method":"roots/list"}\n\n')
    const isLast = JSON.stringify(params).includes('more')
    const result =
      method === 'initialize' ? {} : { tools: [], ...(!isLast && { nextCursor: 'more' }) }
    say(`event: message\ndata: ${JSON.stringify({ jsonrpc: '2.0', id, result })}\n\n`)
  }
  const send = (_server: unknown, request: UpstreamRequest) => {
    state.timeouts.add(request.timeoutMs)
    if (request.method === 'GET') {
      const { status, contentType } = {
        contentType: 'text/event-stream',
        ...(opens ?? { status: 200 }),
      }
      return {
        answer: Promise.resolve({ status, contentType, body: { kind: 'stream', source: stream } }),
      }
    }
    const message = JSON.parse(Buffer.from(request.body ?? []).toString()) as Message
    posts.push({ path: request.path, message })
    const status = takes[message.method] ?? 202
    if (status === 202) reply(message)
    return { answer: Promise.resolve({ status }) }
  }
  return { conversations: { send } as unknown as Asking, posts, state }
}

/** Looks up, and tells which pages were read. */
async function lookUp(behaviour: Behaviour, maxPages = 5) {
  const server = serverThat(behaviour)
  const pages: string[] = []
  const outcome = await listOnStream(SERVER, server.conversations, {
    method: 'tools/list',
    maxPages,
    timeoutMs: 2_000,
    learn: (response, id) => {
      pages.push(id)
      const read = JSON.parse(Buffer.from(response).toString()) as {
        result: { nextCursor?: string }
      }
      return read.result.nextCursor
    },
  }).then(
    () => 'listed',
    (error: unknown) => (error instanceof Refusal ? error.code : error),
  )
  return { outcome, pages, ...server }
}

test('a list is read page by page in a session of its own, which is then over', async () => {
  const { outcome, pages, posts, state } = await lookUp({})
  assert.equal(outcome, 'listed')
  assert.deepEqual(pages, ['"page-0"', '"page-1"'])
  assert.deepEqual(
    posts.map(({ path, message }) => [path, message.method]),
    [
      ['/m?s=1', 'initialize'],
      ['/m?s=1', 'notifications/initialized'],
      ['/m?s=1', 'tools/list'],
      ['/m?s=1', 'tools/list'],
    ],
  )
  assert.equal(state.closed, true)
  assert.deepEqual([...state.timeouts], [2_000])
})

test('no more pages are read than may be', async () => {
  assert.deepEqual((await lookUp({}, 1)).pages, ['"page-0"'])
})

test('a server that cannot list is not available, and its session is given up', async () => {
  for (const behaviour of [
    { opens: { status: 502 } },
    { opens: { status: 403 } },
    { takes: { initialize: 401 } },
    { takes: { 'tools/list': 404 } },
    { opens: { status: 200, contentType: 'text/html' } },
    { takes: { initialize: 500 } },
    { breaksAt: 'initialize' },
    { breaksAt: 'tools/list' },
  ]) {
    const { outcome, state } = await lookUp(behaviour)
    assert.deepEqual([outcome, state.closed], ['upstream_unavailable', true])
  }
})

test('nothing is POSTed to an endpoint at another origin', async () => {
  const { outcome, posts } = await lookUp({ endpoint: 'http://evil.test/m' })
  assert.deepEqual([outcome, posts], ['upstream_unavailable', []])
})

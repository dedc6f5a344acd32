import assert from 'node:assert/strict'
import { test } from 'node:test'

import type { Call } from '../model/call.ts'
import { Refusal } from '../model/refusal.ts'
import { testCaller, testPins, testSeat, testSwaps } from '../testkit/pipeline.ts'
import type { Answer } from '../upstream/answer.ts'
import { createCatalogue } from './catalogue.ts'
import type { Seat } from './frame.ts'
import { createLookUp } from './look-up.ts'

type Page = {
  readonly status?: number
  readonly result?: unknown
  readonly text?: (id: string) => string
  readonly contentType?: string
  /** How long it takes. */
  readonly tookMs?: number
}

/** A server that answers list after list with these pages, the last again and again. */
function lookUpAt(pages: readonly Page[]) {
  const asked: { body: string; headers: readonly string[]; timeoutMs: number | undefined }[] = []
  let nowMs = 0
  const lookUp = createLookUp({
    pins: testPins(),
    catalogue: createCatalogue(),
    swaps: testSwaps(),
    tick: () => nowMs,
    conversations: {
      send: (_server, { body, headers, timeoutMs }) => {
        const page = pages[Math.min(asked.length, pages.length - 1)] ?? {}
        const text = Buffer.from(body ?? []).toString()
        asked.push({ body: text, headers, timeoutMs })
        nowMs += page.tookMs ?? 0
        return { answer: Promise.resolve(answerOf(page, JSON.stringify(JSON.parse(text).id))) }
      },
    },
  })
  const knows = (name: string, seat: Seat = seatOf(), call: Partial<Call> = {}) =>
    lookUp({ kind: 'tool', name, call: { ...CALL, ...call }, seat })
  return { knows, asked, wait: (ms: number) => (nowMs += ms) }
}

function answerOf(page: Page, id: string): Answer {
  const { status = 200, result, contentType = 'application/json' } = page
  const text = page.text?.(id) ?? `{"jsonrpc":"2.0","id":${id},"result":${JSON.stringify(result)}}`
  return {
    status,
    contentType,
    contentEncoding: undefined,
    sessionId: undefined,
    retryAfter: undefined,
    allow: undefined,
    body: { kind: 'whole', bytes: Buffer.from(text) },
  }
}

const CALL: Call = {
  direction: 'up',
  kind: 'request',
  era: 'legacy',
  version: '2025-11-25',
  method: 'tools/call',
  needs: 'targets',
  targets: [],
  id: '1',
  arguments: undefined,
  spans: {},
}

function seatOf(sessionId?: string, subject = 'agent-1'): Seat {
  const seat = testSeat({
    head: { sessionId, lastEventId: '7', name: 'x', params: ['mcp-param-a', 'b'] },
  })
  seat.journey.caller = testCaller({ subject })
  return seat
}

const TOOLS = { result: { tools: [{ name: 'echo' }] } }

async function codeOf(work: Promise<unknown>): Promise<unknown> {
  try {
    return await work
  } catch (error) {
    assert.ok(error instanceof Refusal)
    return error.code
  }
}

test('a name is known when the list has it, and unknown when it has not', async () => {
  const { knows, asked } = lookUpAt([TOOLS])
  assert.equal(await knows('echo'), true)
  assert.equal(await knows('ghost'), false)
  assert.equal(asked.length, 1)
})

test('a session is asked again a second after it has answered, however long it took', async () => {
  const { knows, asked, wait } = lookUpAt([{ ...TOOLS, tookMs: 1_900 }])
  await knows('ghost')
  wait(1_000)
  await knows('ghost')
  assert.equal(asked.length, 1)
  wait(1)
  await knows('ghost')
  assert.equal(asked.length, 2)
})

for (const status of [202, 204, 301, 400, 401, 403, 404, 408, 429, 500, 503]) {
  test(`an answer with ${status} outside a session lists nothing`, async () => {
    const { knows } = lookUpAt([{ status, text: () => '' }])
    assert.equal(await codeOf(knows('ghost')), 'upstream_unavailable')
  })
}

test('only 404 and 400 in a legacy session leave the answer to the server', async () => {
  for (const status of [400, 404]) {
    const { knows } = lookUpAt([{ status, text: () => '' }])
    assert.equal(await knows('ghost', seatOf('ended')), true)
    assert.equal(await codeOf(knows('ghost', seatOf())), 'upstream_unavailable')
    const modern = { era: 'modern', version: '2026-07-28' } as const
    assert.equal(await codeOf(knows('ghost', seatOf('ended'), modern)), 'upstream_unavailable')
  }
  for (const status of [401, 403, 408, 429, 500]) {
    const { knows } = lookUpAt([{ status, text: () => '' }])
    assert.equal(await codeOf(knows('ghost', seatOf('s'))), 'upstream_unavailable')
  }
})

test('a session that is unknown says nothing about another session of the same caller', async () => {
  const { knows } = lookUpAt([{ status: 404, text: () => '' }, TOOLS])
  assert.equal(await knows('ghost', seatOf('made-up')), true)
  assert.equal(await knows('ghost', seatOf('real')), false)
})

test('all pages are read, and share one deadline', async () => {
  const first = { result: { tools: [{ name: 'echo' }], nextCursor: 'c"1' } }
  const { knows, asked } = lookUpAt([first, { result: { tools: [{ name: 'late' }] } }])
  assert.equal(await knows('late'), true)
  assert.equal(JSON.parse(asked[1]?.body ?? '').params.cursor, 'c"1')

  const slow = lookUpAt([{ result: { tools: [{ name: 'a' }], nextCursor: '' }, tookMs: 900 }])
  assert.equal(await codeOf(slow.knows('ghost')), 'upstream_timeout')
  assert.deepEqual(
    slow.asked.map(({ timeoutMs }) => timeoutMs),
    [2_000, 1_100, 200],
  )
  assert.equal(await slow.knows('a'), true)
})

test('a list without an end is read for fifty pages', async () => {
  const { knows, asked } = lookUpAt([{ result: { tools: [], nextCursor: 'more' } }])
  assert.equal(await knows('ghost'), false)
  assert.equal(asked.length, 50)
})

test('a caller with ever new sessions is bounded, other callers are not, and a second later it may again', async () => {
  const { knows, asked, wait } = lookUpAt([TOOLS])
  for (let at = 0; at < 5; at++) assert.equal(await knows('ghost', seatOf(`s${at}`)), false)
  for (let at = 5; at < 50; at++) {
    assert.equal(await codeOf(knows('ghost', seatOf(`s${at}`))), 'upstream_unavailable')
  }
  assert.equal(asked.length, 5)
  assert.equal(await knows('ghost', seatOf('s0', 'agent-2')), false)
  assert.equal(await knows('echo', seatOf('s60')), true)
  wait(1_001)
  assert.equal(await knows('ghost', seatOf('s5')), false)
})

test('callers do not share what a session was told', async () => {
  const { knows, asked } = lookUpAt([{ result: { tools: [] } }])
  await knows('ghost', seatOf('s'))
  await knows('ghost', seatOf('s', 'agent-2'))
  assert.equal(asked.length, 2)
})

test('many sessions of one caller that begin at once cost one look-up when it names the tool', async () => {
  const { knows, asked } = lookUpAt([TOOLS])
  const all = Array.from({ length: 100 }, (_, at) => knows('echo', seatOf(`s${at}`)))
  assert.deepEqual(new Set(await Promise.all(all)), new Set([true]))
  assert.equal(asked.length, 1)
})

test('on a stream the response is found among other messages, and only our own counts', async () => {
  const events = (id: string, other: string): string =>
    [
      '{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":1}}',
      `{"jsonrpc":"2.0","id":${other},"result":{"tools":[{"name":"foreign"}]}}`,
      `{"jsonrpc":"2.0","id":${id},"result":{"tools":[{"name":"echo"}]}}`,
    ]
      .map((data) => `data: ${data}\n\n`)
      .join('')
  const contentType = 'text/event-stream'
  const { knows } = lookUpAt([{ contentType, text: (id) => events(id, '1') }])
  assert.equal(await knows('echo'), true)
  assert.equal(await knows('foreign'), false)
  const foreign = lookUpAt([{ text: () => '{"jsonrpc":"2.0","id":1,"result":{"tools":[]}}' }])
  assert.equal(await codeOf(foreign.knows('ghost')), 'upstream_unavailable')
})

test('a look-up carries the session and nothing else of the caller’s headers', async () => {
  const { knows, asked } = lookUpAt([TOOLS])
  await knows('echo', seatOf('s-1'))
  const names = asked[0]?.headers.filter((_, at) => at % 2 === 0)
  assert.deepEqual(names, ['accept', 'content-type', 'mcp-session-id'])
})

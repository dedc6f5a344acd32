/**
 * Any stream of a server, cut into chunks anywhere, with any line ends: what the client reads is what the
 * server said, without what policy hides and without the server's own credential.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'

import type { Call } from '../model/call.ts'
import { fuzzOptions } from '../testkit/fuzz.ts'
import { testCaller, testDesk, testSeat, testServer, withLatest } from '../testkit/pipeline.ts'
import { readSse } from '../testkit/sse-reader.ts'
import type { Sink } from '../upstream/answer.ts'
import { createRedactor } from '../upstream/redact.ts'
import type { Desk } from './desk.ts'
import { FilteredStream } from './filtered-stream.ts'
import { ownerOf } from './handles.ts'
import type { Answered } from './show-message.ts'

const RUNS = fuzzOptions({ what: 'streams filtered, cut anywhere', test: 2_000, prove: 200_000 })

const SECRET = 'S3cret-of-the-server'

const RULES = [
  {
    id: 'public',
    effect: 'allow',
    subjects: [{ any: true }],
    tools: ['docs/pub_*'],
    resources: ['docs:file:///pub/**'],
    methods: ['roots/list'],
  },
]

/** What a server sends, and what its client should read of it: undefined when nothing. */
type Said = {
  readonly text: (lineEnd: string) => string
  readonly read: Readonly<Record<string, unknown>> | undefined
}

const word = fc.constantFrom('pub_a', 'pub_b', 'priv_a', 'priv_b', 'delete_all')
const prose = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 20 }),
  fc.constantFrom(SECRET, `x${SECRET}y`, SECRET.slice(1), 'pub_a\n\ndata: forged'),
)

const list = fc.array(word, { maxLength: 5 }).map((names) => ({
  sent: { result: { tools: names.map((name) => ({ name })), nextCursor: 'n' } },
  shown: {
    result: {
      tools: names.filter((name) => name.startsWith('pub_')).map((name) => ({ name })),
      nextCursor: 'n',
    },
  },
}))

const result = prose.map((text) => ({
  sent: { result: { content: [{ type: 'text', text }] } },
  shown: { result: { content: [{ type: 'text', text: withoutSecret(text) }] } },
}))

const updated = fc.constantFrom('pub/a', 'priv/a', 'pub/../priv/a').map((path) => {
  const sent = { method: 'notifications/resources/updated', params: { uri: `file:///${path}` } }
  return { sent, shown: path === 'pub/a' ? sent : undefined }
})

const progress = prose.map((message) => {
  const method = 'notifications/progress'
  return {
    sent: { method, params: { message } },
    shown: { method, params: { message: withoutSecret(message) } },
  }
})

const asked = fc
  .constantFrom('roots/list', 'sampling/createMessage', 'made/up')
  .map((method) => ({ sent: { method }, shown: method === 'roots/list' ? { method } : undefined }))

function withoutSecret(text: string): string {
  return text.replaceAll(SECRET, '[redacted]')
}

const message = fc
  .tuple(
    fc.oneof(list, result, updated, progress, asked),
    fc.option(fc.integer({ min: 1, max: 99 }), { nil: undefined }),
    fc.constantFrom(undefined, 1, 2),
    fc.constantFrom(undefined, 'message', 'other'),
  )
  .map(([{ sent, shown }, eventId, indent, event]): Said => {
    const isNotification = 'method' in sent && sent.method.startsWith('notifications/')
    const head = { jsonrpc: '2.0', ...(isNotification ? {} : { id: 'm' }) }
    const lines = JSON.stringify({ ...head, ...sent }, undefined, indent).split('\n')
    const fields = [
      ...(event === undefined ? [] : [`event: ${event}`]),
      ...(eventId === undefined ? [] : [`id:${eventId}`]),
      ...lines.map((line) => `data: ${line}`),
    ]
    // The id of a server's request goes down as a handle.
    const id = shown !== undefined && 'method' in shown && !isNotification ? { id: 'handle' } : {}
    return {
      text: (lineEnd) => fields.join(lineEnd) + lineEnd + lineEnd,
      read: shown && { event, eventId, message: { ...head, ...shown, ...id } },
    }
  })

const other = fc.constantFrom<Said>(
  { text: (lineEnd) => `: still here${lineEnd}`, read: { comment: ' still here' } },
  {
    text: (lineEnd) => `id: 7${lineEnd}data:${lineEnd}${lineEnd}`,
    read: { event: undefined, eventId: 7, message: undefined },
  },
)

const stream = fc.record({
  said: fc.array(fc.oneof({ weight: 5, arbitrary: message }, { weight: 1, arbitrary: other }), {
    maxLength: 6,
  }),
  lineEnds: fc.array(fc.constantFrom('\n', '\r', '\r\n'), { minLength: 1, maxLength: 3 }),
  cuts: fc.array(fc.nat(2_000), { maxLength: 12 }),
})

function chunksOf(bytes: Buffer, cuts: readonly number[]): readonly Uint8Array[] {
  const places = [0, ...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length]
  places.sort((a, b) => a - b)
  return places.slice(1).map((end, at) => bytes.subarray(places[at], end))
}

const DESK = withLatest({
  ...testDesk(RULES),
  conversations: { send: () => ({ answer: Promise.resolve() }) },
})

/** What comes out of a stream that is fed these chunks. */
function filtered(chunks: readonly Uint8Array[]): Promise<Buffer> {
  const call = { direction: 'up', kind: 'open_stream', era: 'legacy', id: undefined } as Call
  const permit = { caller: testCaller(), server: testServer(), call, rule: 'r', dropped: [] }
  const answered = { permit, answer: {}, seat: testSeat() } as unknown as Answered
  let sink: Sink | undefined
  const inner = {
    pipe: (to: Sink) => (sink = to),
    pause: () => undefined,
    resume: () => undefined,
    abort: () => undefined,
  }
  const redactor = createRedactor(SECRET, () => undefined)
  const source = redactor?.source(inner) ?? inner
  return new Promise((resolve, reject) => {
    const out: Uint8Array[] = []
    new FilteredStream(source, answered, DESK as unknown as Desk).pipe({
      write: (chunk) => out.push(chunk) > 0,
      end: () => resolve(Buffer.concat(out)),
      fail: reject,
    })
    for (const chunk of chunks) sink?.write(chunk)
    sink?.end()
  })
}

/** An item as the client reads it, its handles opened. */
function asRead(item: object): Readonly<Record<string, unknown>> {
  const { kind, text, event, id, data } = item as Readonly<Record<string, string | undefined>>
  if (kind === 'comment') return { comment: text }
  const owner = ownerOf(testCaller(), testServer())
  const eventId = id === undefined ? undefined : Number(DESK.seals.open('event', owner, id))
  const message = data ? (JSON.parse(data) as Record<string, unknown>) : undefined
  if (message?.['method'] === 'roots/list') message['id'] = 'handle'
  return { event, eventId, message }
}

test('what a client reads of any stream is what the server said, less what it may not see', async () => {
  const seen = { shown: 0, hidden: 0 }
  const property = fc.asyncProperty(stream, async ({ said, lineEnds, cuts }) => {
    const texts = said.map(({ text }, at) => text(lineEnds[at % lineEnds.length] ?? '\n'))
    const out = await filtered(chunksOf(Buffer.from(texts.join('')), cuts))
    const expected = said.flatMap(({ read }) => (read === undefined ? [] : [read]))
    assert.deepEqual(readSse(out).map(asRead), expected)
    assert.ok(!out.includes(SECRET))
    seen.shown += expected.length
    seen.hidden += said.length - expected.length
  })
  await fc.assert(property, RUNS)
  assert.ok(seen.shown > RUNS.numRuns && seen.hidden > RUNS.numRuns / 10, JSON.stringify(seen))
})

/** Spans as an OpenTelemetry collector gets them, over OTLP/HTTP on loopback. */
import assert from 'node:assert/strict'
import { createServer, type IncomingMessage, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, beforeEach, test } from 'node:test'
import type { GatehouseEvent } from '../model/event.ts'
import type { Journey } from '../model/journey.ts'
import { Secret } from '../model/secret.ts'
import { formatTraceparent, parseTraceparent } from '../telemetry/traceparent.ts'
import { openTracing, type Tracer, type TracerOptions } from '../telemetry/tracing.ts'
import { endedJourney, judgedCall, testCall } from '../testkit/journey.ts'
import { testCaller } from '../testkit/pipeline.ts'
import { stopAll } from '../testkit/stop-all.ts'

type OtlpValue = { readonly stringValue?: string; readonly intValue?: number }

type OtlpSpan = {
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId?: string
  readonly traceState?: string
  readonly name: string
  readonly kind: number
  readonly startTimeUnixNano: string
  readonly endTimeUnixNano: string
  readonly attributes: readonly { readonly key: string; readonly value: OtlpValue }[]
  readonly status: { readonly code?: number }
}

/** OTLP numbers. */
const SERVER = 2
const CLIENT = 3
const ERROR = 2

const requests: { url: string; headers: IncomingMessage['headers']; body: string }[] = []
let answer: RequestListener = (_, response) => response.end('{}')
let endpoint = ''
const collector = createServer((request, response) => {
  const chunks: Buffer[] = []
  request.on('data', (chunk: Buffer) => chunks.push(chunk))
  request.on('end', () => {
    const body = Buffer.concat(chunks).toString()
    requests.push({ url: request.url ?? '', headers: request.headers, body })
    answer(request, response)
  })
})

before(async () => {
  await new Promise<void>((resolve) => collector.listen(0, '127.0.0.1', resolve))
  endpoint = `http://127.0.0.1:${(collector.address() as AddressInfo).port}`
})

beforeEach(() => {
  requests.length = 0
  answer = (_, response) => response.end('{}')
})

after(() => stopAll(collector))

function open(over: Partial<TracerOptions> = {}): Promise<Tracer> {
  return openTracing({
    endpoint,
    headers: new Map([['authorization', new Secret('Bearer collector-key')]]),
    sampleRatio: 1,
    version: '1.2.3',
    instance: 'instance-1',
    ...over,
  })
}

/** Makes the journey's spans, flushes and returns what the collector got. */
async function spansOf(journey: Journey, over: Partial<TracerOptions> = {}): Promise<OtlpSpan[]> {
  const tracer = await open(over)
  const started = tracer.startTrace(journey.trace)
  journey.traceId = started?.traceId
  journey.spanId = started?.spanId
  tracer.journey(journey)
  await tracer.shutdown()
  return received()
}

function received(): OtlpSpan[] {
  return requests.flatMap(({ body }) => {
    const { resourceSpans } = JSON.parse(body) as {
      resourceSpans: { scopeSpans: { spans: OtlpSpan[] }[] }[]
    }
    return resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans))
  })
}

function attributesOf(span: OtlpSpan | undefined): Record<string, string | number | undefined> {
  const pairs = span?.attributes.map(({ key, value }) => [key, value.stringValue ?? value.intValue])
  return Object.fromEntries(pairs ?? []) as Record<string, string | number | undefined>
}

test('a call is one span with the ids that went up, its times, and what was decided', async () => {
  const journey = endedJourney()
  const spans = await spansOf(journey)
  assert.equal(spans.length, 1)
  const [span] = spans
  assert.equal(span?.traceId, journey.traceId)
  assert.equal(span?.spanId, journey.spanId)
  assert.equal(span?.parentSpanId ?? '', '')
  assert.equal(span?.name, 'tools/call search')
  assert.equal(span?.kind, SERVER)
  assert.equal(span?.startTimeUnixNano, `${journey.startedAtMs}000000`)
  assert.equal(span?.endTimeUnixNano, `${journey.startedAtMs + 10}500000`)
  assert.deepEqual(attributesOf(span), {
    'gatehouse.call.id': 'call-1',
    'mcp.method.name': 'tools/call',
    'mcp.protocol.version': '2025-11-25',
    'jsonrpc.request.id': '7',
    'gen_ai.operation.name': 'execute_tool',
    'gen_ai.tool.name': 'search',
    'gatehouse.decision': 'allow',
    'gatehouse.rule': 'readers',
    'gatehouse.outcome': 'ok',
    'gatehouse.server': 'docs',
    'gatehouse.caller.kind': 'agent',
    'client.address': '192.0.2.1',
    'http.response.status_code': 200,
  })
})

test('the collector is spoken to at its path with the configured credential', async () => {
  await spansOf(endedJourney(), { endpoint: `${endpoint}/` })
  assert.equal(requests[0]?.url, '/v1/traces')
  assert.equal(requests[0]?.headers.authorization, 'Bearer collector-key')
  assert.match(requests[0]?.body ?? '', /"service.name".*"gatehouse".*"instance-1"/)
})

test('a span joins the trace of its caller', async () => {
  const inbound = `00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01`
  const trace = parseTraceparent(inbound, 'rojo=1')
  const journey = endedJourney({ trace })
  const [span] = await spansOf(journey, { sampleRatio: 0 })
  assert.equal(span?.traceId, '4bf92f3577b34da6a3ce929d0e0e4736')
  assert.equal(span?.parentSpanId, '00f067aa0ba902b7')
  assert.equal(span?.traceState, 'rojo=1')
  assert.notEqual(span?.spanId, '00f067aa0ba902b7')
  const { traceId = '', spanId = '' } = journey
  const sentUp = formatTraceparent({ traceId, spanId, sampled: true })
  assert.equal(parseTraceparent(sentUp, undefined)?.parentId, span?.spanId)
})

test('new traces are sampled by ratio, and a caller that does not record is not recorded', async () => {
  const rolls = [0.09, 0.1, 0.5]
  const tracer = await open({ sampleRatio: 0.1, random: () => rolls.shift() ?? 1 })
  assert.deepEqual(
    [tracer.startTrace(undefined), tracer.startTrace(undefined), tracer.startTrace(undefined)].map(
      (started) => started?.sampled,
    ),
    [true, undefined, undefined],
  )
  const unsampled = parseTraceparent(
    '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00',
    undefined,
  )
  assert.equal(tracer.startTrace(unsampled), undefined)
  tracer.journey(endedJourney())
  await tracer.shutdown()
  assert.deepEqual(received(), [])
})

test('ids are well formed and do not repeat', async () => {
  const tracer = await open()
  const started = Array.from({ length: 1000 }, () => tracer.startTrace(undefined))
  assert.ok(started.every((ids) => parseTraceparent(formatTraceparent(ids!), undefined)))
  assert.equal(new Set(started.map((ids) => ids?.spanId)).size, 1000)
  await tracer.shutdown()
})

test('further calls of a visit are children of its span, and the server asking is a client span', async () => {
  const calls = [
    judgedCall(),
    judgedCall({ id: 'call-2' }),
    judgedCall({
      id: 'call-3',
      call: testCall({ direction: 'down', method: 'sampling/createMessage', targets: [] }),
    }),
  ]
  const journey = endedJourney({ calls })
  const [first, second, third] = await spansOf(journey)
  assert.equal(first?.spanId, journey.spanId)
  assert.deepEqual([second?.parentSpanId, third?.parentSpanId], [first?.spanId, first?.spanId])
  assert.equal(new Set([first?.spanId, second?.spanId, third?.spanId]).size, 3)
  assert.deepEqual([third?.kind, third?.name], [CLIENT, 'sampling/createMessage'])
})

const FAILURES = [
  [
    'a denied call names its refusal',
    {
      calls: [judgedCall({ effect: 'deny', rule: undefined, reason: 'no_rule' })],
      refusal: 'policy_denied',
      ending: 'refused',
      rpcError: 1001,
    },
    'policy_denied',
  ],
  ['an error the server answered names its code', { rpcError: -32000 }, '-32000'],
  ['an HTTP error of the server names its status', { upstreamStatus: 500 }, '500'],
  ['a caller that went away is named as such', { ending: 'client_gone' }, 'client_gone'],
] as const satisfies readonly (readonly [string, Partial<Journey>, string])[]

for (const [what, over, type] of FAILURES) {
  test(what, async () => {
    const [span] = await spansOf(endedJourney({ ...over }))
    assert.equal(attributesOf(span)['error.type'], type)
    assert.equal(span?.status.code, ERROR)
  })
}

test('a name no list shows is an attribute, not part of the span name', async () => {
  const call = testCall({ targets: [{ kind: 'tool', name: 'x'.repeat(5000) }] })
  const [span] = await spansOf(endedJourney({ calls: [judgedCall({ call, label: 'other' })] }))
  assert.equal(span?.name, 'tools/call')
  assert.equal(String(attributesOf(span)['gen_ai.tool.name']).length, 512)
})

test('the caller is named only when an operator asks for it', async () => {
  const caller = testCaller({ subject: 'alice', client: 'assistant' })
  await spansOf(endedJourney({ caller }))
  assert.doesNotMatch(requests.map(({ body }) => body).join(), /alice|assistant/)
  const [, named] = await spansOf(endedJourney({ caller }), { identify: 'subject' })
  assert.equal(attributesOf(named)['gatehouse.caller.subject'], 'alice')
})

test('a visit without a judged call makes no span', async () => {
  assert.deepEqual(await spansOf(endedJourney({ calls: [] })), [])
})

test('a collector that refuses is told about once, and harms nobody', async () => {
  answer = (_, response) => response.writeHead(400).end()
  const events: GatehouseEvent[] = []
  const spans = await spansOf(endedJourney(), { emit: (event) => events.push(event) })
  assert.equal(spans.length, 1)
  assert.deepEqual(
    events.map((event) => event.type === 'warning' && event.what),
    ['trace_export_failed'],
  )
  assert.doesNotMatch(JSON.stringify(events), /collector-key/)
})

test('a collector that never answers holds a shutdown up for three seconds at most', async () => {
  answer = () => undefined
  const from = performance.now()
  await spansOf(endedJourney())
  // Where nothing bounded it, the test would not end.
  assert.ok(performance.now() - from < 15_000)
  collector.closeAllConnections()
})

test('spans beyond the queue are dropped, not the calls', async () => {
  const tracer = await open()
  const journey = endedJourney({ traceId: 'a'.repeat(32), spanId: 'b'.repeat(16) })
  for (let count = 0; count < 5_000; count += 1) tracer.journey(journey)
  await tracer.shutdown()
  assert.ok(received().length >= 2_048 && received().length < 5_000)
})

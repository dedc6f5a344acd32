/**
 * An answer that breaks off is never passed on as a whole one: wherever the server's connection ends,
 * the caller reads a JSON-RPC error, or an answer that is visibly cut, and the next call works.
 */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'

import type { TestGatehouse } from '../../testkit/gatehouse.ts'
import { allowAll, startGatehouse } from '../../testkit/gatehouse.ts'
import type { Framing, RawServer } from '../../testkit/raw-server.ts'
import { httpAnswer, startRawServer } from '../../testkit/raw-server.ts'
import type { ReadAnswer } from '../../testkit/read-answer.ts'
import { reportProof } from '../../testkit/proof.ts'
import { messagesIn, readAnswer } from '../../testkit/read-answer.ts'
import { callTool } from '../../testkit/rpc.ts'
import { stopAll } from '../../testkit/stop-all.ts'

const isProof = process.env['GATEHOUSE_PROVE'] !== undefined

/** Every byte of an answer is tried in `make prove`; in `make test` some, and all near its ends. */
const STEP = isProof ? 1 : 20
const ENDS = 50

/** A close is seen where a reset is; in `make test` it is tried at fewer bytes. */
const CLOSE_STEP = isProof ? 1 : 100

/** Bytes of an answer with its head; the sizes of chunks come on top. */
const ANSWER_BYTES = 2_000

/** The last member of the result. */
const END_MARK = '"whole":true'

type Kind = 'json' | 'events'
type Cut = 'reset' | 'close'

let server: RawServer
let gateway: TestGatehouse
let token: string

/** Answers that were cut so far. */
let cuts = 0

/** The answer to the next call, where and how it ends, and what that waits for. */
let next: {
  readonly bytes: Buffer
  readonly length: number
  readonly cut: Cut
  readonly begun?: Promise<unknown>
}

before(async () => {
  server = await startRawServer((socket) => {
    const { bytes, length, cut, begun } = next
    const part = bytes.subarray(0, length)
    if (begun !== undefined) {
      socket.write(part)
      void begun.then(() => (cut === 'close' ? socket.end() : socket.resetAndDestroy()))
    } else if (length === bytes.length) socket.write(part)
    else if (cut === 'close') socket.end(part)
    else if (length === 0) socket.resetAndDestroy()
    // A reset throws away what was not read yet, so it waits until the part is on its way.
    else socket.write(part, () => setTimeout(() => socket.resetAndDestroy(), 5))
  })
  gateway = await startGatehouse({
    servers: { docs: { upstream: server.url, unlisted: 'allow' } },
    rules: [allowAll('docs')],
  })
  token = await gateway.token('docs')
})

after(async () => {
  reportProof({ what: 'answers cut, at every byte', cases: cuts, seed: undefined })
  await stopAll(gateway, server)
})

function answerOf(kind: Kind, framing: Framing): Buffer {
  const build = (text: string): Buffer => {
    const content = [{ type: 'text', text }]
    const result = { jsonrpc: '2.0', id: 7, result: { content, whole: true } }
    if (kind === 'json') return httpAnswer(JSON.stringify(result), { framing })
    const note = { jsonrpc: '2.0', method: 'notifications/progress', params: { progress: 1 } }
    const events = [note, note, result].map((one) => `data: ${JSON.stringify(one)}\n\n`)
    return httpAnswer(events.join(''), {
      framing,
      headers: { 'content-type': 'text/event-stream' },
    })
  }
  const bare = build('').length
  return build('x'.repeat(ANSWER_BYTES - bare))
}

function cutsOf({ length }: Buffer, cut: Cut): readonly number[] {
  const bytes = Array.from({ length }, (_, at) => at)
  const isNearEnd = (at: number): boolean => at < ENDS || at >= length - ENDS
  return cut === 'reset'
    ? bytes.filter((at) => at % STEP === 0 || isNearEnd(at))
    : // The framing ends between the last bytes.
      bytes.filter((at) => at % CLOSE_STEP === 0 || at >= length - 9)
}

async function call(begin?: () => void): Promise<ReadAnswer> {
  const asked: RequestInit = {
    method: 'POST',
    headers: {
      authorization: `Bearer ${token}`,
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
    },
    body: JSON.stringify(callTool('any', {}, 7)),
  }
  return await readAnswer(gateway.url('docs'), asked, begin)
}

const isUnavailable = (text: string): boolean => {
  const { id, error } = JSON.parse(text) as { id: unknown; error?: { code: number } }
  return id === 7 && error?.code === 1003
}

/** The caller can tell that this is not the answer. */
function assertVisiblyBroken(answer: ReadAnswer, kind: Kind, where: string): void {
  const said = `${where}: ${JSON.stringify(answer)}`
  const isJson = answer.headers.get('content-type') === 'application/json'
  if (answer.end === 'clean') {
    assert.ok(isJson && isUnavailable(answer.text), said)
  } else if (kind === 'events') {
    // Whole events only, and one response: an error that ends the call at once for whoever reads them
    // as they come, or the result itself where the connection broke after it.
    const responses = messagesIn(answer.text).filter(({ id }) => id === 7)
    assert.equal(responses.length, 1, said)
    assert.ok(responses[0]?.error?.code === 1003 || answer.text.includes(END_MARK), said)
  }
}

const ROWS = (['json', 'events'] as const).flatMap((kind) =>
  (['length', 'chunked'] as const).flatMap((framing) =>
    (['reset', 'close'] as const).map((cut) => ({ kind, framing, cut })),
  ),
)

for (const { kind, framing, cut } of ROWS) {
  test(`${kind} (${framing}) that ends with a ${cut} at any byte is never taken for whole, and never asked for again`, async () => {
    const bytes = answerOf(kind, framing)
    for (const length of cutsOf(bytes, cut)) {
      cuts += 1
      next = { bytes, length, cut }
      const sent = server.calls('any').length
      assertVisiblyBroken(await call(), kind, `cut at byte ${length}`)
      assert.equal(server.calls('any').length, sent + 1)
    }
    next = { bytes, length: bytes.length, cut }
    const whole = await call()
    assert.equal(whole.end, 'clean')
    assert.ok(whole.text.includes(END_MARK))
  })
}

test('a large answer whose beginning is out already is cut, not ended', async () => {
  const result = { jsonrpc: '2.0', id: 7, result: { text: 'x'.repeat(1_000_000) } }
  for (const framing of ['length', 'chunked'] as const) {
    const bytes = httpAnswer(JSON.stringify(result), { framing })
    for (const cut of ['reset', 'close'] as const) {
      const begun = Promise.withResolvers<void>()
      next = { bytes, length: 500_000, cut, begun: begun.promise }
      const answer = await call(begun.resolve)
      assert.equal(answer.status, 200)
      assert.equal(answer.end, 'broken')
    }
  }
})

test('no fault was logged', () => {
  assert.doesNotMatch(gateway.child.output(), /"fault"/)
})

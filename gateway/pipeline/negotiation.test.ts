import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Call } from '../model/call.ts'
import type { Answer, Sink } from '../upstream/answer.ts'
import { hearOut, negotiatedVersion } from './negotiation.ts'

const RESULT = '{"jsonrpc":"2.0","id":1,"result":{"protocolVersion":"2025-03-26"}}'
const NEGOTIATIONS = [
  ['JSON', 'application/json', RESULT, '2025-03-26'],
  ['a stream', 'text/event-stream', `: hi\n\nevent: message\ndata: ${RESULT}\n\n`, '2025-03-26'],
  ['an error', 'application/json', '{"jsonrpc":"2.0","id":1,"error":{"code":1,"message":""}}', ''],
  ['another response', 'text/event-stream', `data: ${RESULT.replace('1', '2')}\n\n`, ''],
  ['a version nobody knows', 'application/json', RESULT.replace('2025-03-26', '1999-01-01'), ''],
  ['no JSON', 'application/json', 'oops', ''],
] as const

for (const [what, contentType, text, expected] of NEGOTIATIONS) {
  test(`the negotiated version in ${what}`, () => {
    const body = { kind: 'whole', bytes: Buffer.from(text) }
    const answer = { contentType, body } as unknown as Answer
    assert.equal(negotiatedVersion(answer, { id: '1' } as Call), expected)
  })
}

test('an answer on a stream is heard to its response, and the stream goes on whole after it', async () => {
  let feed: Sink | undefined
  const source = {
    pipe: (sink: Sink) => void (feed = sink),
    pause: () => undefined,
    resume: () => undefined,
    abort: () => undefined,
  }
  const body = { kind: 'stream', source }
  const answer = { contentType: 'text/event-stream', body } as unknown as Answer
  const call = { id: '1' } as Call
  const hearing = hearOut(answer, call)
  const parts = [': hello\n\n', `data: ${RESULT.slice(0, 20)}`, `${RESULT.slice(20)}\n\n`]
  for (const part of parts) feed?.write(Buffer.from(part))
  const heard = await hearing
  assert.equal(negotiatedVersion(heard, call), '2025-03-26')
  const passed: string[] = []
  if (heard.body.kind !== 'stream') assert.fail('not a stream any more')
  heard.body.source.pipe({
    write: (chunk) => passed.push(Buffer.from(chunk).toString()) > 0,
    end: () => passed.push('end'),
    fail: () => assert.fail(),
  })
  feed?.write(Buffer.from(': later\n\n'))
  feed?.end()
  assert.equal(passed.join(''), `${parts.join('')}: later\n\nend`)
})

test('an answer that is no stream is heard already', async () => {
  const body = { kind: 'whole', bytes: Buffer.from(RESULT) }
  const answer = { contentType: 'application/json', body } as unknown as Answer
  assert.equal(await hearOut(answer, { id: '1' }), answer)
})

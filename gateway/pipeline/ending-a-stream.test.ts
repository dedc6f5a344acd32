/** What becomes of a filtered stream that the gateway ends while a message of it is being judged. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'

import type { Call } from '../model/call.ts'
import { testCaller, testDesk, testSeat, testServer } from '../testkit/pipeline.ts'
import type { Sink, Source } from '../upstream/answer.ts'
import type { Desk } from './desk.ts'
import { FilteredStream } from './filtered-stream.ts'
import type { Answered } from './show-message.ts'

const NOTE = 'data: {"jsonrpc":"2.0","method":"notifications/tools/list_changed"}\n\n'

/** A stream whose messages wait with audit until `recorded` is called. */
function openStream(id: string | undefined) {
  let recorded = (): void => undefined
  const desk = testDesk([
    { id: 'all', effect: 'allow', subjects: [{ any: true }], servers: ['docs'] },
  ])
  const waiting: Desk = {
    ...desk,
    latest: () => waiting,
    record: () => new Promise<void>((resolve) => (recorded = resolve)),
  } as unknown as Desk
  const call = { direction: 'up', kind: id === undefined ? 'open_stream' : 'request', id } as Call
  const permit = { caller: testCaller(), server: testServer(), call, rule: 'all', dropped: [] }
  let sink: Sink | undefined
  const events: string[] = []
  const inner: Source = {
    pipe: (to) => (sink = to),
    pause: () => undefined,
    resume: () => undefined,
    abort: () => void events.push('released'),
  }
  const answered = { permit, answer: {}, seat: testSeat() } as unknown as Answered
  const stream = new FilteredStream(inner, answered, waiting)
  stream.pipe({
    write: (chunk) => {
      events.push(Buffer.from(chunk).toString())
      return true
    },
    end: () => void events.push('end'),
    fail: (error) => void events.push(`fail: ${String(error)}`),
  })
  const feed = {
    write: (text: string) => sink?.write(Buffer.from(text)),
    end: () => sink?.end(),
  }
  return { stream, feed, events, record: () => recorded() }
}

test('a stream that is ended fails once and lets go of its server', async () => {
  const { stream, events } = openStream(undefined)
  stream.abort('revoked')
  stream.abort('again')
  await turn()
  assert.deepEqual(events, ['fail: revoked', 'released', 'released'])
})

for (const id of [undefined, '7']) {
  test(`a message judged after its ${id === undefined ? 'listening stream' : 'answer'} was ended goes nowhere`, async () => {
    const { stream, feed, events, record } = openStream(id)
    feed.write('data: {"jsonrpc":"2.0","id":1,"method":"sampling/createMessage"}\n\n')
    feed.write(NOTE)
    feed.end()
    await turn()
    stream.abort('revoked')
    record()
    await turn()
    assert.deepEqual(events, ['fail: revoked', 'released'])
  })
}

test('a message that was judged in time is delivered before the end', async () => {
  const { feed, events, record } = openStream(undefined)
  feed.write('data: {"jsonrpc":"2.0","id":1,"method":"sampling/createMessage"}\n\n')
  feed.end()
  await turn()
  assert.equal(events.length, 0)
  record()
  await turn()
  assert.deepEqual(
    events.map((event) => event.slice(0, 6)),
    ['data: ', 'end'],
  )
})

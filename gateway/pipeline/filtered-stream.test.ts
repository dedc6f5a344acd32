/** What a stream keeps of the requests a server sends down with it: nothing, however many there are. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'

import type { Call, Era } from '../model/call.ts'
import { testCaller, testDesk, testSeat, testServer, withLatest } from '../testkit/pipeline.ts'
import type { Sink } from '../upstream/answer.ts'
import type { Desk } from './desk.ts'
import { FilteredStream } from './filtered-stream.ts'
import type { Answered } from './show-message.ts'

const RULES = [{ id: 'echo', effect: 'allow', subjects: [{ any: true }], tools: ['docs/echo'] }]

/** A listening stream to a server whose replies wait until `take` is called. */
function openStream(era: Era = 'legacy') {
  const replies: string[] = []
  const open = new Set<() => void>()
  const warned: string[] = []
  const desk = {
    ...testDesk(RULES),
    emit: (event: { readonly what: string }) => void warned.push(event.what),
    conversations: {
      send: (_server: unknown, { body }: { readonly body: Uint8Array }) => {
        replies.push(Buffer.from(body).toString())
        return { answer: new Promise<void>((resolve) => open.add(resolve)) }
      },
    },
  }
  const call = { direction: 'up', kind: 'open_stream', era, id: undefined } as Call
  const seat = testSeat()
  const permit = { caller: testCaller(), server: testServer(), call, rule: 'echo', dropped: [] }
  const answered = { permit, answer: {}, seat } as unknown as Answered
  let sink: Sink | undefined
  const source = {
    pipe: (to: Sink) => (sink = to),
    pause: () => undefined,
    resume: () => undefined,
    abort: () => undefined,
  }
  const shown: string[] = []
  new FilteredStream(source, answered, withLatest(desk) as unknown as Desk).pipe({
    write: (chunk) => shown.push(Buffer.from(chunk).toString()) > 0,
    end: () => undefined,
    fail: (error) => assert.fail(String(error)),
  })
  const take = (): void => {
    for (const resolve of open) resolve()
    open.clear()
  }
  const pipe = (bytes: Buffer): boolean | undefined => sink?.write(bytes)
  const write = (id: number, method: string): boolean | undefined =>
    pipe(Buffer.from(`data: {"jsonrpc":"2.0","id":${id},"method":"${method}"}\n\n`))
  return { write, pipe, take, shown, replies, warned, desk, journey: seat.journey }
}

test('a server’s request leaves the journey once it was passed on or refused, its outcome written', async () => {
  const { write, take, shown, desk, journey } = openStream()
  for (let id = 0; id < 20; id++) write(id, id % 2 === 0 ? 'ping' : 'sampling/createMessage')
  for (let at = 0; at < 100; at++) {
    take()
    await turn()
  }
  assert.equal(shown.length, 10)
  assert.deepEqual(journey.calls, [])
  assert.deepEqual(
    desk.settled.map(({ effect, call }) => `${call.method} ${effect}`),
    Array.from({ length: 20 }, (_, id) =>
      id % 2 === 0 ? 'ping allow' : 'sampling/createMessage deny',
    ),
  )
})

test('very many comments that come in one piece go on in their order, and hold up nobody for long', async () => {
  const { pipe, shown } = openStream()
  const before = process.cpuUsage()
  pipe(Buffer.from(`${':\n'.repeat(400_000)}: last\n\n`))
  await turn()
  const { user, system } = process.cpuUsage(before)
  assert.ok(user + system < 4_000_000, `${user + system} µs`)
  assert.equal(shown.join(''), `${':\n\n'.repeat(400_000)}: last\n\n`)
})

test('sixteen refused requests are being answered at once, and the server waits for the rest', async () => {
  const { write, take, replies } = openStream()
  let ready: boolean | undefined
  for (let id = 0; id < 100; id++) ready = write(id, 'sampling/createMessage')
  for (let at = 0; at < 200; at++) await turn()
  assert.equal(replies.length, 16)
  assert.equal(ready, false)
  take()
  for (let at = 0; at < 200; at++) await turn()
  assert.equal(replies.length, 32)
})

test('a modern server’s request is left out, and there is nothing to reply to', async () => {
  const { write, shown, replies } = openStream('modern')
  write(1, 'sampling/createMessage')
  for (let at = 0; at < 10; at++) await turn()
  assert.deepEqual([shown, replies], [[], []])
})

test('pings that come too fast are answered for the client, told to the operator once, and not recorded', async () => {
  const { write, take, shown, replies, warned, desk } = openStream()
  for (let id = 0; id < 300; id++) write(id, 'ping')
  for (let at = 0; at < 1_000; at++) {
    take()
    await turn()
  }
  assert.equal(shown.length, 50)
  assert.equal(desk.settled.length, 50)
  assert.equal(replies.length, 250)
  assert.match(replies[0] ?? '', /"id":50,"error":\{"code":1002,/)
  assert.deepEqual(warned, ['server_asks_too_fast'])
})

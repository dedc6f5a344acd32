import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { DecisionPoint } from '../model/decision-point.ts'
import { Secret } from '../model/secret.ts'
import { createAskPoint, type Post } from './decision-point.ts'

const POINT: DecisionPoint = {
  url: 'https://pdp.test/access/v1/evaluation',
  token: new Secret('opaque-words'),
  mode: 'and',
  timeoutMs: 100,
  maxConcurrent: 2,
  cacheMs: 0,
  sendsArguments: false,
}

/** A decision point that counts its questions and answers when it is told to. */
function start(point: Partial<DecisionPoint> = {}) {
  const asked: Parameters<Post>[0][] = []
  const waiting: ((answer: Readonly<Record<string, unknown>>) => void)[] = []
  const clock = { tick: 0 }
  const post: Post = (question) => {
    asked.push(question)
    return new Promise((resolve) => waiting.push(resolve))
  }
  const ask = createAskPoint({ post, tick: () => clock.tick })
  const own = { ...POINT, ...point }
  return {
    asked,
    clock,
    ask: (body: string) => ask(own, { body, requestId: 'call-1' }),
    answer: (decision: unknown) => waiting.shift()?.({ decision }),
  }
}

test('a question carries its token, its id and nothing else', async () => {
  const { ask, answer, asked } = start()
  const asking = ask('{}')
  answer(true)
  assert.deepEqual(await asking, { ok: true, decision: true, context: undefined })
  assert.deepEqual(asked, [
    {
      url: POINT.url,
      body: '{}',
      headers: { 'x-request-id': 'call-1', authorization: 'Bearer opaque-words' },
      timeoutMs: 100,
    },
  ])
})

test('no more questions are open at once than may be, and the next one is no answer', async () => {
  const { ask, answer, asked } = start()
  const two = [ask('a'), ask('b')]
  const third = await ask('c')
  assert.ok(!third.ok && /2 questions are open/.test(third.why))
  answer(true)
  answer(false)
  await Promise.all(two)
  const later = ask('d')
  answer(true)
  assert.ok((await later).ok)
  assert.equal(asked.length, 3)
})

test('nothing is remembered unless it is said for how long', async () => {
  const { ask, answer, asked } = start()
  for (let times = 0; times < 3; times += 1) {
    const asking = ask('same')
    answer(true)
    await asking
  }
  assert.equal(asked.length, 3)
})

test('an answer is used again for the same question until its time is over, a failure never', async () => {
  const { ask, answer, asked, clock } = start({ cacheMs: 1_000 })
  const once = async (body: string, decision: unknown) => {
    const asking = ask(body)
    answer(decision)
    return await asking
  }
  assert.ok(!(await once('same', 'no answer at all')).ok)
  for (const decision of [false, true, true]) {
    const said = await once('same', decision)
    assert.ok(said.ok && !said.decision)
  }
  assert.equal(asked.length, 2)
  await once('other', true)
  clock.tick = 1_000
  const said = await once('same', true)
  assert.ok(said.ok && said.decision)
  assert.equal(asked.length, 4)
})

test('what goes wrong is no answer and no exception', async () => {
  const post: Post = () => Promise.reject(new Error('cannot be reached'))
  const ask = createAskPoint({ post, tick: () => 0 })
  const said = await ask(POINT, { body: '{}', requestId: 'x' })
  assert.deepEqual(said, { ok: false, why: 'cannot be reached' })
})

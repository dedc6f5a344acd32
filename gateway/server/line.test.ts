import assert from 'node:assert/strict'
import { test } from 'node:test'

import type { Answers } from './line.ts'
import { createLine, MAX_WAITING } from './line.ts'

type Sums = {
  readonly double: { readonly asked: number; readonly answer: number }
  readonly fail: { readonly asked: unknown; readonly answer: undefined }
}

const ANSWERS: Answers<Sums> = {
  double: (asked) => asked * 2,
  fail: () => {
    throw Object.assign(new Error('no room'), { code: 'full' })
  },
}

/** Two ends that hand each other copies. */
function connect(over: Partial<Answers<Sums>> = {}) {
  const one = createLine<Record<string, never>, Sums>({
    send: (message) => other.receive(structuredClone(message)),
    answers: {},
  })
  const other = createLine<Sums, Record<string, never>>({
    send: (message) => one.receive(structuredClone(message)),
    answers: { ...ANSWERS, ...over },
  })
  return { one, other }
}

test('questions are answered, whatever order the answers come in', async () => {
  const gates = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  const { one } = connect({
    double: async (asked) => {
      await gates[asked]!.promise
      return asked * 2
    },
  })
  const asked = [one.ask('double', 0), one.ask('double', 1)]
  gates[1]!.resolve()
  assert.equal(await asked[1], 2)
  gates[0]!.resolve()
  assert.equal(await asked[0], 0)
})

test('an error at the other end arrives with its code', async () => {
  await assert.rejects(connect().one.ask('fail', 1), { code: 'full', message: 'no room' })
})

test('what nobody answers fails, also where it is a name that every object has', async () => {
  const { one } = connect()
  for (const name of ['halve', 'toString', '__proto__']) {
    // @ts-expect-error -- no such question
    await assert.rejects(one.ask(name, 1), { code: 'unknown' })
  }
})

test("an answer that does not come in time is given up, and is nobody's when it comes", async () => {
  const gate = Promise.withResolvers<number>()
  const { one } = connect({ double: () => gate.promise })
  await assert.rejects(one.ask('double', 1, 1), { code: 'timeout' })
  gate.resolve(2)
})

test('questions end with the line, and so do later ones', async () => {
  const { one } = connect({ double: () => new Promise(() => undefined) })
  const asked = one.ask('double', 1)
  one.close()
  await assert.rejects(asked, { code: 'away' })
  await assert.rejects(one.ask('double', 1), { code: 'away' })
})

test('a message that cannot be sent fails its question and no other', async () => {
  const broken = createLine<Record<string, never>, Sums>({
    send: () => {
      throw new Error('channel closed')
    },
    answers: {},
  })
  await assert.rejects(broken.ask('double', 1), { code: 'away' })
  broken.receive({ line: 'ask', id: 1, name: 'double', asked: 1 })
})

test('messages of others are passed over', () => {
  const { one } = connect()
  for (const message of [
    undefined,
    null,
    'text',
    {},
    { cmd: 'other' },
    { line: 'answer', id: 99 },
  ]) {
    one.receive(message)
  }
})

test('how many questions wait is bounded', async () => {
  const { one } = connect({ double: () => new Promise(() => undefined) })
  const waiting = Array.from({ length: MAX_WAITING }, () => one.ask('double', 1))
  await assert.rejects(one.ask('double', 1), { code: 'overloaded' })
  one.close()
  await Promise.allSettled(waiting)
})

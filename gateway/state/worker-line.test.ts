import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { Worker } from 'node:worker_threads'
import { storeError } from './contract-rule.ts'
import { createWorkerLine, MAX_PENDING } from './worker-line.ts'

const get = { verb: 'get', key: 'a/b', nowMs: 0 } as const

/** Time stands still but for what `pass` lets go by: however slow the machine is, nothing comes too late by itself. */
function stopTime(t: TestContext): { pass(ms: number): void } {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  return { pass: (ms) => t.mock.timers.tick(ms) }
}

/** Of the lines whose threads do not answer, in milliseconds. */
const TIMEOUT_MS = 200

/** A thread that says it is ready and then does this with each message. */
function threadThat(reaction: string): Worker {
  const code = `
    const { parentPort } = require('node:worker_threads')
    parentPort.on('message', (request) => { ${reaction} })
    parentPort.postMessage({ type: 'ready' })
  `
  return new Worker(code, { eval: true, stderr: true })
}

test('a thread that crashes rejects what waits and all that comes later', async () => {
  const line = createWorkerLine(threadThat('throw new Error("broken")'), 5000)
  await line.opened
  const waiting = [line.ask<'get'>(get), line.ask<'get'>(get)]
  for (const asked of waiting) await assert.rejects(asked, storeError('crashed'))
  await assert.rejects(line.ask<'get'>(get), storeError('crashed'))
  await line.close()
})

test('a thread that ends by itself rejects what waits and all that comes later', async () => {
  const line = createWorkerLine(threadThat('process.exit(0)'), 5000)
  await line.opened
  await assert.rejects(line.ask<'get'>(get), storeError('crashed'))
  await assert.rejects(line.ask<'get'>(get), storeError('crashed'))
  await line.close()
})

test('a thread that ends before it is ready was not opened', async () => {
  const line = createWorkerLine(new Worker('process.exit(0)', { eval: true }), 5000)
  await assert.rejects(line.opened, storeError('crashed'))
})

test('an operation without an answer times out, and a late answer changes nothing', async (t) => {
  const time = stopTime(t)
  const answerLate = `
    const { id } = request.asked.at(-1)
    if (id === 1) return
    const answers = [{ id: 1, result: 'late' }, { id, result: 'prompt' }]
    parentPort.postMessage({ type: 'answers', answers })
  `
  const thread = threadThat(answerLate)
  const line = createWorkerLine(thread, TIMEOUT_MS)
  await line.opened
  const unanswered = assert.rejects(line.ask<'get'>(get), storeError('timeout'))
  time.pass(TIMEOUT_MS)
  await unanswered
  assert.equal(await line.ask<'get'>(get), 'prompt')
  await thread.terminate()
})

test('a thread that does not get ready is given up and ended', async (t) => {
  const time = stopTime(t)
  const thread = new Worker('setInterval(() => {}, 1000)', { eval: true })
  const line = createWorkerLine(thread, TIMEOUT_MS)
  time.pass(TIMEOUT_MS)
  await assert.rejects(line.opened, storeError('timeout'))
  await line.close()
  assert.equal(thread.threadId, -1)
})

test('a thread that does not close in time is ended, with what it had not answered', async (t) => {
  const time = stopTime(t)
  const thread = threadThat('')
  const line = createWorkerLine(thread, TIMEOUT_MS)
  await line.opened
  const asked = assert.rejects(line.ask<'get'>(get))
  const closed = line.close()
  time.pass(TIMEOUT_MS)
  await closed
  await asked
  await assert.rejects(line.ask<'get'>(get), storeError('closed'))
  assert.equal(thread.threadId, -1)
})

test('operations above the bound are refused while the others wait', async () => {
  const thread = threadThat('if (request.type === "close") process.exit(0)')
  const line = createWorkerLine(thread, 60_000)
  await line.opened
  const waiting = Array.from({ length: MAX_PENDING }, () => line.ask<'get'>(get))
  const settled = Promise.allSettled(waiting)
  await assert.rejects(line.ask<'get'>(get), storeError('overloaded'))
  await line.close()
  assert.ok((await settled).every(({ status }) => status === 'rejected'))
})

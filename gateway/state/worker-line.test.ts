import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Worker } from 'node:worker_threads'
import { storeError } from './contract-rule.ts'
import { createWorkerLine, MAX_PENDING } from './worker-line.ts'

const get = { verb: 'get', key: 'a/b', nowMs: 0 } as const

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

test('an operation without an answer times out, and a late answer changes nothing', async () => {
  const answerLate = `
    const [{ id }] = request.asked
    if (id === 1) return
    const answers = [{ id: 1, result: 'late' }, { id, result: 'prompt' }]
    parentPort.postMessage({ type: 'answers', answers })
  `
  const thread = threadThat(answerLate)
  const line = createWorkerLine(thread, 200)
  await line.opened
  await assert.rejects(line.ask<'get'>(get), storeError('timeout'))
  assert.equal(await line.ask<'get'>(get), 'prompt')
  await thread.terminate()
})

test('a thread that does not get ready is given up and ended', async () => {
  const thread = new Worker('setInterval(() => {}, 1000)', { eval: true })
  const line = createWorkerLine(thread, 50)
  await assert.rejects(line.opened, storeError('timeout'))
  await line.close()
  assert.equal(thread.threadId, -1)
})

test('a thread that does not close in time is ended, with what it had not answered', async () => {
  const thread = threadThat('')
  const line = createWorkerLine(thread, 300)
  await line.opened
  const asked = assert.rejects(line.ask<'get'>(get))
  await line.close()
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

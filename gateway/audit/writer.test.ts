import assert from 'node:assert/strict'
import { setImmediate as turn } from 'node:timers/promises'
import { test } from 'node:test'
import { Refusal } from '../model/refusal.ts'
import { createMemoryOutput } from '../testkit/memory-output.ts'
import { BATCH_BYTES } from './gathering.ts'
import { createWriter, MAX_AGE_MS, RETRY_MS, type WriterOptions } from './writer.ts'

const FULL = new Error('ENOSPC: no space left on device')

function start(over: Partial<WriterOptions> = {}) {
  const output = createMemoryOutput()
  const clock = { ms: 1_000 }
  const writer = createWriter({
    output,
    sync: 'always',
    maxBuffered: 100,
    onBatch: () => undefined,
    now: () => clock.ms,
    ...over,
  })
  return { output, clock, writer }
}

async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  const pending = Symbol('pending')
  await turn()
  const first = await Promise.race([promise.catch(() => undefined), Promise.resolve(pending)])
  return first !== pending
}

function gate() {
  const { promise, resolve } = Promise.withResolvers<void>()
  return { promise, open: resolve }
}

function unavailable(error: unknown): boolean {
  return error instanceof Refusal && error.code === 'audit_unavailable'
}

test('who waits for a line waits for the write and for the sync', async () => {
  const { output, writer } = start()
  const [write, sync] = [gate(), gate()]
  output.writing = write.promise
  output.syncing = sync.promise
  writer.push('one')
  const written = writer.written()
  await turn()
  assert.equal(await isSettled(written), false)
  write.open()
  await turn()
  assert.deepEqual(output.lines(), ['one'])
  assert.equal(await isSettled(written), false)
  sync.open()
  await written
  assert.equal(output.syncs, 1)
})

test('a writer that need not sync does not', async () => {
  const { output, writer } = start({ sync: 'never' })
  writer.push('one')
  await writer.written()
  assert.equal(output.syncs, 0)
})

test('lines of one turn of the event loop share one write and one sync', async () => {
  const { output, writer } = start()
  const promises = ['a', 'b', 'c'].map((line) => {
    writer.push(line)
    return writer.written()
  })
  await Promise.all(promises)
  assert.equal(output.syncs, 1)
  assert.deepEqual(output.lines(), ['a', 'b', 'c'])
})

test('lines that come in during a write go with the next one, never beside it', async () => {
  const { output, writer } = start()
  const write = gate()
  output.writing = write.promise
  writer.push('a')
  const first = writer.written()
  await turn()
  writer.push('b')
  writer.push('c')
  const second = writer.written()
  await turn()
  assert.deepEqual(output.lines(), [])
  write.open()
  await Promise.all([first, second])
  assert.deepEqual(output.lines(), ['a', 'b', 'c'])
  assert.equal(output.mostAtOnce, 1)
  assert.equal(output.syncs, 2)
})

test('short writes are continued where they stopped', async () => {
  const { output, writer } = start()
  output.takes = 1
  writer.push('größe')
  writer.push('b')
  await writer.flush()
  assert.deepEqual(output.files(), ['größe\nb\n'])
})

test('a sink that takes no bytes has failed', async () => {
  const { output, writer } = start()
  output.takes = 0
  writer.push('a')
  await assert.rejects(writer.flush(), unavailable)
})

test('a failed write refuses those who wait, keeps the lines, and goes on where it stopped', async () => {
  const { output, clock, writer } = start()
  output.room = 4
  writer.push('first')
  const refused = writer.written()
  await assert.rejects(refused, unavailable)
  assert.deepEqual(output.files(), ['firs'])
  assert.match(writer.state().error ?? '', /ENOSPC/)
  writer.push('second')
  output.room = Number.POSITIVE_INFINITY
  clock.ms += RETRY_MS
  writer.tick()
  await writer.flush()
  assert.deepEqual(output.files(), ['first\nsecond\n'])
  assert.deepEqual(writer.state(), { lines: 0, oldestMs: 0, failures: 1, error: undefined })
})

test('a tick retries no sooner than a second after a failure', async () => {
  const { output, clock, writer } = start()
  output.writeError = FULL
  writer.push('a')
  await assert.rejects(writer.flush())
  clock.ms += RETRY_MS - 1
  writer.tick()
  await turn()
  assert.equal(writer.state().failures, 1)
  clock.ms += 1
  writer.tick()
  await turn()
  assert.equal(writer.state().failures, 2)
})

test('a refused wait that nobody listens to does not end the process', async () => {
  const { output, writer } = start()
  output.writeError = FULL
  writer.push('a')
  void writer.written()
  await turn()
  await turn()
  assert.equal(writer.state().failures, 1)
})

test('a sink that never answers is given up on after ten seconds', async () => {
  const { output, clock, writer } = start()
  output.writing = new Promise(() => undefined)
  writer.push('a')
  const written = writer.written()
  await turn()
  clock.ms += MAX_AGE_MS
  writer.tick()
  assert.equal(await isSettled(written), false)
  assert.equal(writer.accepts(), true)
  clock.ms += 1
  writer.tick()
  await assert.rejects(written, unavailable)
  assert.equal(writer.accepts(), false)
})

test('nothing more is accepted at the bound, and something is as soon as lines are written', async () => {
  const { writer } = start({ maxBuffered: 2 })
  writer.push('a')
  assert.equal(writer.accepts(), true)
  writer.push('b')
  assert.equal(writer.accepts(), false)
  await writer.flush()
  assert.equal(writer.accepts(), true)
})

test('lines nobody waits for are written at the tick', async () => {
  const { output, writer } = start()
  writer.push('a')
  await turn()
  assert.deepEqual(output.lines(), [])
  writer.tick()
  await turn()
  assert.deepEqual(output.lines(), ['a'])
})

test('256 KiB are written without waiting for the tick', async () => {
  const { output, writer } = start()
  writer.push('a'.repeat(BATCH_BYTES))
  await turn()
  assert.equal(output.lines().length, 1)
})

test('a backlog is written in order, a batch at a time', async () => {
  const batches: string[] = []
  const { output, writer } = start({
    maxBuffered: 10_000,
    onBatch: (bytes) => batches.push(Buffer.from(bytes).toString()),
  })
  const lines = Array.from({ length: 300 }, (_, at) => `${at} ${'x'.repeat(10_000)}`)
  output.writeError = FULL
  for (const line of lines) writer.push(line)
  await assert.rejects(writer.flush())
  output.writeError = undefined
  await writer.flush()
  assert.deepEqual(output.lines(), lines)
  assert.equal(output.syncs, batches.length)
  assert.ok(batches.length >= 10)
  assert.ok(batches.every((batch) => batch.length < 2 * BATCH_BYTES))
  assert.equal(output.files().join(''), batches.join(''))
})

test('a line longer than a batch is written whole, and so is the next one', async () => {
  const { output, writer } = start()
  const lines = ['é'.repeat(BATCH_BYTES), '€'.repeat(1_000)]
  for (const line of lines) writer.push(line)
  await writer.flush()
  assert.deepEqual(output.lines(), lines)
})

test('what is pushed while a batch is written does not touch the batch', async () => {
  const { output, writer } = start()
  const write = gate()
  output.writing = write.promise
  for (const name of ['a', 'b', 'c']) {
    writer.push(name.repeat(BATCH_BYTES))
    await turn()
  }
  write.open()
  await writer.flush()
  for (const name of ['d', 'e']) writer.push(name.repeat(100))
  await writer.flush()
  assert.deepEqual(
    output.lines().map((line) => `${line[0]}${line.length}`),
    [`a${BATCH_BYTES}`, `b${BATCH_BYTES}`, `c${BATCH_BYTES}`, 'd100', 'e100'],
  )
})

test('a sync that failed is made again before anybody is told the line is safe', async () => {
  const { output, writer } = start()
  output.syncError = new Error('EIO')
  writer.push('a')
  await assert.rejects(writer.written(), unavailable)
  output.syncError = undefined
  await writer.flush()
  assert.equal(output.syncs, 1)
  assert.deepEqual(output.lines(), ['a'])
})

test('after rotation lines go to the new file', async () => {
  const { output, writer } = start()
  writer.push('a')
  await writer.flush()
  await writer.reopen()
  writer.push('b')
  await writer.flush()
  assert.deepEqual(output.files(), ['a\n', 'b\n'])
})

test('rotation waits for the write that is going on', async () => {
  const { output, writer } = start()
  const write = gate()
  output.writing = write.promise
  writer.push('a')
  const written = writer.written()
  await turn()
  const reopened = writer.reopen()
  assert.equal(await isSettled(reopened), false)
  write.open()
  await Promise.all([written, reopened])
  assert.deepEqual(output.files(), ['a\n', ''])
})

test('a line that was half written before rotation stands whole in the new file', async () => {
  const { output, writer } = start()
  output.room = 8
  writer.push('first')
  writer.push('second')
  await assert.rejects(writer.flush())
  output.room = Number.POSITIVE_INFINITY
  await writer.reopen()
  await writer.flush()
  assert.deepEqual(output.files(), ['first\nse', 'second\n'])
})

test('a rotation that fails says so and writing goes on in the old file', async () => {
  const { output, writer } = start()
  output.openError = new Error('EACCES')
  await assert.rejects(writer.reopen(), /EACCES/)
  writer.push('a')
  await writer.flush()
  assert.deepEqual(output.files(), ['a\n'])
})

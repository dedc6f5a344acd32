/**
 * Takes lines and writes them in order, one write in flight at a time. Lines wait until 256 KiB are
 * together, until `tick`, or, where somebody waits for them, until the end of this turn of the event
 * loop; what comes in during a write goes with the next one (group commit). A write that fails is
 * repeated from the byte it stopped at: nothing is dropped, moved or written twice.
 */
import { BATCH_BYTES, type Batch, createGathering } from './gathering.ts'
import type { Output } from './output.ts'
import { createWaiters } from './waiters.ts'

export type WriterOptions = {
  readonly output: Output
  /** `always`: a line counts as written once it is on disk, not only handed to the system. */
  readonly sync: 'always' | 'never'
  readonly maxBuffered: number
  /** Told of each batch of lines, in order, once no line is added to it any more. */
  readonly onBatch: (bytes: Uint8Array) => void
  /** Epoch milliseconds. */
  readonly now: () => number
}

export type Writer = {
  /** Whether there is room for a line that can still be refused. */
  accepts(): boolean
  /** Takes a line (without newline), always. */
  push(line: string): void
  /** Resolves once every line so far is written; rejects with a Refusal when that fails for now. */
  written(): Promise<void>
  /** Writes what waits, if no failure is too recent; gives up on waiters after 10 s. */
  tick(): void
  /** Writes what waits now and resolves when it is written. */
  flush(): Promise<void>
  reopen(): Promise<void>
  close(): Promise<void>
  state(): WriterState
}

export type WriterState = {
  readonly lines: number
  readonly oldestMs: number
  readonly failures: number
  /** What the last write said, when it failed. */
  readonly error: string | undefined
}

/** Most bytes that wait, whatever the number of lines: 10,000 lines of common length are a fifth. */
export const MAX_BUFFERED_BYTES = 32 * 1024 * 1024

/** Age of the oldest unwritten line, in milliseconds, from which nothing is accepted any more. */
export const MAX_AGE_MS = 10_000

/** Wait after a failed write before the next one, in milliseconds. */
export const RETRY_MS = 1_000

const NEWLINE = 0x0a

export function createWriter(options: WriterOptions): Writer {
  const { output, now } = options
  const gathering = createGathering()
  /** Batches that are full, in order; they fill while a write is slow or fails. */
  const full: Batch[] = []
  let fullBytes = 0
  let batch: Batch | undefined
  let pushed = 0
  let settled = 0
  const waiters = createWaiters()
  let reopening: PromiseWithResolvers<void> | undefined
  let busy = false
  let scheduled = false
  let failures = 0
  let failure: { readonly atMs: number; readonly error: unknown } | undefined

  const oldestMs = (): number => {
    if (settled === pushed) return 0
    return now() - (batch ?? full[0] ?? gathering).sinceMs
  }

  /** Ends the batch being gathered: what comes from now on is another one. */
  const part = (): void => {
    const taken = gathering.take()
    if (taken === undefined) return
    options.onBatch(taken.bytes)
    waiters.part()
    full.push(taken)
    fullBytes += taken.bytes.length
  }

  const next = (): Batch | undefined => {
    if (full.length === 0) part()
    return full.shift()
  }

  const writeOut = async (one: Batch): Promise<void> => {
    while (one.offset < one.bytes.byteLength) {
      const count = await output.write(one.bytes, one.offset)
      if (count <= 0) throw new Error('the audit sink takes no bytes')
      one.offset += count
    }
    if (options.sync === 'always') await output.sync()
  }

  const settle = (one: Batch): void => {
    settled += one.lines
    fullBytes -= one.bytes.length
    gathering.release(one)
    waiters.settle(settled)
  }

  const openAnew = async (request: PromiseWithResolvers<void>): Promise<void> => {
    reopening = undefined
    try {
      await output.open()
      // A line that was half written stays in the old file; the new one gets it whole.
      if (batch !== undefined) batch.offset = lineStart(batch)
      request.resolve()
    } catch (error) {
      request.reject(error)
    }
  }

  const drain = async (): Promise<void> => {
    if (busy) return
    busy = true
    try {
      for (;;) {
        if (reopening !== undefined) await openAnew(reopening)
        batch ??= next()
        if (batch === undefined) break
        await writeOut(batch)
        settle(batch)
        batch = undefined
        failure = undefined
      }
    } catch (error) {
      failures += 1
      failure = { atMs: now(), error }
      waiters.refuse(error)
    } finally {
      busy = false
    }
    // Asked for while the last write failed, after the loop had looked.
    if (reopening !== undefined) await drain()
  }

  const startDrain = (): void => {
    scheduled = false
    void drain()
  }

  const wait = (): Promise<void> => (settled === pushed ? Promise.resolve() : waiters.wait(pushed))

  return {
    accepts: () =>
      pushed - settled < options.maxBuffered &&
      fullBytes + gathering.bytes < MAX_BUFFERED_BYTES &&
      oldestMs() <= MAX_AGE_MS,
    push(line) {
      gathering.add(line, now())
      pushed += 1
      if (gathering.bytes < BATCH_BYTES) return
      part()
      if (!busy && failure === undefined) startDrain()
    },
    written() {
      const promise = wait()
      if (!busy && !scheduled) {
        scheduled = true
        setImmediate(startDrain)
      }
      return promise
    },
    tick() {
      if (oldestMs() > MAX_AGE_MS) waiters.refuse(new Error('the audit sink is blocked'))
      if (failure === undefined || now() - failure.atMs >= RETRY_MS) startDrain()
    },
    flush() {
      const promise = wait()
      startDrain()
      return promise
    },
    reopen() {
      reopening ??= Promise.withResolvers()
      const { promise } = reopening
      startDrain()
      return promise
    },
    close: () => output.close(),
    state: () => ({
      lines: pushed - settled,
      oldestMs: oldestMs(),
      failures,
      error: failure === undefined ? undefined : String(failure.error),
    }),
  }
}

/** Offset of the start of the line that holds the next unwritten byte. */
function lineStart(batch: Batch): number {
  if (batch.offset === 0) return 0
  return batch.bytes.lastIndexOf(NEWLINE, batch.offset - 1) + 1
}

/**
 * The thread that holds the SQLite file. Operations are carried out in the order they came; those
 * that arrive within the group window share one transaction, and so one sync of the disk, and are
 * answered after it. While another process holds the lock the thread waits and keeps listening.
 */
import type { DatabaseSync } from 'node:sqlite'
import { setTimeout as sleep } from 'node:timers/promises'
import { parentPort, workerData } from 'node:worker_threads'
import type { MessagePort } from 'node:worker_threads'
import type { Answer, Asked, Operation, Report, Request } from './operation.ts'
import { isWrite } from './operation.ts'
import { createPerformer } from './perform.ts'
import { isBusy, problemOf } from './problem-of.ts'
import { openDatabase, transact } from './schema.ts'
import { StoreError } from './store-error.ts'

/**
 * Milliseconds the first write of a group waits for others. A timer may be a millisecond late, which
 * keeps the window within 2 ms.
 */
const GROUP_WINDOW_MS = 1

/** Operations of one transaction: bounds how long the lock is held. */
const MAX_GROUP = 500

/** Milliseconds between two attempts to get the lock. */
const BUSY_RETRY_MS = 5

/** What the main thread hands over; `sqlite.ts` documents it. */
export type SqliteWorkerData = { readonly file: string; readonly busyGiveUpMs: number }

async function serve(port: MessagePort, { file, busyGiveUpMs }: SqliteWorkerData): Promise<void> {
  const report = (message: Report): void => port.postMessage(message)
  let database: DatabaseSync
  try {
    database = await untilNotBusy(() => openDatabase(file), busyGiveUpMs)
  } catch (error) {
    report({ type: 'not_opened', problem: problemOf(error, file) })
    return
  }
  const perform = createPerformer(database)
  const waiting: Asked[] = []
  let state: 'idle' | 'grouping' | 'running' = 'idle'
  let closing = false

  async function run(): Promise<void> {
    state = 'running'
    while (waiting.length > 0) {
      const group = waiting.splice(0, MAX_GROUP)
      report({ type: 'answers', answers: await commit(group) })
    }
    state = 'idle'
    if (closing) end()
  }

  async function commit(group: readonly Asked[]): Promise<readonly Answer[]> {
    try {
      return await untilNotBusy(() => performAll(group), busyGiveUpMs)
    } catch (error) {
      const problem = problemOf(error, file)
      return group.map(({ id }) => ({ id, problem }))
    }
  }

  function performAll(group: readonly Asked[]): readonly Answer[] {
    const work = () => group.map(({ id, operation }) => performOne(id, operation))
    // Readers need no lock: a write-ahead log serves them while another process writes.
    return group.some(({ operation }) => isWrite(operation)) ? transact(database, work) : work()
  }

  function performOne(id: number, operation: Operation): Answer {
    try {
      return { id, result: perform(operation) }
    } catch (error) {
      if (error instanceof StoreError) return { id, problem: problemOf(error, file) }
      throw error
    }
  }

  function end(): void {
    database.close()
    port.close()
  }

  port.on('message', (request: Request) => {
    if (request.type === 'close') {
      closing = true
      if (state === 'idle') end()
      return
    }
    waiting.push(...request.asked)
    if (state !== 'idle') return
    state = 'grouping'
    if (request.asked.some(({ operation }) => isWrite(operation)))
      setTimeout(() => void run(), GROUP_WINDOW_MS)
    else setImmediate(() => void run())
  })
  report({ type: 'ready' })
}

async function untilNotBusy<T>(work: () => T, giveUpMs: number): Promise<T> {
  const startedTick = performance.now()
  for (;;) {
    try {
      return work()
    } catch (error) {
      if (!isBusy(error) || performance.now() - startedTick >= giveUpMs) throw error
      await sleep(BUSY_RETRY_MS)
    }
  }
}

// This file is the entry of a thread: its work is to be started.
if (parentPort !== null) await serve(parentPort, workerData)

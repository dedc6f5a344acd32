/**
 * Several workers on one port, and the process that looks after them: it hands connections out, holds what
 * only one process can hold (a state file, state in memory, limits that are counted together), fetches the
 * keys of issuers for all, and has the ops port. `docs/decisions/2026-11-23-workers.md` says why it is done so.
 */
import cluster from 'node:cluster'

import type { FetchKeys } from '../identity/key-documents.ts'
import { createBuckets } from '../limits/buckets.ts'
import { temporaryKey } from '../seal/seal.ts'
import { carryOut } from '../state/relayed-store.ts'
import { StoreError } from '../state/store-error.ts'
import type { SweptStore } from '../state/swept-store.ts'
import type { Crew, Hand } from './crew.ts'
import { createCrew, LOOK_EVERY_MS } from './crew.ts'
import { createCrewOps, reloadAll } from './crew-ops.ts'
import type { ToSupervisor, ToWorker } from './crew-talk.ts'
import { closeWithWorker } from './handed-over.ts'
import { openKeyFetches } from './key-fetches.ts'
import { type Answers, createLine } from './line.ts'
import { WORKER_VARIABLE } from './membership.ts'
import { listenOps } from './ops.ts'
import { openHeldStore } from './open-store.ts'
import type { Gatehouse, StartOptions } from './start.ts'
import { createWholeLines } from './whole-lines.ts'

/** What a worker gets beyond the time of its calls to end in order, in milliseconds: records, store, traces. */
const GRACE_MS = 8_000

/** A gateway of several workers that listen. */
export type Supervised = Pick<Gatehouse, 'port' | 'opsPort' | 'reopenLogs' | 'stop'> & {
  /** Has all workers read the configuration again. */
  reload(): Promise<unknown>
}

/**
 * Starts the workers and resolves once all of them listen. Rejects with an Error that says what could not be
 * opened; why a worker did not start, it has said itself.
 */
export async function supervise(
  options: Omit<StartOptions, 'member' | 'listenOps'> & { readonly workers: number },
): Promise<Supervised> {
  const { workers: size, log } = options
  const { settings } = options.loaded
  const store = await openHeldStore(settings.state)
  const keyFetches = openKeyFetches(Date.now)
  let port = settings.listen.port
  let draining = false
  const answersFor = answers({
    store,
    fetchKeys: keyFetches.fetchKeys,
    size,
    others: (slot) => crew.workers.filter((worker) => worker.slot !== slot),
    crew: () => crew,
    heardPort: (heard) => (port = heard),
  })
  const crew: Crew = createCrew({
    size,
    log,
    tick,
    fork: createFork(settings.audit.sink, answersFor),
    after: (ms, call) => {
      const timer = setTimeout(call, ms)
      return () => clearTimeout(timer)
    },
  })
  const handlers = createCrewOps({ crew, size, tick, draining: () => draining })
  const ops = await listenOps({ host: settings.ops.host, port: settings.ops.port, ...handlers })
  const close = async (): Promise<void> => {
    await ops.close()
    await keyFetches.close()
    await store?.close()
  }
  try {
    await crew.start()
  } catch (error) {
    await close()
    throw error
  }
  const looks = setInterval(() => void crew.look(), LOOK_EVERY_MS)

  let stopping: Promise<void> | undefined
  const stop = async (): Promise<void> => {
    draining = true
    clearInterval(looks)
    await crew.stop(settings.listen.drainSeconds * 1_000 + GRACE_MS)
    await close()
  }
  return {
    port,
    opsPort: ops.port,
    reload: () => reloadAll(crew.workers),
    reopenLogs: async () => {
      await Promise.all(crew.workers.map(({ line }) => line.ask('reopen', undefined)))
    },
    stop: () => (stopping ??= stop()),
  }
}

type AnswersFor = (slot: number) => Answers<ToSupervisor>

/** What workers are told and given. */
function answers(of: {
  readonly store: SweptStore | undefined
  readonly fetchKeys: FetchKeys
  readonly size: number
  readonly crew: () => Crew
  readonly others: (slot: number) => Crew['workers']
  readonly heardPort: (port: number) => void
}): AnswersFor {
  const { store, size, crew } = of
  const buckets = createBuckets()
  const { id, key } = temporaryKey()
  const shared = { id, key: key.reveal() }
  return (slot) => ({
    join: () => ({ slot, workers: size, temporaryKey: shared }),
    up: (heard) => {
      of.heardPort(heard)
      crew().up(slot)
      return undefined
    },
    leave: (metrics) => {
      crew().leave(slot, metrics)
      return undefined
    },
    store: (operation) => {
      if (store === undefined) throw new StoreError('failed', 'the supervisor holds no store')
      return carryOut(store, operation)
    },
    publish: (told) => {
      // A hint: whoever misses it looks each second.
      for (const { line } of of.others(slot)) line.ask('message', told).catch(() => undefined)
      return undefined
    },
    draw: (draws) => buckets.draw(draws, tick()),
    keys: ({ url, newerThanMs }) => of.fetchKeys(url, newerThanMs),
    attend: () => size,
  })
}

/** Starts worker processes: the same program with the same arguments. */
function createFork(
  auditSink: string,
  answersFor: AnswersFor,
): (slot: number, ended: (why: string) => void) => Hand {
  const pipesOut = auditSink === 'stdout'
  cluster.schedulingPolicy = cluster.SCHED_RR
  cluster.setupPrimary({
    serialization: 'advanced',
    stdio: ['ignore', pipesOut ? 'pipe' : 'inherit', 'inherit', 'ipc'],
  })
  return (slot, ended) => {
    const worker = cluster.fork({ [WORKER_VARIABLE]: String(slot) })
    closeWithWorker(worker.process)
    const line = createLine<ToSupervisor, ToWorker>({
      send: (message) => void worker.send(Object(message), () => undefined),
      answers: answersFor(slot),
    })
    // Several writers to one pipe would write into each other's lines.
    worker.process.stdout?.pipe(createWholeLines()).pipe(process.stdout, { end: false })
    worker.on('message', line.receive)
    const end = (why: string): void => {
      line.close()
      ended(why)
    }
    // One that could not be started, for want of file descriptors or memory, has no exit.
    worker.on('error', (error) => {
      if (worker.process.pid === undefined) end(error.message)
    })
    // After the exit, once all it has written is read: its last records may be on their way.
    worker.process.once('close', (code, signal) => end(signal ?? `exit code ${code}`))
    return {
      pid: worker.process.pid ?? -1,
      line,
      signal: (signal) => void worker.process.kill(signal),
    }
  }
}

function tick(): number {
  return performance.now()
}

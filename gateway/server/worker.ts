/** A worker: serves like a process of its own, and is looked after by its supervisor. */
import { SHARED_ANSWER_MS } from '../model/limits.ts'
import { Secret } from '../model/secret.ts'
import { createRelayedStore } from '../state/relayed-store.ts'
import type { ToSupervisor, ToWorker } from './crew-talk.ts'
import { relayKeyFetches } from './key-fetches.ts'
import { createLine } from './line.ts'
import { formatProblem } from './load-all.ts'
import type { OpsHandlers } from './ops.ts'
import { type Gatehouse, start, type StartOptions } from './start.ts'

/**
 * Joins the supervisor that has started this process, and serves. Rejects with an Error that says what could
 * not be opened. When the supervisor is gone the process ends in order.
 */
export async function startWorker(
  options: Omit<StartOptions, 'member' | 'listenOps'>,
): Promise<Gatehouse> {
  const house = Promise.withResolvers<Gatehouse>()
  const ops = Promise.withResolvers<OpsHandlers>()
  const line = createLine<ToWorker, ToSupervisor>({
    // What cannot be sent is answered by nobody, and the supervisor being gone is heard of below.
    send: (message) => void process.send?.(message, undefined, undefined, () => undefined),
    answers: {
      metrics: async () => (await (await ops.promise).metrics()).text,
      readiness: async () => await (await ops.promise).readiness(),
      admin: async ({ query, body, ...request }) => {
        const { admin } = await ops.promise
        return await admin({
          ...request,
          query: new URLSearchParams(query),
          body: async () => body,
        })
      },
      status: async () => (await house.promise).status(),
      reload: async () => {
        const { ok, problems, notices } = await (await house.promise).reload()
        return { ok, problems: problems.map(formatProblem), notices }
      },
      refresh: async () => {
        await (await house.promise).refresh()
        return undefined
      },
      tools: async () => (await house.promise).tools(),
      reopen: async () => {
        await (await house.promise).reopenLogs()
        return undefined
      },
      message: ({ topic, message }) => {
        relayed.tell(topic, message)
        return undefined
      },
    },
  })
  const relayed = createRelayedStore({
    ask: (operation) => line.ask('store', operation),
    announce: (topic, message) => line.ask('publish', { topic, message }),
  })
  process.on('message', line.receive)
  process.once('disconnect', () => {
    line.close()
    process.kill(process.pid, 'SIGTERM')
  })
  if (!process.connected) throw new Error('the supervisor is gone')
  const { slot, workers, temporaryKey } = await line.ask('join', undefined)
  const gatehouse = await start({
    ...options,
    member: {
      slot,
      workers,
      temporaryKey: { id: temporaryKey.id, key: new Secret(temporaryKey.key) },
      store: relayed.store,
      keyFetches: relayKeyFetches(line, Date.now),
      budgets: {
        draw: (draws) => line.ask('draw', draws, SHARED_ANSWER_MS),
        attend: () => line.ask('attend', undefined, SHARED_ANSWER_MS),
        close: async () => undefined,
      },
    },
    listenOps: async (handlers) => {
      ops.resolve(handlers)
      return { port: 0, close: async () => undefined }
    },
  })
  house.resolve(gatehouse)
  await line.ask('up', gatehouse.port)
  // Whoever ends the supervisor may tell the workers too, as systemd and a terminal do: the second time must
  // not cut short what the first has begun. Until here a signal ends the process, which does nothing yet.
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => undefined)
  return {
    ...gatehouse,
    stop: async () => {
      await gatehouse.stop()
      const { metrics } = await ops.promise
      await line.ask('leave', (await metrics()).text).catch(() => undefined)
    },
  }
}

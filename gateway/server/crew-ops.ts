/** One ops port for several workers: what operators read is put together, and what they do reaches all. */
import type { AdminRequest } from '../admin/admin.ts'
import type { AdminAnswer } from '../admin/answer.ts'
import { problem } from '../admin/answer.ts'
import { crewMetrics } from '../telemetry/crew-metrics.ts'
import type { Crew, Worker } from './crew.ts'
import type { ListedTools, ToWorker, WorkerReload } from './crew-talk.ts'
import type { OpsHandlers } from './ops.ts'
import type { Check, Readiness } from './readiness.ts'

/** How long a worker may take to say how it is or to look, in milliseconds; after it, it is not well. */
const ANSWER_MS = 1_000

/** How long an action of an operator may take, in milliseconds. */
const ACTION_MS = 30_000

const CONTENT_TYPE = 'text/plain; version=0.0.4; charset=utf-8'

export type CrewOpsOptions = {
  readonly crew: Pick<Crew, 'workers' | 'restarts' | 'metrics'>
  readonly size: number
  readonly draining: () => boolean
  /** Monotonic milliseconds. */
  readonly tick: () => number
}

export function createCrewOps(options: CrewOpsOptions): OpsHandlers {
  const { crew, size, draining, tick } = options

  const admin = async (request: AdminRequest): Promise<AdminAnswer> => {
    // Always the same one, as long as it is there: it counts who asks with a wrong token.
    const [first, ...others] = crew.workers
    if (first === undefined) return problem(503, 'unavailable', 'no worker is up')
    const { body, query, ...rest } = request
    const relayed = { ...rest, query: query.toString(), body: await body() }
    const answer = await first.line.ask('admin', relayed, ACTION_MS)
    if (answer.status >= 300) return answer
    const { method, path } = request
    if (method === 'POST' && path === '/admin/reload') return await reloadToo(answer, others)
    if (method !== 'GET') return await inForceAt(others, answer)
    if (path === '/admin/status')
      return { ...answer, body: await statusOf(crew.workers, answer.body) }
    if (path === '/admin/tools') return { ...answer, body: { tools: await toolsOf(crew.workers) } }
    return answer
  }
  /** Connections and streams of all, and a line for each worker. */
  const statusOf = async (workers: readonly Worker[], body: unknown): Promise<object> => {
    const each = await Promise.all(workers.map((worker) => askOne(worker, 'status')))
    const sum = (name: string): number =>
      each.reduce((total, status) => total + Number(status?.[name] ?? 0), 0)
    return {
      ...Object(body),
      streams: sum('streams'),
      connections: sum('connections'),
      ...(await readiness()),
      workers: workers.map(({ slot, pid, startedTick }) => {
        const upSeconds = Math.round((tick() - startedTick) / 1_000)
        return { worker: `worker ${slot}`, process: `pid ${pid}`, up: `${upSeconds} s` }
      }),
    }
  }
  const readiness = async (): Promise<Readiness> => {
    const { workers } = crew
    const each = await Promise.all(
      workers.map(async (worker) => [worker.slot, await askOne(worker, 'readiness')] as const),
    )
    return mergeReadiness(each, { size, draining: draining() })
  }

  return {
    metrics: async () => {
      const text = await crew.metrics()
      const counts = { workers: crew.workers.length, restarts: crew.restarts }
      return { contentType: CONTENT_TYPE, text: text + crewMetrics(counts) }
    },
    readiness,
    admin,
  }
}

/** What an operator has changed is in force everywhere when it is answered; who is silent looks each second. */
async function inForceAt(others: readonly Worker[], answer: AdminAnswer): Promise<AdminAnswer> {
  await Promise.all(others.map((worker) => askOne(worker, 'refresh')))
  return answer
}

/** Each worker knows the lists that have passed it. */
async function toolsOf(workers: readonly Worker[]): Promise<ListedTools> {
  const each = await Promise.all(workers.map((worker) => askOne(worker, 'tools')))
  const servers = new Set(each.flatMap((tools) => Object.keys(tools ?? {})))
  const named = (server: string): readonly string[] => [
    ...new Set(each.flatMap((tools) => tools?.[server] ?? [])),
  ]
  return Object.fromEntries([...servers].map((server) => [server, named(server).toSorted()]))
}

/** What one worker says; undefined when it does not. */
async function askOne<Name extends 'status' | 'readiness' | 'refresh' | 'tools'>(
  { line }: Worker,
  name: Name,
): Promise<ToWorker[Name]['answer'] | undefined> {
  return await line.ask(name, undefined, ANSWER_MS).catch(() => undefined)
}

/** The first has taken the new configuration; it is refused as a whole where another has not. */
async function reloadToo(answer: AdminAnswer, others: readonly Worker[]): Promise<AdminAnswer> {
  for (const reloaded of await reloadAll(others)) {
    if (reloaded.ok) continue
    const { problems } = reloaded
    const message = `not every worker has taken the new configuration\n${problems.join('\n')}`
    return problem(500, 'reload_incomplete', message, { fields: { problems } })
  }
  return answer
}

/** Has these workers read the configuration again; one that does not answer has not. */
export async function reloadAll(workers: readonly Worker[]): Promise<readonly WorkerReload[]> {
  return await Promise.all(
    workers.map(({ line, slot }) =>
      line.ask('reload', undefined, ACTION_MS).catch((error: unknown): WorkerReload => {
        return { ok: false, problems: [`worker ${slot}: ${String(error)}`], notices: [] }
      }),
    ),
  )
}

const RANK = { ok: 0, warn: 1, fail: 2 } as const

/** Each check as the worst of the workers has it; ready while all that are up are, and one is. */
export function mergeReadiness(
  each: readonly (readonly [slot: number, said: Readiness | undefined])[],
  { size, draining }: { readonly size: number; readonly draining: boolean },
): Readiness {
  const checks: Record<string, Check> = { workers: checkWorkers(each.length, size) }
  for (const [slot, said] of each) {
    const own = said?.checks ?? { workers: { state: 'fail', detail: 'does not answer' } as const }
    for (const [name, check] of Object.entries(own)) {
      const known = checks[name]
      if (known !== undefined && RANK[known.state] >= RANK[check.state]) continue
      const { state, detail } = check
      checks[name] =
        detail === undefined ? { state } : { state, detail: `worker ${slot}: ${detail}` }
    }
  }
  const failed = Object.values(checks).some(({ state }) => state === 'fail')
  return { ready: !draining && !failed, draining, checks }
}

/** The others serve what one that is being replaced does not. */
function checkWorkers(up: number, size: number): Check {
  if (up === size) return { state: 'ok' }
  return { state: up === 0 ? 'fail' : 'warn', detail: `${up} of ${size} are up` }
}

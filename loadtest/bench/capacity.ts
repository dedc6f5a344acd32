/**
 * `make capacity`: what one call, one token, one question about a shared limit and one operation of the store
 * cost whoever does it, in processor time. docs/scaling.md reckons with it. It ends by itself within two minutes.
 */
import { statSync } from 'node:fs'
import { Secret } from '../../gateway/model/secret.ts'
import type { Store } from '../../gateway/model/store.ts'
import { openPostgresStore } from '../../gateway/state/postgres.ts'
import { openRedisStore } from '../../gateway/state/redis.ts'
import { openRedisBudgets } from '../../gateway/state/redis-budgets.ts'
import { startPostgres } from '../../gateway/testkit/postgres.ts'
import { startRedis } from '../../gateway/testkit/redis.ts'
import { TOKEN_CONNECTIONS } from './agents/constants.ts'
import { gatherFleet } from './agents/fleet.ts'
import { startIssuing } from './agents/gateway.ts'
import type { Bench } from './bench.ts'
import { PORTS } from './constants.ts'
import { startPoint } from './curves/point.ts'
import { describeMachine } from './machine.ts'
import { closedLoopRound } from './measure/closed-loop.ts'
import { processorTime, processTree } from './measure/process-tree.ts'
import { createSay } from './say.ts'
import { prepareWorkplace, setUp } from './setup.ts'
import { table } from './table.ts'
import { USUAL_SIZE } from './variants/gatehouse-policy.ts'

/** Each thing is done over and over for so long, after as long that does not count. */
const SECONDS = 2
const MS_PER_SECOND = 1_000

/** As many at once as a busy gateway asks. */
const AT_ONCE = 16

/** Characters of a row: a refresh token's, sealed. */
const ROW_CHARS = 700

/** Of a second; above it what arrives waits ever longer. */
const USABLE_MICROS = 700_000

const HOST = '127.0.0.1'

type Cost = {
  readonly what: string
  readonly of: string
  readonly micros: number
  /** Written for each, where that is what fills up. */
  readonly bytes?: number
}

await main()

async function main(): Promise<void> {
  const workplace = await prepareWorkplace()
  const { processes, tools } = workplace
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => void processes.stopAll().then(() => process.exit(130)))
  }
  const say = createSay()
  console.log(describeMachine(tools).join('\n'))
  try {
    const bench = await setUp(workplace, { quick: true, seed: 1 }, say)
    const costs: Cost[] = []
    for (const part of [calls, tokens, redis, postgres]) {
      say(part.name)
      costs.push(...(await part(bench)))
    }
    console.log(`\n${tableOf(costs)}`)
  } finally {
    await processes.stopAll()
    say('done')
  }
}

async function calls(bench: Bench): Promise<readonly Cost[]> {
  const { running, question } = await startPoint(bench, PORTS.firstVariant, { size: USUAL_SIZE })
  const plan = { question, seconds: SECONDS }
  await closedLoopRound(bench, running, plan)
  const [audit = ''] = running.growing
  const before = statSync(audit).size
  const { microsPerCall, requests } = await closedLoopRound(bench, running, plan)
  // What waits is written within a moment of its last call.
  await running.stop()
  const bytes = (statSync(audit).size - before) / requests
  const micros = microsPerCall ?? Number.NaN
  return [{ what: 'call, with its two audit records', of: 'gateway', micros, bytes }]
}

async function tokens(bench: Bench): Promise<readonly Cost[]> {
  const { directory, processes, generator } = bench
  const issuing = await startIssuing({ directory, processes, upstream: bench.stubs.calls })
  const { tokenRequestsFile } = await gatherFleet(issuing, directory)
  const ask = async (): Promise<number> => {
    const { tally } = await generator.run<'closed_loop'>({
      kind: 'closed_loop',
      target: issuing.calls,
      requestsFile: tokenRequestsFile,
      plan: { connections: TOKEN_CONNECTIONS, until: SECONDS, expectedBytes: undefined },
    })
    return tally.good
  }
  await ask()
  const micros = await costOf(issuing.pid, ask)
  return [{ what: 'token for an agent (client credentials)', of: 'gateway', micros }]
}

async function redis(): Promise<readonly Cost[]> {
  const { made, pid } = await startChildOf(() => startRedis())
  const where = { host: HOST, port: made.port, database: 0, prefix: 'capacity', tls: undefined }
  const options = { ...where, user: undefined, password: new Secret(made.password) }
  const budgets = await openRedisBudgets(options)
  const budget = { perSecond: 1_000_000, burst: 1_000_000 }
  const draw = (at: number) => budgets.draw([{ key: `caller-${at}`, budget, need: 1, want: 1 }])
  await repeat(draw)
  const micros = await costOf(pid, () => repeat(draw))
  await budgets.close()
  const store = await openRedisStore(options)
  const operations = await storeCosts(store, pid, 'Redis')
  await store.close()
  await made.stop()
  return [{ what: 'question about a shared limit', of: 'Redis', micros }, ...operations]
}

async function postgres(): Promise<readonly Cost[]> {
  const { made, pid } = await startChildOf(() => startPostgres())
  const { port, user, database, password } = made
  const where = { host: HOST, port, database, user, schema: 'capacity', tls: undefined }
  const store = await openPostgresStore({ ...where, password: new Secret(password) })
  const operations = await storeCosts(store, pid, 'PostgreSQL')
  await store.close()
  await made.stop()
  return operations
}

async function storeCosts(store: Store, pid: number, of: string): Promise<readonly Cost[]> {
  const row = 'x'.repeat(ROW_CHARS)
  const put = (at: number) => store.put(`row/${at}`, row, { ttlMs: 60_000 })
  const get = (at: number) => store.get(`row/${at}`)
  await repeat(put)
  return [
    { what: 'row read', of, micros: await costOf(pid, () => repeat(get)) },
    { what: 'row written, to disk', of, micros: await costOf(pid, () => repeat(put)) },
  ]
}

/** Processor time of a process and its descendants for each of what `work` says it has done. */
async function costOf(pid: number, work: () => Promise<number>): Promise<number> {
  const before = processorTime([pid]).micros
  const done = await work()
  return (processorTime([pid]).micros - before) / done
}

/** How often it was done. */
async function repeat(work: (at: number) => Promise<unknown>): Promise<number> {
  const endMs = performance.now() + SECONDS * MS_PER_SECOND
  let done = 0
  const goOn = async (at: number): Promise<void> => {
    while (performance.now() < endMs) {
      await work(at)
      done += 1
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, (_, at) => goOn(at)))
  return done
}

/** The process that this starts, which may have children of its own. */
async function startChildOf<T>(start: () => Promise<T>): Promise<{ made: T; pid: number }> {
  const before = new Set(processTree([process.pid]))
  const made = await start()
  // A tree has parents before their children.
  const pid = processTree([process.pid]).find((one) => !before.has(one))
  if (pid === undefined) throw new Error('nothing was started')
  return { made, pid }
}

function tableOf(costs: readonly Cost[]): string {
  const head = ['one', 'costs', 'µs', 'a second, at 70 % of a core', 'bytes']
  const rows = costs.map(({ what, of, micros, bytes }) => [
    what,
    of,
    micros.toFixed(1),
    (USABLE_MICROS / micros).toFixed(0),
    bytes === undefined ? '-' : bytes.toFixed(0),
  ])
  return table(head, rows)
}

/**
 * `make soak`: half an hour of calls beside open event streams, with a fault every half minute. Says at the
 * end whether errors came only where a fault explains them, and whether memory and descriptors are what they
 * were. Ends by itself; exits 1 when not.
 */
import { get } from 'node:http'
import { readdirSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { allowAll } from '../../gateway/testkit/gatehouse.ts'
import { residentKb } from '../bench/measure/process-tree.ts'
import { median } from '../bench/statistics.ts'
import { callTool } from '../scenarios/asks.ts'
import type { Visit } from '../scenarios/scenario.ts'
import { drive, EXAMPLE_CHARS } from './node-driver.ts'
import { openStreams } from './streams.ts'
import { type RunningWorld, startWorld } from './world.ts'

const PER_SECOND = 200
const STREAMS = 500

/** Between two faults, in milliseconds, and how long after its end an error may still be of its making. */
const FAULT_EVERY_MS = 30_000
const FAULT_LASTS_MS = 5_000

/** The first bad answers, for people; more of them say the same. */
const MAX_EXAMPLES = 5

/** Between two looks at the process, in milliseconds. */
const LOOK_EVERY_MS = 5_000

/** Looks of which one is printed. */
const LOOKS_A_LINE = 12

/** Clients that hang up in the middle, in one fault. */
const HANG_UPS = 50

/** Memory may be this much more in the last quarter than in the second. */
const MAX_GROWTH = 1.15

/** Descriptors more than before the load, for connections that are kept for the next call, and the wait for it. */
const MAX_KEPT = 64
const MAX_SETTLING_MS = 60_000

type Look = { readonly rssMb: number; readonly descriptors: number }

type Fault = {
  /** The streams go with the upstream, as they must. */
  readonly endsStreams?: true
  make(world: RunningWorld): Promise<void>
}

const FAULTS: readonly Fault[] = [
  { endsStreams: true, make: (world) => world.restartUpstream() },
  { make: hangUp },
  {
    make: ({ gateway }) => gateway.writePolicy([{ ...allowAll('load'), id: `all-${Date.now()}` }]),
  },
  { make: async ({ gateway }) => gateway.child.signal('SIGHUP') },
]

const { values } = parseArgs({ options: { minutes: { type: 'string', default: '30' } } })
const minutes = Number(values.minutes)
if (!(minutes >= 1 && minutes <= 600)) throw new Error('--minutes must be from 1 to 600')
process.exitCode = await soak(minutes)

async function soak(lastsMinutes: number): Promise<number> {
  const world = await startWorld()
  const interrupt = (): void => void world.stop().finally(() => process.exit(130))
  process.once('SIGINT', interrupt)
  process.once('SIGTERM', interrupt)
  try {
    return await judge(world, lastsMinutes)
  } finally {
    await world.stop()
  }
}

/** Everything that was seen, in the order of time. */
type Seen = {
  readonly looks: Look[]
  /** When each fault began, and when what it broke was whole again. */
  readonly faults: { readonly fromTick: number; toTick: number }[]
  readonly bad: { readonly tick: number; readonly got: string }[]
}

async function judge(world: RunningWorld, lastsMinutes: number): Promise<number> {
  const { pid } = world.gateway.child
  const before = look(pid)
  const seen: Seen = { looks: [], faults: [], bad: [] }
  const answers = await load(world, lastsMinutes, seen)
  const after = await settled(pid, before)
  const { looks, faults, bad } = seen
  const unexplained = bad.filter(
    ({ tick }) => !faults.some((it) => tick >= it.fromTick && tick < it.toTick + FAULT_LASTS_MS),
  )
  const quarter = Math.floor(looks.length / 4)
  const memory = (from: number): number =>
    median(looks.slice(from, from + quarter).map(({ rssMb }) => rssMb))
  const [early, late] = [memory(quarter), memory(3 * quarter)]
  const shouts = world.gateway.child.output().match(/.*(?:unhandled|uncaught|"level":"error").*/gi)
  const promises = [
    [
      `${answers} answers, ${bad.length} bad, ${unexplained.length} of them without a fault`,
      unexplained.length === 0,
    ],
    [
      `memory ${early.toFixed(0)} MB in the second quarter, ${late.toFixed(0)} MB in the last`,
      late < early * MAX_GROWTH,
    ],
    [
      `descriptors ${before.descriptors} before, ${after.descriptors} after`,
      after.descriptors <= before.descriptors + MAX_KEPT,
    ],
    [`errors in the log: ${shouts?.join('\n') ?? 'none'}`, shouts === null],
  ] as const
  console.log(`${faults.length} faults in ${lastsMinutes} minutes`)
  for (const { got } of unexplained.slice(0, MAX_EXAMPLES)) console.log(`  ${got}`)
  for (const [what, isKept] of promises) console.log(`${isKept ? 'PASS' : 'FAIL'}  ${what}`)
  return promises.every(([, isKept]) => isKept) ? 0 : 1
}

/** Calls and streams for all that time, with faults; returns how many answers there were. */
async function load(world: RunningWorld, lastsMinutes: number, seen: Seen): Promise<number> {
  const { looks, faults, bad } = seen
  let streams = await openStreams(world, STREAMS)
  const over = new AbortController()
  const watching = repeat(LOOK_EVERY_MS, over.signal, async () => {
    const now = look(world.gateway.child.pid)
    looks.push(now)
    if (looks.length % LOOKS_A_LINE !== 0) return
    const minute = (looks.length * LOOK_EVERY_MS) / 60_000
    console.log(`${minute} min  ${now.rssMb.toFixed(0)} MB  ${now.descriptors} descriptors`)
  })
  const breaking = repeat(FAULT_EVERY_MS, over.signal, async () => {
    const fault = FAULTS[faults.length % FAULTS.length]
    const lasts = { fromTick: performance.now(), toTick: Number.POSITIVE_INFINITY }
    faults.push(lasts)
    await fault?.make(world)
    if (fault?.endsStreams === true) {
      streams.close()
      streams = await openStreams(world, STREAMS)
    }
    lasts.toTick = performance.now()
  })
  const visit = function* (turn: number): Visit {
    const token = world.tokens[turn % world.tokens.length] ?? ''
    const got = yield callTool(world, { token })
    if (got.body.includes('"result"')) return
    bad.push({ tick: performance.now(), got: `${got.status} ${got.body.slice(0, EXAMPLE_CHARS)}` })
  }
  const seconds = lastsMinutes * 60
  const { answers } = await drive({ perSecond: PER_SECOND, seconds, visit, world })
  over.abort()
  await Promise.all([watching, breaking])
  streams.close()
  return answers.length
}

/** Waits until descriptors are back, or for as long as that may take. */
async function settled(pid: number, before: Look): Promise<Look> {
  const deadline = performance.now() + MAX_SETTLING_MS
  let now = look(pid)
  while (now.descriptors > before.descriptors + MAX_KEPT && performance.now() < deadline) {
    await pause(1_000)
    now = look(pid)
  }
  return now
}

function look(pid: number): Look {
  return { rssMb: residentKb([pid]) / 1024, descriptors: readdirSync(`/proc/${pid}/fd`).length }
}

async function repeat(everyMs: number, signal: AbortSignal, work: () => Promise<void>) {
  while (!signal.aborted) {
    await pause(everyMs, undefined, { signal }).catch(() => undefined)
    if (!signal.aborted) await work()
  }
}

async function hangUp({ url, tokens }: RunningWorld): Promise<void> {
  const requests = Array.from({ length: HANG_UPS }, (_, at) => {
    const headers = { authorization: `Bearer ${tokens[at]}`, accept: 'text/event-stream' }
    const request = get(url, { headers, agent: false })
    return request.on('error', () => undefined)
  })
  await pause(100)
  for (const request of requests) request.destroy()
}

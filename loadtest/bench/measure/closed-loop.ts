/** One closed-loop round: as many calls as 64 connections get answered, and what they cost. */
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { CONNECTIONS, LOAD_CORE } from '../constants.ts'
import { pinned } from '../cores.ts'
import type { Bench, Question } from '../bench.ts'
import type { Running } from '../variants/variant.ts'
import { processorTime } from './process-tree.ts'

const SCRIPT = fileURLToPath(new URL('wrk.lua', import.meta.url))

/** What one round found. */
export type Round = {
  readonly requests: number
  readonly requestsPerSecond: number
  /** Processor time of the proxy per call; undefined where the process is not ours to watch. */
  readonly microsPerCall: number | undefined
  /** Of the time it wanted to run, how much the proxy waited for its core. */
  readonly waitedShare: number
  /** Share of answers that were no authorised calls. */
  readonly badShare: number
}

/** How long, and what is asked. */
export type RoundPlan = {
  /** Whole seconds; wrk knows no others. */
  readonly seconds: number
  readonly question: Question
}

/** Runs one round, with wrk where it is installed, and reads the processor time it took. */
export async function closedLoopRound(
  bench: Bench,
  running: Running,
  plan: RoundPlan,
): Promise<Round> {
  const before = processorTime(running.pids)
  const load = bench.tools.has('wrk')
    ? await wrk(bench, running, plan)
    : await ownLoad(bench, running, plan)
  const after = processorTime(running.pids)
  const micros = after.micros - before.micros
  const waitedMicros = after.waitedMicros - before.waitedMicros
  return {
    requests: load.requests,
    requestsPerSecond: load.requests / load.seconds,
    microsPerCall: running.pids.length === 0 ? undefined : micros / load.requests,
    waitedShare: waitedMicros / Math.max(1, micros + waitedMicros),
    badShare: load.bad / Math.max(1, load.requests),
  }
}

type Load = {
  readonly requests: number
  readonly seconds: number
  readonly bad: number
}

async function wrk(bench: Bench, { target }: Running, plan: RoundPlan): Promise<Load> {
  const url = `http://${target.host}:${target.port}${target.path}`
  const size = ['-t1', `-c${CONNECTIONS}`, `-d${plan.seconds}s`, '--timeout', '5s']
  const load = ['wrk', ...size, '-s', SCRIPT, url, '--', bench.tokensFile, plan.question.bodyFile]
  const [program = '', ...args] = pinned(bench.cores, LOAD_CORE, load)
  const { stdout } = await promisify(execFile)(program, args)
  return parseWrk(stdout)
}

/** Reads the line that `wrk.lua` prints at the end. */
export function parseWrk(output: string): Load {
  const line = output.split('\n').find((line) => line.startsWith('{'))
  if (line === undefined) throw new Error(`wrk printed no summary:\n${output}`)
  const summary = JSON.parse(line) as Record<'requests' | 'micros' | 'otherStatus' | 'lost', number>
  return {
    requests: summary.requests,
    seconds: summary.micros / 1_000_000,
    bad: summary.otherStatus + summary.lost,
  }
}

async function ownLoad(bench: Bench, { target }: Running, plan: RoundPlan): Promise<Load> {
  const { body, answerBytes } = plan.question
  const result = await bench.generator.run<'closed_loop'>({
    kind: 'closed_loop',
    target,
    tokensFile: bench.tokensFile,
    body,
    plan: { connections: CONNECTIONS, until: plan.seconds, expectedBytes: answerBytes },
  })
  const { good, otherStatus, otherBody, lost } = result.tally
  return {
    requests: good + otherStatus + otherBody,
    seconds: result.seconds,
    bad: otherStatus + otherBody + lost,
  }
}

/** What is measured of the authorization server, part after part. */
import { CONNECTIONS } from '../constants.ts'
import type { Generator } from '../generator-client.ts'
import type { OpenLoopResult } from '../generator/open-loop.ts'
import { badOnes } from '../generator/tally.ts'
import type { Tally } from '../generator/tally.ts'
import { median } from '../statistics.ts'
import { CALL_ANSWER, CALL_BODY } from '../traffic.ts'
import type { Durations } from './constants.ts'
import {
  CALLS_PER_SECOND,
  REGISTRATION_CONNECTIONS,
  REGISTRATIONS_PER_SECOND,
  TOKEN_CONNECTIONS,
  TOKENS_PER_SECOND,
} from './constants.ts'
import type { Fleet } from './fleet.ts'
import type { Issuing } from './gateway.ts'

export type Measured = {
  /** Tokens at the rate of the agents. */
  readonly steady: { readonly p50Ms: number; readonly p99Ms: number; readonly heldShare: number }
  /** Tokens without pause. */
  readonly tokensPerSecond: number
  /** Calls of agents that have a token: p99 alone, and beside registrations; medians over pairs. */
  readonly calls: { readonly aloneP99Ms: number; readonly besideP99Ms: number }
  /** Of the registrations beside them. */
  readonly registrations: { readonly heldShare: number; readonly p99Ms: number }
}

export type MeasureOptions = {
  readonly issuing: Issuing
  readonly fleet: Fleet
  readonly durations: Durations
  /** One for the calls, one for what goes on beside them. */
  readonly generators: readonly [Generator, Generator]
  readonly random: () => number
  readonly say: (line: string) => void
}

export async function measure(options: MeasureOptions): Promise<Measured> {
  const { durations, fleet, generators, say } = options
  say(`tokens, ${Math.round(TOKENS_PER_SECOND)}/s`)
  const steady = await openLoop(generators[0], options, {
    requestsFile: fleet.tokenRequestsFile,
    connections: TOKEN_CONNECTIONS,
    ratePerSecond: TOKENS_PER_SECOND,
    seconds: durations.steadySeconds,
  })
  say('tokens without pause')
  const { tally, seconds } = await generators[0].run<'closed_loop'>({
    kind: 'closed_loop',
    target: options.issuing.calls,
    requestsFile: fleet.tokenRequestsFile,
    plan: {
      connections: TOKEN_CONNECTIONS,
      until: durations.fullSeconds,
      expectedBytes: undefined,
    },
  })
  const alone: number[] = []
  const beside: number[] = []
  const registrations: OpenLoopResult[] = []
  for (let pair = 1; pair <= durations.pairs; pair += 1) {
    say(
      `calls, alone and beside ${REGISTRATIONS_PER_SECOND} registrations/s, ${pair}/${durations.pairs}`,
    )
    alone.push((await calls(options)).p99Ms)
    const [called, registered] = await Promise.all([calls(options), register(options)])
    beside.push(called.p99Ms)
    registrations.push(registered)
  }
  return {
    steady: { p50Ms: steady.p50Ms, p99Ms: steady.p99Ms, heldShare: heldShare(steady) },
    tokensPerSecond: tally.good / seconds,
    calls: { aloneP99Ms: median(alone), besideP99Ms: median(beside) },
    registrations: {
      heldShare: median(registrations.map(heldShare)),
      p99Ms: median(registrations.map(({ p99Ms }) => p99Ms)),
    },
  }
}

function calls({ generators, issuing, fleet, durations, random }: MeasureOptions) {
  return generators[0].run<'open_loop'>({
    kind: 'open_loop',
    target: issuing.calls,
    tokensFile: fleet.tokensFile,
    body: CALL_BODY,
    plan: {
      connections: CONNECTIONS,
      ratePerSecond: CALLS_PER_SECOND,
      seconds: durations.warmupSeconds + durations.pairSeconds,
      warmupSeconds: durations.warmupSeconds,
      seed: seedFrom(random),
      expectedBytes: CALL_ANSWER.length,
    },
  })
}

function register(options: MeasureOptions): Promise<OpenLoopResult> {
  return openLoop(options.generators[1], options, {
    requestsFile: options.fleet.registrationsFile,
    connections: REGISTRATION_CONNECTIONS,
    ratePerSecond: REGISTRATIONS_PER_SECOND,
    seconds: options.durations.pairSeconds,
  })
}

type Load = {
  readonly requestsFile: string
  readonly connections: number
  readonly ratePerSecond: number
  readonly seconds: number
}

function openLoop(
  generator: Generator,
  { issuing, durations: { warmupSeconds }, random }: MeasureOptions,
  { requestsFile, connections, ratePerSecond, seconds }: Load,
): Promise<OpenLoopResult> {
  return generator.run<'open_loop'>({
    kind: 'open_loop',
    target: issuing.calls,
    requestsFile,
    plan: {
      connections,
      ratePerSecond,
      seconds: warmupSeconds + seconds,
      warmupSeconds,
      seed: seedFrom(random),
      expectedBytes: undefined,
    },
  })
}

/** Answered as wanted, of all that were due. */
function heldShare({ tally, backlogShare }: { tally: Tally; backlogShare: number }): number {
  return tally.good / (tally.good + badOnes(tally)) - backlogShare
}

function seedFrom(random: () => number): number {
  return Math.floor(random() * 2 ** 32)
}

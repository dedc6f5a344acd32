/**
 * The floors and goals that Gatehouse's speed is held against, as ratios wherever a yardstick exists.
 * The one table of them; `docs/performance.md` explains the rows.
 */
import type { Latency } from './measure/latency.ts'
import type { Results } from './results.ts'
import { GATEHOUSE_VAULT } from './variants/gatehouse-vault.ts'
import { GATEHOUSE } from './variants/gatehouse.ts'
import { HAPROXY_JWT } from './variants/haproxy-jwt.ts'
import { HTTP_PROXY_3_JOSE } from './variants/http-proxy-3-jose.ts'
import { NGINX_AUTH_REQUEST } from './variants/nginx-auth-request.ts'
import { NGINX } from './variants/nginx.ts'
import { PASS_THROUGH } from './variants/pass-through.ts'
import type { Variant } from './variants/variant.ts'

/** One row: a figure, how it is found, and what it is held against. */
export type Goal = {
  readonly what: string
  /** Printed after figures: `x`, `µs`, `ms`, `KB`. */
  readonly unit: string
  readonly better: 'higher' | 'lower'
  /** Below it the run is not good enough; undefined where only a goal is set. */
  readonly floor: number | undefined
  readonly goal: number
  /**
   * Whether `--gate` fails on it: processor-time ratios against a yardstick of the same run only, for
   * they hold on a busy machine where milliseconds and requests/s do not.
   */
  readonly gated?: true
  readonly measure: (results: Results) => number | undefined
}

/** How a figure stands against its row. */
export type Verdict =
  | 'goal reached'
  | 'PASS'
  | 'BELOW FLOOR'
  | 'short of goal'
  | 'not measured'
  | 'noise'

/** Every row, in the order it is printed. */
export const GOALS: readonly Goal[] = [
  { ...ratioTo('nginx', NGINX), floor: 0.33, goal: 0.42 },
  { ...ratioTo('haproxy + jwt_verify', HAPROXY_JWT), floor: 0.8, goal: 1 },
  { ...ratioTo('nginx + auth_request', NGINX_AUTH_REQUEST), floor: 0.7, goal: 1 },
  { ...ratioTo('http-proxy-3 + jose', HTTP_PROXY_3_JOSE), floor: 3, goal: 4 },
  { ...ratioTo('own pass-through', PASS_THROUGH), floor: 0.75, goal: 0.85 },
  {
    ...lower('processor time per authorised call', 'µs'),
    floor: 58,
    goal: 40,
    measure: (results) => cost(results, GATEHOUSE),
  },
  {
    ...lower('of that, over the pass-through', 'µs'),
    floor: 12,
    goal: 8,
    measure: (results) => difference(cost(results, GATEHOUSE), cost(results, PASS_THROUGH)),
  },
  {
    ...lower('added p50', 'ms'),
    floor: 0.5,
    goal: 0.2,
    measure: ({ latency }) => latency.get(GATEHOUSE.name)?.addedP50Ms,
  },
  {
    ...lower("added p50 / nginx's", 'x'),
    floor: 3,
    goal: 1.6,
    measure: (results) => latencyRatio(results, (latency) => latency.addedP50Ms),
  },
  {
    ...lower('added p99', 'ms'),
    floor: 2,
    goal: 0.5,
    measure: ({ latency }) => latency.get(GATEHOUSE.name)?.addedP99Ms,
  },
  {
    ...lower("added p99 / nginx's", 'x'),
    floor: undefined,
    goal: 3,
    measure: (results) => latencyRatio(results, (latency) => latency.addedP99Ms),
  },
  { ...coldToken('RS256'), floor: 250, goal: 120 },
  { ...coldToken('ES256'), floor: 250, goal: 120 },
  {
    ...lower('resident memory per idle stream', 'KB'),
    floor: 45,
    goal: 20,
    measure: ({ streams }) => streams.get(GATEHOUSE.name)?.kbPerStream,
  },
  {
    ...lower('tools/list of 100, over the pass-through', 'µs'),
    floor: 150,
    goal: 60,
    measure: ({ lists }) =>
      difference(
        lists.get(GATEHOUSE.name)?.microsPerCall?.p25,
        lists.get(PASS_THROUGH.name)?.microsPerCall?.p25,
      ),
  },
  {
    ...lower('a swap from the vault, over a call without', 'µs'),
    floor: 10,
    goal: 3,
    measure: ({ swaps }) =>
      difference(
        swaps.get(GATEHOUSE_VAULT.name)?.microsPerCall?.p25,
        swaps.get(GATEHOUSE.name)?.microsPerCall?.p25,
      ),
  },
  {
    ...lower('median scavenge at 5,000/s', 'ms'),
    floor: 2,
    goal: 1,
    measure: ({ garbage }) => garbage?.medianScavengeMs,
  },
]

/** Holds a figure against its floor and goal; what was not measured never passes. */
export function verdict({ better, floor, goal }: Goal, value: number | undefined): Verdict {
  if (value === undefined || Number.isNaN(value)) return 'not measured'
  // Less than nothing: the difference drowned in what else the machine was doing.
  if (value < 0) return 'noise'
  const reaches = (mark: number): boolean => (better === 'higher' ? value >= mark : value <= mark)
  if (reaches(goal)) return 'goal reached'
  if (floor === undefined) return 'short of goal'
  return reaches(floor) ? 'PASS' : 'BELOW FLOOR'
}

/** Calls per second and core against a yardstick's: the ratio of processor time per call. */
function ratioTo(
  name: string,
  yardstick: Variant,
): Pick<Goal, 'what' | 'unit' | 'better' | 'gated' | 'measure'> {
  return {
    what: `calls per core / ${name}`,
    unit: 'x',
    better: 'higher',
    gated: true,
    measure: (results) => quotient(cost(results, yardstick), cost(results, GATEHOUSE)),
  }
}

function coldToken(algorithm: 'RS256' | 'ES256'): Omit<Goal, 'floor' | 'goal'> {
  return {
    ...lower(`a new ${algorithm} token, over a known one`, 'µs'),
    measure: ({ coldTokens }) =>
      coldTokens.find((cold) => cold.algorithm === algorithm)?.extraMicros,
  }
}

/** Against nginx's added latency, where both were measured at the same rate. */
function latencyRatio(
  { latency }: Results,
  added: (latency: Latency) => number,
): number | undefined {
  const own = latency.get(GATEHOUSE.name)
  const yardstick = latency.get(NGINX.name)
  if (own === undefined || own.ratePerSecond !== yardstick?.ratePerSecond) return undefined
  return quotient(added(own), added(yardstick))
}

function lower(what: string, unit: string): Pick<Goal, 'what' | 'unit' | 'better'> {
  return { what, unit, better: 'lower' }
}

function cost({ throughput }: Results, { name }: Variant): number | undefined {
  return throughput.get(name)?.microsPerCall?.p25
}

function quotient(above: number | undefined, below: number | undefined): number | undefined {
  return above === undefined || below === undefined ? undefined : above / below
}

function difference(from: number | undefined, less: number | undefined): number | undefined {
  return from === undefined || less === undefined ? undefined : from - less
}

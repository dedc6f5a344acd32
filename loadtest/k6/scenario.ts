/**
 * One scenario under k6 (1.0 or newer runs TypeScript as it is), against a gateway of yours or the one that
 * `make load` starts.
 *
 *   k6 run -e URL=https://mcp.example.com/mcp -e TOKENS=tokens.txt loadtest/k6/scenario.ts
 *
 * SCENARIO   main, agents, churn, eras, sessions, revocations or streams   main
 * URL        the MCP endpoint                          http://127.0.0.1:8787/mcp
 * TOKENS     file with an access token per line        tokens.txt, beside this file
 * TOOL       tool to call                              search
 * ARGUMENTS  its arguments, as JSON                    {"query":"quarterly report"}
 * RATE, SECONDS    visits per second, and how long     those of the scenario
 * P95_MS, P99_MS   what 95 and 99 % must stay under    those of the scenario
 * CLIENTS    for agents: file with the Authorization of a client per line
 * SESSIONS   for sessions: file with the access token and id of an open session per line
 * REGISTRATION_TOKEN   for churn: an initial access token
 * OPS, ADMIN_TOKEN     for revocations: the operators' port and its credential. It revokes!
 */
import { SharedArray } from 'k6/data'
import exec from 'k6/execution'
import http from 'k6/http'
import type { RefinedResponse } from 'k6/http'
import type { Options } from 'k6/options'
import { Rate } from 'k6/metrics'
import { SCENARIOS } from '../scenarios/all.ts'
import type { Ask, Got, World } from '../scenarios/scenario.ts'
import { GOOD_SHARE } from '../scenarios/scenario.ts'
import { summaryText } from './summary.ts'
import type { SummaryData } from './summary.ts'

const wanted = __ENV['SCENARIO'] ?? 'main'
const scenario = SCENARIOS.find(({ name }) => name === wanted)
if (scenario === undefined) throw new Error(`no scenario ${wanted}`)
const { visit, p95Ms, p99Ms } = scenario
const rate = Number(__ENV['RATE'] ?? scenario.perSecond)

/** A virtual user is busy for one visit; this many cover a stall of a second. */
const MAX_USERS = rate * 2

const world: World = {
  url: __ENV['URL'] ?? 'http://127.0.0.1:8787/mcp',
  tokens: linesOf('TOKENS', './tokens.txt'),
  clients: linesOf('CLIENTS'),
  sessions: linesOf('SESSIONS'),
  tool: __ENV['TOOL'] ?? 'search',
  arguments: __ENV['ARGUMENTS'] ?? '{"query":"quarterly report"}',
  registrationToken: __ENV['REGISTRATION_TOKEN'] ?? '',
  ops: __ENV['OPS'] ?? '',
  adminToken: __ENV['ADMIN_TOKEN'] ?? '',
}

/** The answers that were the right ones. */
const good = new Rate('answers_good')

/** One scenario at a constant rate of arrivals, and what makes the run fail. */
export const options: Options = {
  scenarios: {
    [wanted]: {
      executor: 'constant-arrival-rate',
      rate,
      timeUnit: '1s',
      duration: `${__ENV['SECONDS'] ?? scenario.seconds}s`,
      preAllocatedVUs: Math.min(50, MAX_USERS),
      maxVUs: MAX_USERS,
    },
  },
  thresholds: {
    answers_good: [`rate>${GOOD_SHARE}`],
    http_req_duration: [`p(95)<${__ENV['P95_MS'] ?? p95Ms}`, `p(99)<${__ENV['P99_MS'] ?? p99Ms}`],
    // Visits that k6 could not begin in time would make every other figure look better than it is.
    dropped_iterations: ['count<1'],
  },
  summaryTrendStats: ['min', 'med', 'p(95)', 'p(99)', 'max'],
}

/** One visit. */
export default function visitOnce(): void {
  const asks = visit(exec.scenario.iterationInTest, world)
  let step = asks.next()
  while (step.done !== true) step = asks.next(answerTo(step.value))
}

function answerTo({ name, method, url, headers, body, isGood }: Ask): Got {
  const response = http.request(method, url, body ?? null, { headers, tags: { name } })
  const got = read(response)
  good.add(isGood(got), { name })
  return got
}

function read({ status, body, headers }: RefinedResponse<'text'>): Got {
  const header = (name: string): string | undefined =>
    Object.entries(headers).find(([sent]) => sent.toLowerCase() === name)?.[1]
  return { status, body: body ?? '', header }
}

function linesOf(name: string, otherwise?: string): World['tokens'] {
  const file = __ENV[name] ?? otherwise
  if (file === undefined) return []
  return new SharedArray(name, () => open(file).trim().split('\n'))
}

/** Called by k6 at the end: what to print. */
export function handleSummary(data: SummaryData): Record<string, string> {
  return { stdout: summaryText(data) }
}

/**
 * The main path under k6 (1.0 or newer runs TypeScript as it is): session-less legacy calls at a steady
 * rate, each with the next of many tokens; every tenth asks for the list of tools.
 *
 *   k6 run -e URL=https://mcp.example.com/mcp -e TOKENS=tokens.txt loadtest/k6/main-path.ts
 *
 * URL        the MCP endpoint                          http://127.0.0.1:8787/mcp
 * TOKENS     file with an access token per line        tokens.txt, beside this file
 * TOOL       tool to call                              search
 * ARGUMENTS  its arguments, as JSON                    {"query":"quarterly report"}
 * RATE       requests per second                       200
 * DURATION   how long                                  30s
 * P95_MS, P99_MS   what 95 and 99 % must stay under    20 and 100: loose, for machines with neighbours
 * SUMMARY    file for everything measured, as JSON     none
 */
import { check } from 'k6'
import { SharedArray } from 'k6/data'
import exec from 'k6/execution'
import http from 'k6/http'
import type { Options } from 'k6/options'
import { Rate } from 'k6/metrics'
import { summaryText } from './summary.ts'
import type { SummaryData } from './summary.ts'

const ENDPOINT = __ENV['URL'] ?? 'http://127.0.0.1:8787/mcp'
const RATE = Number(__ENV['RATE'] ?? 200)

/** Of ten requests, how many ask for the list. */
const LISTS_OF_TEN = 1

/** A virtual user is busy for one answer; this many cover a stall of a second. */
const MAX_USERS = RATE * 2

const tokens = new SharedArray('tokens', () =>
  open(__ENV['TOKENS'] ?? './tokens.txt')
    .trim()
    .split('\n'),
)

const callBody = JSON.stringify({
  jsonrpc: '2.0',
  id: 1,
  method: 'tools/call',
  params: {
    name: __ENV['TOOL'] ?? 'search',
    arguments: JSON.parse(__ENV['ARGUMENTS'] ?? '{"query":"quarterly report"}') as unknown,
  },
})
const listBody = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/list' })

/**
 * A judged refusal is HTTP 200 with a JSON-RPC error, so that the status alone does not say whether a
 * call was served: this does.
 */
const served = new Rate('calls_served')

/** One scenario at a constant rate of arrivals, and what makes the run fail. */
export const options: Options = {
  scenarios: {
    main_path: {
      executor: 'constant-arrival-rate',
      rate: RATE,
      timeUnit: '1s',
      duration: __ENV['DURATION'] ?? '30s',
      preAllocatedVUs: Math.min(50, MAX_USERS),
      maxVUs: MAX_USERS,
    },
  },
  thresholds: {
    calls_served: ['rate>0.999'],
    http_req_failed: ['rate<0.001'],
    http_req_duration: [`p(95)<${__ENV['P95_MS'] ?? 20}`, `p(99)<${__ENV['P99_MS'] ?? 100}`],
    // Requests that k6 could not send in time would make every other figure look better than it is.
    dropped_iterations: ['count<1'],
  },
  summaryTrendStats: ['min', 'med', 'p(95)', 'p(99)', 'max'],
}

/** One request and its verdict. */
export default function askOnce(): void {
  const turn = exec.scenario.iterationInTest
  const asksForList = turn % 10 < LISTS_OF_TEN
  const response = http.post(ENDPOINT, asksForList ? listBody : callBody, {
    headers: {
      Authorization: `Bearer ${tokens[turn % tokens.length]}`,
      'Content-Type': 'application/json',
      Accept: 'application/json, text/event-stream',
      'MCP-Protocol-Version': '2025-06-18',
    },
    tags: { name: asksForList ? 'tools/list' : 'tools/call' },
  })
  const body = typeof response.body === 'string' ? response.body : ''
  served.add(
    check(response, {
      'status is 200': ({ status }) => status === 200,
      'answer is a result': () => body.includes('"result"') && !body.includes('"error"'),
    }),
  )
}

/** Called by k6 at the end: what to print, and what to write where. */
export function handleSummary(data: SummaryData): Record<string, string> {
  const file = __ENV['SUMMARY']
  const text = { stdout: summaryText(data) }
  return file === undefined ? text : { ...text, [file]: JSON.stringify(data, undefined, 2) }
}

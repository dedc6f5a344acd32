/** What operators look at first: how much, how much of it is refused and by what, how fast. */
import { AT, OF, per, quantile, rate, sumRate, type Row } from './panel.ts'

const OVERHEAD = 'gatehouse_overhead_seconds'
const REQUESTS = 'gatehouse_requests_total'

const share = (outcomes: string): string =>
  `sum(${rate(REQUESTS, `${OF}, outcome=~"${outcomes}"`)}) / sum(${rate(REQUESTS, OF)}) or vector(0)`

export const TRAFFIC_ROWS: readonly Row[] = [
  {
    title: 'At a glance',
    panels: [
      {
        title: 'Gateways',
        about: 'Processes that answer a scrape; workers count as one.',
        unit: 'short',
        as: 'number',
        curves: [[`count(gatehouse_build_info{${AT}})`, 'gateways']],
      },
      {
        title: 'Calls',
        about: 'Calls a second, those refused included.',
        unit: 'reqps',
        as: 'number',
        curves: [[`sum(${rate(REQUESTS, OF)})`, 'calls']],
      },
      {
        title: 'Refused',
        about:
          'Share of the calls that the gateway refused. A change matters more than the number.',
        unit: 'percentunit',
        as: 'number',
        curves: [[share('refused'), 'refused']],
      },
      {
        title: 'Failed above',
        about: 'Share of the calls that a server answered with an error, or did not answer.',
        unit: 'percentunit',
        as: 'number',
        marks: [0.01, 0.05],
        curves: [[share('error|upstream_failed'), 'failed']],
      },
      {
        title: 'Added, p99',
        about:
          'What the gateway adds to the slowest call in a hundred, without the time of the server.',
        unit: 's',
        as: 'number',
        marks: [0.005, 0.01],
        curves: [[quantile(0.99, OVERHEAD, `${AT}, stage="total"`), 'p99']],
      },
      {
        title: 'Decisions recorded',
        about: 'While decisions cannot be recorded every call is refused: mend the audit sink.',
        unit: 'short',
        as: 'number',
        words: [
          ['0', 'NO', 'red'],
          ['1', 'yes', 'green'],
        ],
        curves: [[`min(gatehouse_audit_accepting{${AT}})`, 'accepting']],
      },
      {
        title: 'Turned away',
        about: 'What is turned away for want of resources: docs/scaling.md.',
        unit: 'short',
        as: 'number',
        marks: [0.5, 1.5],
        words: [
          ['0', 'nothing', 'green'],
          ['1', 'new streams', 'orange'],
          ['2', 'everything new', 'red'],
        ],
        curves: [[`max(gatehouse_overload{${AT}})`, 'overload']],
      },
      {
        title: 'Failed reloads',
        about: 'In the time shown. The gateway runs on with what it had: gatehouse check says why.',
        unit: 'short',
        as: 'number',
        marks: [0.5, 0.5],
        curves: [
          [
            `sum(increase(gatehouse_reloads_total{${AT}, result="failed"}[$__range])) or vector(0)`,
            'failed',
          ],
        ],
      },
    ],
  },
  {
    title: 'Calls and refusals',
    panels: [
      {
        title: 'Calls by server',
        about: 'Each element of a batch counts.',
        unit: 'reqps',
        as: 'bands',
        curves: [per('server', REQUESTS, OF)],
      },
      {
        title: 'Calls by outcome',
        about: 'How calls ended, and visits that ended before there was one.',
        unit: 'reqps',
        as: 'bands',
        curves: [per('outcome', REQUESTS, OF)],
      },
      {
        title: 'Calls by kind of caller',
        about: 'none: before authentication.',
        unit: 'reqps',
        as: 'bands',
        curves: [per('kind', REQUESTS, OF)],
      },
      {
        title: 'Decisions by effect',
        about: 'require: waits for approval.',
        unit: 'reqps',
        as: 'bands',
        curves: [per('effect', 'gatehouse_decisions_total', OF)],
      },
      {
        title: 'Refusals by code',
        about: 'docs/errors.md says of each code what it means and what to do.',
        unit: 'reqps',
        curves: [per('code', 'gatehouse_refusals_total', OF)],
      },
      {
        title: 'Refusals by server',
        about: 'none: visits that reached no server.',
        unit: 'reqps',
        curves: [per('server', 'gatehouse_refusals_total', OF)],
      },
      {
        title: 'Denials by reason',
        about:
          'gatehouse policy explain --record ID explains one. Many unlisted: somebody guesses names.',
        unit: 'reqps',
        curves: [per('reason', 'gatehouse_denials_total', OF)],
      },
      {
        title: 'Rules that decide most',
        about: 'none: nothing allowed the call.',
        unit: 'reqps',
        curves: [
          [
            `topk(10, ${sumRate('effect, rule', 'gatehouse_decisions_total', OF)})`,
            '{{effect}} {{rule}}',
          ],
        ],
      },
      {
        title: 'What rules in shadow mode would change',
        about: 'By what the decision would become: gatehouse policy shadow-report names the calls.',
        unit: 'reqps',
        curves: [per('effect, rule', 'gatehouse_shadow_decisions_total', OF)],
      },
    ],
  },
  {
    title: 'Latency',
    panels: [
      {
        title: 'Added by the gateway',
        about: 'Per visit, without the time of the server.',
        unit: 's',
        curves: [0.5, 0.9, 0.99].map((q) => [
          quantile(q, OVERHEAD, `${AT}, stage="total"`),
          `p${q * 100}`,
        ]),
      },
      {
        title: 'Added by stage, p99',
        about: 'record waits for the disk in strict audit mode, swap for a credential.',
        unit: 's',
        curves: [[quantile(0.99, OVERHEAD, `${AT}, stage!="total"`, 'stage, le'), '{{stage}}']],
      },
      {
        title: 'Servers',
        about: 'Time until the server had answered whole.',
        unit: 's',
        curves: [0.5, 0.99].map((q) => [
          quantile(q, 'gatehouse_upstream_duration_seconds', OF, 'server, le'),
          `{{server}} p${q * 100}`,
        ]),
      },
      {
        title: 'Slowest tools, p95',
        about: 'From the request to the end of the answer.',
        unit: 's',
        curves: [
          [
            `topk(10, ${quantile(0.95, 'gatehouse_tool_call_duration_seconds', OF, 'server, tool, le')})`,
            '{{server}}/{{tool}}',
          ],
        ],
      },
      {
        title: 'Tools called most',
        about: 'other: tools that no list shows.',
        unit: 'reqps',
        curves: [
          [
            `topk(10, ${sumRate('server, tool', 'gatehouse_tool_calls_total', OF)})`,
            '{{server}}/{{tool}}',
          ],
        ],
      },
      {
        title: 'What servers speak',
        about:
          'unknown: the server has not answered as an MCP server does; the log says what it did.',
        unit: 'short',
        curves: [[`max by (server, eras) (gatehouse_server_eras{${OF}})`, '{{server}} {{eras}}']],
      },
    ],
  },
]

/** What explains it: credentials, limits, people, audit, store and the process itself. */
import { AT, grown, OF, per, quantile, rate, sumRate, type Row } from './panel.ts'

export const INSIDE_ROWS: readonly Row[] = [
  {
    title: 'Tokens and credentials',
    panels: [
      {
        title: 'Credentials accepted',
        about: 'cached no: the signature was checked now.',
        unit: 'reqps',
        curves: [per('issuer, kind, cached', 'gatehouse_tokens_verified_total')],
      },
      {
        title: 'Credentials refused',
        about:
          'expired and missing are everyday; bad_signature, unknown_issuer and flooded are not.',
        unit: 'reqps',
        curves: [per('reason', 'gatehouse_tokens_refused_total')],
      },
      {
        title: 'Fetches of keys',
        about: 'Cached keys work for a bounded time after the last good fetch.',
        unit: 'short',
        curves: [grown('issuer, result', 'gatehouse_key_fetches_total')],
      },
      {
        title: 'Token swaps',
        about: 'Credentials asked for on behalf of callers; those used again are not counted.',
        unit: 'ops',
        curves: [per('server, mode, result', 'gatehouse_swaps_total', OF)],
      },
      {
        title: 'Connected accounts',
        about: 'dead: the owner has to connect again.',
        unit: 'short',
        curves: [
          [`max by (provider, state) (gatehouse_connections{${AT}})`, '{{provider}} {{state}}'],
        ],
      },
      {
        title: 'Changes of connected accounts',
        about: 'refresh_failed is tried again, ended is not.',
        unit: 'short',
        curves: [grown('provider, action', 'gatehouse_connection_changes_total')],
      },
      {
        title: 'Asking providers',
        about: 'Discoveries of the authorization servers of servers, and registrations there.',
        unit: 'short',
        curves: (['discoveries', 'registrations'] as const).map((what) => {
          const [expr] = grown('provider, result', `gatehouse_provider_${what}_total`)
          return [expr, `${what} {{provider}} {{result}}`]
        }),
      },
      {
        title: 'Key service',
        about: 'Requests to the service that seals the keys of connections.',
        unit: 'ops',
        curves: [per('operation, result', 'gatehouse_key_service_requests_total')],
      },
    ],
  },
  {
    title: 'Limits, streams and sessions',
    panels: [
      {
        title: 'Refused by limits',
        about:
          'rate_limited: open calls and streams; over_budget: limits of rules and servers; overloaded: resources.',
        unit: 'reqps',
        curves: [
          per(
            'server, code',
            'gatehouse_refusals_total',
            `${OF}, code=~"rate_limited|over_budget|overloaded|too_large"`,
          ),
        ],
      },
      {
        title: 'Shared limits',
        about: 'Questions to whoever keeps them, and calls counted alone since it was away.',
        unit: 'ops',
        curves: [
          per('result', 'gatehouse_shared_limit_draws_total'),
          [`sum(${rate('gatehouse_shared_limit_alone_total')})`, 'alone'],
        ],
      },
      {
        title: 'Processes that share limits',
        about: 'As far as each knows: the two are one number when all is well.',
        unit: 'short',
        curves: [
          [`min(gatehouse_shared_limit_processes{${AT}})`, 'fewest'],
          [`max(gatehouse_shared_limit_processes{${AT}})`, 'most'],
        ],
      },
      {
        title: 'Open streams',
        about: 'By how they were opened.',
        unit: 'short',
        as: 'bands',
        curves: [[`sum by (server, kind) (gatehouse_streams_open{${OF}})`, '{{server}} {{kind}}']],
      },
      {
        title: 'Open connections of clients',
        about: 'Bounded by listen.max_connections.',
        unit: 'short',
        curves: [[`sum by (instance) (gatehouse_connections_open{${AT}})`, '{{instance}}']],
      },
      {
        title: 'Sessions opened and ended',
        about: 'Few clients end theirs: the difference is no number of open ones.',
        unit: 'cps',
        curves: (['opened', 'ended'] as const).map((what) => [
          sumRate('server, kind', `gatehouse_sessions_${what}_total`, OF),
          `${what} {{server}} {{kind}}`,
        ]),
      },
    ],
  },
  {
    title: 'Authorization server and people',
    panels: [
      {
        title: 'Tokens issued',
        about: 'By kind of client and grant.',
        unit: 'ops',
        as: 'bands',
        curves: [per('kind, grant_type', 'gatehouse_tokens_issued_total')],
      },
      {
        title: 'Registrations',
        about: 'Clients that registered, and those removed by why.',
        unit: 'short',
        curves: [grown('action', 'gatehouse_oauth_clients_total')],
      },
      {
        title: 'Refused by the authorization server',
        about: 'temporarily_unavailable at registration: a quota that is too small, or a flood.',
        unit: 'ops',
        curves: [per('endpoint, error', 'gatehouse_oauth_refusals_total')],
      },
      {
        title: 'People who sign in and out',
        about: 'local: with a password here.',
        unit: 'short',
        curves: [
          [grown('way, result', 'gatehouse_sign_ins_total')[0], 'in {{way}} {{result}}'],
          [grown('way', 'gatehouse_sign_outs_total')[0], 'out {{way}}'],
        ],
      },
      {
        title: 'Consents, approvals, grants',
        about: 'Approvals that were asked for and neither approved nor denied wait for somebody.',
        unit: 'short',
        curves: [
          [grown('result', 'gatehouse_consents_total')[0], 'consent {{result}}'],
          [grown('action', 'gatehouse_approvals_total')[0], 'approval {{action}}'],
          [grown('action', 'gatehouse_grants_total')[0], 'grant {{action}}'],
        ],
      },
      {
        title: 'Revocations and admin actions',
        about: 'Failed actions on the admin API: nobody but operators should reach it.',
        unit: 'short',
        curves: [
          [
            grown('kind, action', 'gatehouse_revocations_total')[0],
            'revocation {{kind}} {{action}}',
          ],
          [grown('action, result', 'gatehouse_admin_actions_total')[0], '{{action}} {{result}}'],
        ],
      },
    ],
  },
  {
    title: 'Audit and store',
    panels: [
      {
        title: 'Audit records waiting',
        about: 'Bounded by audit.max_buffered; beyond it calls are refused.',
        unit: 'short',
        curves: [[`max by (instance) (gatehouse_audit_buffered_records{${AT}})`, '{{instance}}']],
      },
      {
        title: 'Oldest audit record waiting',
        about: 'Above 10 seconds calls are refused.',
        unit: 's',
        curves: [[`max by (instance) (gatehouse_audit_oldest_seconds{${AT}})`, '{{instance}}']],
      },
      {
        title: 'Audit failures',
        about:
          'Writes that failed are written again; lost are records of refused visits and events only.',
        unit: 'short',
        curves: [
          [grown('instance', 'gatehouse_audit_write_failures_total')[0], 'failed {{instance}}'],
          [grown('instance', 'gatehouse_audit_lost_records_total')[0], 'lost {{instance}}'],
        ],
      },
      {
        title: 'Store operations',
        about: 'By what the state store was asked.',
        unit: 'ops',
        as: 'bands',
        curves: [per('operation', 'gatehouse_store_operations_total')],
      },
      {
        title: 'Store operations that failed',
        about: 'away: a database that cannot be reached; docs/storage.md has the others.',
        unit: 'ops',
        curves: [
          per('operation, result', 'gatehouse_store_operations_total', `${AT}, result!="ok"`),
        ],
      },
      {
        title: 'Store latency, p99',
        about: 'Time until the store answered.',
        unit: 's',
        curves: [
          [
            quantile(0.99, 'gatehouse_store_operation_duration_seconds', AT, 'operation, le'),
            '{{operation}}',
          ],
        ],
      },
    ],
  },
  {
    title: 'Process and configuration',
    panels: [
      {
        title: 'Event-loop delay',
        about: 'How late the loop was over the last second, on average; the worst of the workers.',
        unit: 's',
        curves: [[`max by (instance) (gatehouse_event_loop_delay_seconds{${AT}})`, '{{instance}}']],
      },
      {
        title: 'Workers',
        about: 'Fewer than configured while one is being replaced; only where there are several.',
        unit: 'short',
        curves: [
          [`sum by (instance) (gatehouse_workers{${AT}})`, '{{instance}}'],
          [grown('instance', 'gatehouse_worker_restarts_total')[0], '{{instance}} replaced'],
        ],
      },
      {
        title: 'Resources used',
        about:
          'Above the marks of docs/scaling.md new streams, then everything new is turned away.',
        unit: 'percentunit',
        curves: [
          [
            `max by (instance, resource) (gatehouse_resource_used_ratio{${AT}})`,
            '{{instance}} {{resource}}',
          ],
        ],
      },
      {
        title: 'Processor time',
        about: 'Cores in use.',
        unit: 'short',
        curves: [[sumRate('instance', 'process_cpu_seconds_total'), '{{instance}}']],
      },
      {
        title: 'Memory',
        about: 'Resident, all workers together.',
        unit: 'bytes',
        curves: [[`sum by (instance) (process_resident_memory_bytes{${AT}})`, '{{instance}}']],
      },
      {
        title: 'Age of the configuration',
        about: 'Since it was last loaded without a mistake.',
        unit: 's',
        curves: [
          [
            `time() - max by (instance) (gatehouse_last_reload_success_timestamp_seconds{${AT}})`,
            '{{instance}}',
          ],
        ],
      },
      {
        title: 'Warnings in the log',
        about: 'By the word that the log line has.',
        unit: 'short',
        curves: [grown('what', 'gatehouse_warnings_total')],
      },
      {
        title: 'Definitions of tools',
        about:
          'changed under a caller, variant for a caller, accepted by an operator: docs/pins.md.',
        unit: 'short',
        curves: [grown('server, change', 'gatehouse_tool_definitions_total')],
      },
      {
        title: 'Notifications',
        about: 'dropped: the receiver did not take it in time; the log says which.',
        unit: 'short',
        curves: [grown('name, result', 'gatehouse_notifications_total')],
      },
    ],
  },
]

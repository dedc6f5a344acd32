/**
 * Every metric of our own, in one table; `docs/metrics.md` has a row for each, and a test compares.
 * Label values are bounded by the configuration and the catalogue: no subject, no client id, no
 * resource URI, nothing a caller can make up.
 */

/** One metric, as `docs/metrics.md` lists it. */
export type Definition = {
  readonly name: string
  readonly type: 'counter' | 'gauge' | 'histogram'
  readonly labels: readonly string[]
  readonly help: string
}

/** By the name that the code knows them by. */
export const METRICS = {
  requests: {
    name: 'gatehouse_requests_total',
    type: 'counter',
    labels: ['server', 'method', 'outcome', 'kind'],
    help: 'Calls by how they ended, and visits that ended before there was a call (method "none")',
  },
  refusals: {
    name: 'gatehouse_refusals_total',
    type: 'counter',
    labels: ['server', 'code'],
    help: 'Visits the gateway refused, by code of docs/errors.md',
  },
  decisions: {
    name: 'gatehouse_decisions_total',
    type: 'counter',
    labels: ['server', 'effect', 'rule'],
    help: 'Policy decisions by the rule that made them ("none": nothing allowed it)',
  },
  denials: {
    name: 'gatehouse_denials_total',
    type: 'counter',
    labels: ['server', 'reason'],
    help: 'Calls policy denied, by reason',
  },
  shadows: {
    name: 'gatehouse_shadow_decisions_total',
    type: 'counter',
    labels: ['server', 'effect', 'rule'],
    help: 'Decisions that rules in shadow mode would change, by what they would become',
  },
  toolCalls: {
    name: 'gatehouse_tool_calls_total',
    type: 'counter',
    labels: ['server', 'tool', 'outcome'],
    help: 'Calls of tools by how they ended ("other": tools no list shows)',
  },
  toolDuration: {
    name: 'gatehouse_tool_call_duration_seconds',
    type: 'histogram',
    labels: ['server', 'tool'],
    help: 'Time from the request to the end of the answer of tool calls that went up',
  },
  overhead: {
    name: 'gatehouse_overhead_seconds',
    type: 'histogram',
    labels: ['stage'],
    help: 'Time the gateway itself adds, by stage and in total',
  },
  upstream: {
    name: 'gatehouse_upstream_duration_seconds',
    type: 'histogram',
    labels: ['server'],
    help: 'Time spent waiting for the server, for visits that went up',
  },
  tokensVerified: {
    name: 'gatehouse_tokens_verified_total',
    type: 'counter',
    labels: ['issuer', 'kind', 'cached'],
    help: 'Credentials accepted, by configured issuer and kind of caller',
  },
  tokensRefused: {
    name: 'gatehouse_tokens_refused_total',
    type: 'counter',
    labels: ['reason'],
    help: 'Credentials refused, by reason',
  },
  keyFetches: {
    name: 'gatehouse_key_fetches_total',
    type: 'counter',
    labels: ['issuer', 'result'],
    help: 'Attempts to fetch the keys of a configured issuer',
  },
  sessionsOpened: {
    name: 'gatehouse_sessions_opened_total',
    type: 'counter',
    labels: ['server', 'kind'],
    help: 'MCP sessions opened, by kind of caller',
  },
  sessionsEnded: {
    name: 'gatehouse_sessions_ended_total',
    type: 'counter',
    labels: ['server', 'kind'],
    help: 'MCP sessions ended by a client or a server, by kind of caller',
  },
  revocations: {
    name: 'gatehouse_revocations_total',
    type: 'counter',
    labels: ['kind', 'action'],
    help: 'Revocations made and lifted, by what they name',
  },
  grants: {
    name: 'gatehouse_grants_total',
    type: 'counter',
    labels: ['action'],
    help: 'Grants created and ended by operators',
  },
  oauthClients: {
    name: 'gatehouse_oauth_clients_total',
    type: 'counter',
    labels: ['action'],
    help: 'Clients that registered themselves, and those removed by why ("idle", "revoked", "itself")',
  },
  tokensIssued: {
    name: 'gatehouse_tokens_issued_total',
    type: 'counter',
    labels: ['kind', 'grant_type'],
    help: 'Access tokens issued by our own authorization server, by kind of client and grant',
  },
  oauthRefusals: {
    name: 'gatehouse_oauth_refusals_total',
    type: 'counter',
    labels: ['endpoint', 'error'],
    help: 'Requests our own authorization server refused, by endpoint and OAuth error code',
  },
  signIns: {
    name: 'gatehouse_sign_ins_total',
    type: 'counter',
    labels: ['way', 'result'],
    help: 'People who tried to sign in, by identity provider ("local": with a password here)',
  },
  signOuts: {
    name: 'gatehouse_sign_outs_total',
    type: 'counter',
    labels: ['way'],
    help: 'Sessions of people that ended, by the identity provider that said so ("person": by themselves)',
  },
  consents: {
    name: 'gatehouse_consents_total',
    type: 'counter',
    labels: ['result'],
    help: 'Decisions of people about a client: allowed or refused',
  },
  approvals: {
    name: 'gatehouse_approvals_total',
    type: 'counter',
    labels: ['action'],
    help: 'Approvals asked for and decided, by rule and call',
  },
  adminActions: {
    name: 'gatehouse_admin_actions_total',
    type: 'counter',
    labels: ['action', 'result'],
    help: 'Actions on the admin API',
  },
  connections: {
    name: 'gatehouse_connections',
    type: 'gauge',
    labels: ['provider', 'state'],
    help: 'Accounts that people have connected, by whether they still give tokens',
  },
  connectionChanges: {
    name: 'gatehouse_connection_changes_total',
    type: 'counter',
    labels: ['provider', 'action'],
    help: 'What became of connected accounts',
  },
  providerDiscoveries: {
    name: 'gatehouse_provider_discoveries_total',
    type: 'counter',
    labels: ['provider', 'result'],
    help: 'Servers asked for the authorization server whose tokens they take',
  },
  providerRegistrations: {
    name: 'gatehouse_provider_registrations_total',
    type: 'counter',
    labels: ['provider', 'result'],
    help: 'Registrations of the gateway as a client of an authorization server',
  },
  swaps: {
    name: 'gatehouse_swaps_total',
    type: 'counter',
    labels: ['server', 'mode', 'result'],
    help: 'Credentials asked for on behalf of callers',
  },
  keyService: {
    name: 'gatehouse_key_service_requests_total',
    type: 'counter',
    labels: ['operation', 'result'],
    help: 'Requests to the service that seals the keys of connections',
  },
  toolDefinitions: {
    name: 'gatehouse_tool_definitions_total',
    type: 'counter',
    labels: ['server', 'change'],
    help: 'Definitions of tools that changed under a caller, differ by caller, or were accepted',
  },
  notifications: {
    name: 'gatehouse_notifications_total',
    type: 'counter',
    labels: ['name', 'result'],
    help: 'Notifications of decisions by how they ended',
  },
  warnings: {
    name: 'gatehouse_warnings_total',
    type: 'counter',
    labels: ['what'],
    help: 'Warnings in the log',
  },
  storeOperations: {
    name: 'gatehouse_store_operations_total',
    type: 'counter',
    labels: ['operation', 'result'],
    help: 'Operations of the state store by how they ended',
  },
  storeDuration: {
    name: 'gatehouse_store_operation_duration_seconds',
    type: 'histogram',
    labels: ['operation'],
    help: 'Time until the state store answered',
  },
  reloads: {
    name: 'gatehouse_reloads_total',
    type: 'counter',
    labels: ['result'],
    help: 'Reloads of configuration and policy',
  },
  lastReload: {
    name: 'gatehouse_last_reload_success_timestamp_seconds',
    type: 'gauge',
    labels: [],
    help: 'When configuration and policy were last loaded without a mistake, in Unix time',
  },
  streamsOpen: {
    name: 'gatehouse_streams_open',
    type: 'gauge',
    labels: ['server', 'kind'],
    help: 'Streams open, by how they were opened',
  },
  connectionsOpen: {
    name: 'gatehouse_connections_open',
    type: 'gauge',
    labels: [],
    help: 'Client connections open',
  },
  overload: {
    name: 'gatehouse_overload',
    type: 'gauge',
    labels: [],
    help: 'What is turned away for want of resources: 0 nothing, 1 new streams, 2 everything new',
  },
  resourceUsed: {
    name: 'gatehouse_resource_used_ratio',
    type: 'gauge',
    labels: ['resource'],
    help: 'How much of a resource is used, 0 to 1 ("heap", "memory", "descriptors")',
  },
  loopDelay: {
    name: 'gatehouse_event_loop_delay_seconds',
    type: 'gauge',
    labels: [],
    help: 'How late the event loop was over the last second, on average',
  },
  sharedDraws: {
    name: 'gatehouse_shared_limit_draws_total',
    type: 'counter',
    labels: ['result'],
    help: 'Questions to whoever keeps shared limits, by how they ended ("granted", "refused", "failed")',
  },
  sharedAlone: {
    name: 'gatehouse_shared_limit_alone_total',
    type: 'counter',
    labels: [],
    help: 'Calls that were counted without the others, because whoever keeps shared limits was away',
  },
  sharedProcesses: {
    name: 'gatehouse_shared_limit_processes',
    type: 'gauge',
    labels: [],
    help: 'Processes that share limits, as far as is known',
  },
  serverEras: {
    name: 'gatehouse_server_eras',
    type: 'gauge',
    labels: ['server', 'eras'],
    help: 'Always 1; which protocol eras a server speaks (legacy, modern, both, unknown)',
  },
  build: {
    name: 'gatehouse_build_info',
    type: 'gauge',
    labels: ['version', 'node'],
    help: 'Always 1; version of Gatehouse and of Node',
  },
  auditAccepting: {
    name: 'gatehouse_audit_accepting',
    type: 'gauge',
    labels: [],
    help: '1 while decisions can be recorded, 0 while calls are refused because they cannot',
  },
  auditBuffered: {
    name: 'gatehouse_audit_buffered_records',
    type: 'gauge',
    labels: [],
    help: 'Audit records not written yet',
  },
  auditOldest: {
    name: 'gatehouse_audit_oldest_seconds',
    type: 'gauge',
    labels: [],
    help: 'Age of the oldest audit record not written yet',
  },
  auditFailures: {
    name: 'gatehouse_audit_write_failures_total',
    type: 'counter',
    labels: [],
    help: 'Audit writes that failed; the records are kept and written again',
  },
  auditLost: {
    name: 'gatehouse_audit_lost_records_total',
    type: 'counter',
    labels: [],
    help: 'Audit records of refused visits and events that found no place in a full buffer',
  },
} as const satisfies Record<string, Definition>

/** Upper bounds of `gatehouse_overhead_seconds`: 0.05 to 50 ms, finest where the budget lies. */
export const OVERHEAD_SECONDS: readonly number[] = [
  0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05,
]

/** Upper bounds of what servers take: from a cached answer to a long-running tool. */
export const LATENCY_SECONDS: readonly number[] = [
  0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300,
]

/** Methods with a label value of their own, those of all revisions and of tasks; others are `other`. */
export const KNOWN_METHODS: ReadonlySet<string> = new Set([
  'completion/complete',
  'elicitation/create',
  'initialize',
  'logging/setLevel',
  'notifications/cancelled',
  'notifications/elicitation/complete',
  'notifications/initialized',
  'notifications/message',
  'notifications/progress',
  'notifications/prompts/list_changed',
  'notifications/resources/list_changed',
  'notifications/resources/updated',
  'notifications/roots/list_changed',
  'notifications/subscriptions/acknowledged',
  'notifications/tasks',
  'notifications/tasks/status',
  'notifications/tools/list_changed',
  'ping',
  'prompts/get',
  'prompts/list',
  'resources/list',
  'resources/read',
  'resources/subscribe',
  'resources/templates/list',
  'resources/unsubscribe',
  'roots/list',
  'sampling/createMessage',
  'server/discover',
  'subscriptions/listen',
  'tasks/cancel',
  'tasks/get',
  'tasks/list',
  'tasks/result',
  'tasks/update',
  'tools/call',
  'tools/list',
])

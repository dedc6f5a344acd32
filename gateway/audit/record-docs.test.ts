import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { before, test } from 'node:test'
import type { GatehouseEvent } from '../model/event.ts'
import { endedJourney, judgedCall, testCall } from '../testkit/journey.ts'
import { testCaller } from '../testkit/pipeline.ts'
import { createChain } from './chain.ts'
import { createRecords } from './record.ts'

const records = createRecords({ now: () => 0, version: () => 'a1b2c3d4e5f6' })

/** A call about which everything is known. */
const call = judgedCall({
  call: testCall({ direction: 'down' }),
  dropped: [{ kind: 'resource', name: 'file:///a' }],
  reason: 'no_rule',
  decisionPoint: 'deny',
  grant: '0123456789abcdef01234567',
  approvedBy: ['lena'],
  credential: 'reader',
  shadow: { effect: 'allow', rule: 'tried' },
  recordedArguments: '{}',
})
const journey = endedJourney({
  calls: [call],
  traceId: 'abc',
  caller: testCaller({
    actors: [{ issuer: 'i', subject: 's' }],
    groups: names(70),
    scopes: names(70),
    interactive: true,
  }),
  refusal: 'internal',
  detail: 'why',
  rpcError: 1,
})

function names(count: number): ReadonlySet<string> {
  return new Set(Array.from({ length: count }, (_, at) => `name-${at}`))
}

const GRANT = { id: 'g', rule: 'r', issuer: 'i', subject: 's', task: 't' }

const ASKED = { id: 'a', rule: 'r', server: 's', issuer: 'i', subject: 's', by: 'b' }

/** Every event, with every field. */
const EVENTS: readonly GatehouseEvent[] = [
  { type: 'token_verified', issuer: 'i', kind: 'agent', cached: false },
  { type: 'token_refused', reason: 'expired' },
  { type: 'jwks_fetched', issuer: 'i', ok: false, detail: 'd' },
  {
    type: 'connection',
    action: 'ended',
    provider: 'p',
    account: 'a',
    tenant: 't',
    issuer: 'i',
    subject: 's',
    detail: 'd',
  },
  { type: 'provider_discovery', provider: 'p', ok: false, issuer: 'i', detail: 'd' },
  {
    type: 'provider_registration',
    provider: 'p',
    ok: false,
    issuer: 'i',
    client: 'c',
    detail: 'd',
  },
  { type: 'swapped', server: 's', mode: 'exchange', ok: false, detail: 'd' },
  { type: 'key_service', operation: 'decrypt', ok: false, detail: 'd' },
  { type: 'session_opened', server: 's', callerKind: 'agent' },
  { type: 'session_ended', server: 's', callerKind: 'agent' },
  { type: 'revoked', by: 'b', kind: 'client', value: 'v', issuer: 'i' },
  { type: 'revocation_lifted', by: 'b', kind: 'client', value: 'v', issuer: 'i' },
  { type: 'grant_created', by: 'b', ...GRANT },
  { type: 'grant_ended', by: 'b', ...GRANT },
  {
    type: 'client_registered',
    client: 'c',
    kind: 'agent',
    token: 't',
    statement: 's',
    address: 'a',
  },
  { type: 'client_removed', client: 'c', why: 'revoked', by: 'b' },
  {
    type: 'token_issued',
    client: 'c',
    kind: 'agent',
    grantType: 'g',
    audience: 'a',
    subject: 's',
    actors: [{ issuer: 'i', subject: 'b' }],
  },
  { type: 'oauth_refused', endpoint: 'e', error: 'r', client: 'c', address: 'a', detail: 'd' },
  { type: 'signed_in', way: 'w', ok: true, subject: 's' },
  { type: 'signed_out', subject: 's', way: 'w' },
  { type: 'consented', ok: true, subject: 's', client: 'c', servers: ['s'], scopes: ['x'] },
  { type: 'approval_asked', ...ASKED },
  { type: 'approval_approved', ...ASKED },
  { type: 'approval_denied', ...ASKED },
  { type: 'admin', by: 'b', action: 'a', ok: true, detail: 'd' },
  { type: 'reload', ok: true, version: 'v', detail: 'd', needsRestart: ['listen'] },
  { type: 'tool_changed', server: 's', tool: 't', definition: 'h', was: 'g', held: true },
  { type: 'tool_variant', server: 's', tool: 't', definition: 'h' },
  { type: 'tool_accepted', by: 'b', server: 's', tool: 't', definition: 'h' },
  { type: 'started', version: 'v', detail: 'd' },
  { type: 'stopping', version: 'v', detail: 'd' },
  { type: 'warning', what: 'w', detail: 'd' },
]

let page = ''

before(async () => {
  page = await readFile(join(import.meta.dirname, '../../docs/audit.md'), 'utf8')
})

function recordOf(fields: string): Record<string, unknown> {
  return JSON.parse(createChain('instance-1').seal(fields)) as Record<string, unknown>
}

/** Rows of the first table under a heading, a list of cells each. */
function rowsUnder(heading: string): readonly (readonly string[])[] {
  const section = page.split(`## ${heading}\n`)[1]?.split('\n## ')[0] ?? ''
  return section
    .split('\n')
    .filter((line) => line.startsWith('|'))
    .slice(2)
    .map((line) =>
      line
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim()),
    )
}

function words(cell: string | undefined): readonly string[] {
  return Array.from(cell?.matchAll(/`([^`]+)`/g) ?? [], ([, word]) => word!)
}

test('docs/audit.md lists the fields of a decision and an outcome in their order', () => {
  const rows = rowsUnder('Fields of calls')
  const inAll = (...places: readonly string[]): readonly string[] =>
    rows.filter(([, place = '']) => places.includes(place)).flatMap(([field]) => words(field))
  const decision = inAll('both', 'decision')
  const outcome = inAll('both', 'outcome')
  const decided = records.decision(journey, call) + records.basis(journey, call)
  assert.deepEqual(decision, Object.keys(recordOf(decided)))
  assert.deepEqual(outcome, Object.keys(recordOf(records.outcome(journey, call, undefined))))
})

test('docs/audit.md names the parts of a caller', () => {
  const [, , meaning] = rowsUnder('Fields of calls').find(([field]) => field === '`caller`') ?? []
  const { caller } = recordOf(records.decision(journey, call)) as { caller: object }
  assert.deepEqual(words(meaning), Object.keys(caller))
})

test('docs/audit.md lists every event with its type and fields', () => {
  const made = [
    ...EVENTS.map((event) => records.event(event) ?? ''),
    records.lost(1),
    records.closed(),
  ].map(recordOf)
  const rows = rowsUnder('Fields of events')
  assert.deepEqual(
    rows.map(([type, event, fields]) => [words(type)[0], words(event)[0], words(fields)]),
    made.map(({ time, type, event, config, instance, seq, prev, ...own }) => {
      assert.ok(time && config && instance && seq && prev)
      return [type, event, Object.keys(own)]
    }),
  )
})

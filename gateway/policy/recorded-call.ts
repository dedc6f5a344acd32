/**
 * A decision of the audit log as the question it answered: who asked which server for what. Arguments
 * are recorded where a rule wants them, cut and redacted, so what depends on them cannot be asked again.
 */
import { METHODS } from '../mcp/methods.ts'
import { MODERN_VERSIONS } from '../mcp/versions.ts'
import type { Call, CallKind, Target, TargetKind } from '../model/call.ts'
import type { Actor, Caller, CallerKind } from '../model/caller.ts'
import type { Occasion } from './occasion.ts'
import type { Decision } from '../model/decision.ts'
import {
  countOf,
  type Fields,
  fieldsOf,
  listOf,
  parseRecord,
  textOf,
  textsOf,
} from './record-fields.ts'

/** A call that rules can be asked about, and how often it was made. */
export type AskedCall = {
  readonly caller: Caller
  readonly call: Call
  readonly server: string
  /** When it was made, in epoch milliseconds; absent where that is not known. */
  readonly atMs?: number
  /** Which it is, for people: the id and time of a record, or the name of a case. */
  readonly label: string
  /** When and how it was asked; absent where nothing is known of it. */
  readonly occasion?: Occasion
}

/** What a line of an audit log says of one call. */
export type RecordedCall = AskedCall & {
  readonly effect: Decision['effect']
  readonly rule: string | undefined
  readonly reason: string | undefined
  /** Whether it was a use of a grant, which is for a time. */
  readonly underGrant: boolean
  /** Whether people had to approve it, which was for once or for a while. */
  readonly approved: boolean
  /** Targets that were refused while the call went on. */
  readonly dropped: readonly Target[]
  /** ISO 8601. */
  readonly time: string
}

export type RecordRead =
  | { readonly kind: 'call'; readonly recorded: RecordedCall }
  /** No decision about a call: outcomes, events, visits refused before there was a call. */
  | { readonly kind: 'other' }
  /** A decision that cannot be asked again as it was, and why; `recorded` is what is known of it. */
  | { readonly kind: 'unusable'; readonly why: string; readonly recorded?: RecordedCall }

const OTHER: RecordRead = { kind: 'other' }

const CALLER_KINDS = ['human', 'agent', 'service'] as const satisfies readonly CallerKind[]
const VIAS = ['jwt', 'api_key', 'anonymous'] as const satisfies readonly Caller['via'][]
const CALL_KINDS = [
  'request',
  'notification',
  'response',
  'open_stream',
  'end_session',
  'route',
] as const satisfies readonly CallKind[]
const TARGET_KINDS = [
  'tool',
  'prompt',
  'resource',
  'template',
  'task',
] as const satisfies readonly TargetKind[]

/** What was refused whatever the rules say, by the recorded reason, and who said no. */
export const BEYOND_RULES: ReadonlyMap<string, string> = new Map([
  ['unlisted', 'no list of the server shows the name'],
  ['tool_held', 'the tool has changed and is held back (gatehouse pins)'],
  ['decision_point', 'an external decision point denied it'],
  ['decision_point_failed', 'an external decision point did not answer'],
  ['over_budget', 'a limit was used up'],
  ['undeclared', 'the client has not declared that it takes such requests'],
  ['unsafe_url', 'a person was to open what is no web address'],
])

/** Whether the rules themselves decided the recorded call. What they deny has a reason. */
export function isByRules({ effect, reason }: Pick<RecordedCall, 'effect' | 'reason'>): boolean {
  return reason === undefined ? effect !== 'deny' : !BEYOND_RULES.has(reason)
}

/** What audit puts in the place of the rest of a text that was too long to be kept. */
const CUT = /…\(\d+ chars, sha256 [\w-]{43}\)$/

/** Whether a text of a record is the beginning of what it was. */
export function isCut(text: string): boolean {
  return CUT.test(text)
}

/** Reads one line; never throws. A line that is no JSON is something else. */
export function readRecordedCall(line: string): RecordRead {
  // Half of all lines: told apart before they are parsed.
  if (!line.includes('"type":"decision"')) return OTHER
  const record = parseRecord(line)
  if (record?.['type'] !== 'decision' || record['kind'] === undefined) return OTHER
  const caller = readCaller(record)
  const call = readCall(record)
  const { server, effect, id, time, rule, reason } = record
  if (caller === undefined || call === undefined) return unusable('the record is not complete')
  if (typeof server !== 'string' || !isEffect(effect)) {
    return unusable('the record is not complete')
  }
  const recorded = {
    caller,
    call,
    server,
    effect,
    rule: textOf(rule),
    reason: textOf(reason),
    underGrant: record['under_grant'] !== undefined,
    approved: record['approved_by'] !== undefined,
    dropped: readTargets(record['dropped']) ?? [],
    time: textOf(time) ?? '',
    atMs: Date.parse(textOf(time) ?? '') || 0,
    label: `${textOf(id) ?? ''} of ${textOf(time) ?? ''}`,
  } as const
  if (countOf(record['groups_left_out']) + countOf(record['scopes_left_out']) > 0) {
    return unusable('its caller has more groups or scopes than are recorded', recorded)
  }
  const names = [...call.targets.map(({ name }) => name), caller.subject, caller.client]
  if ([...names, ...caller.groups].some(isCut)) {
    return unusable('a name in it is too long to be recorded whole', recorded)
  }
  return { kind: 'call', recorded }
}

function unusable(why: string, recorded?: RecordedCall): RecordRead {
  return { kind: 'unusable', why, ...(recorded !== undefined && { recorded }) }
}

function readCaller(record: Fields): Caller | undefined {
  const fields = fieldsOf(record['caller'])
  const { tenant, issuer, subject, client = '' } = fields ?? {}
  const kind = CALLER_KINDS.find((one) => one === fields?.['kind'])
  const via = VIAS.find((one) => one === fields?.['via'])
  if (typeof tenant !== 'string' || typeof issuer !== 'string' || via === undefined) {
    return undefined
  }
  if (typeof subject !== 'string' || typeof client !== 'string' || kind === undefined) {
    return undefined
  }
  return {
    tenant,
    issuer,
    subject,
    client,
    kind,
    via,
    groups: new Set(textsOf(record['groups'])),
    scopes: new Set(textsOf(record['scopes'])),
    actors: readActors(fields?.['actors']),
    interactive: record['interactive'] === true,
    tokenId: undefined,
    grant: undefined,
    session: undefined,
    issuedAtSeconds: 0,
    expiresAtSeconds: Number.POSITIVE_INFINITY,
  }
}

function readActors(value: unknown): readonly Actor[] {
  return listOf(value).flatMap((entry) => {
    const { issuer, subject } = fieldsOf(entry) ?? {}
    return typeof issuer === 'string' && typeof subject === 'string' ? [{ issuer, subject }] : []
  })
}

function readCall(record: Fields): Call | undefined {
  const kind = CALL_KINDS.find((one) => one === record['kind'])
  const targets = readTargets(record['targets'])
  const version = textOf(record['version']) ?? ''
  if (kind === undefined || targets === undefined) return undefined
  const method = textOf(record['method']) ?? ''
  return {
    direction: record['direction'] === 'down' ? 'down' : 'up',
    kind,
    era: MODERN_VERSIONS.includes(version) ? 'modern' : 'legacy',
    version,
    method,
    needs: kind !== 'route' && targets.length > 0 ? 'targets' : needOf(kind, method),
    targets,
    id: undefined,
    arguments: undefined,
    spans: {},
  }
}

/** As the pipeline reads it, of a call without targets: what is no method of MCP needs its own name allowed. */
function needOf(kind: CallKind, method: string): Call['needs'] {
  if (kind === 'route') return 'method'
  if (kind !== 'request' && kind !== 'notification') return 'connection'
  const row = METHODS.get(method)
  return row === undefined || row.asks === 'method' ? 'method' : 'connection'
}

function readTargets(value: unknown): readonly Target[] | undefined {
  const targets: Target[] = []
  for (const entry of listOf(value)) {
    const fields = fieldsOf(entry)
    const kind = TARGET_KINDS.find((one) => one === fields?.['kind'])
    const name = textOf(fields?.['name'])
    if (kind === undefined || name === undefined) return undefined
    const tool = textOf(fields?.['tool'])
    targets.push({ kind, name, ...(tool === undefined ? {} : { task: { id: '', tool } }) })
  }
  return targets
}

function isEffect(value: unknown): value is Decision['effect'] {
  return value === 'allow' || value === 'deny' || value === 'require'
}

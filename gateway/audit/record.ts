/**
 * The fields of audit records, in their fixed order; `docs/audit.md` describes them one by one. The
 * two records of a call are put together by hand because they are made for every call: they equal
 * `JSON.stringify` of the same object at a quarter of its time. What is unknown or empty is left out.
 */
import type { Target } from '../model/call.ts'
import type { Caller } from '../model/caller.ts'
import type { GatehouseEvent } from '../model/event.ts'
import type { Journey, JourneyCall } from '../model/journey.ts'
import { outcomeOf } from '../model/outcome.ts'
import { basisText } from './basis.ts'
import { LOG_CLOSED } from './chain.ts'
import { eventFields } from './event-record.ts'
import { MAX_ARGUMENTS_CHARS, quoteAll, quoted } from './text.ts'

/** Makes JSON objects without their closing brace, for `chain.ts` to seal. */
export type Records = {
  decision(journey: Journey, call: JourneyCall | undefined): string
  /**
   * What policy knew of the caller beyond its name, and the arguments of the call where a rule wants them
   * recorded, to stand behind `decision`; empty when there is nothing or it is not to be recorded. Outcomes
   * do not repeat it.
   */
  basis(journey: Journey, call?: JourneyCall): string
  /** @param context What `contextIn` found in the decision's line; made anew when it is undefined. */
  outcome(journey: Journey, call: JourneyCall | undefined, context: string | undefined): string
  /** Undefined for what is counted but not recorded. */
  event(event: GatehouseEvent): string | undefined
  /** A record of audit's own: that `count` records found no place. */
  lost(count: number): string
  /** A record of audit's own, the last of its instance: nothing comes after it. */
  closed(): string
}

const DECISION_HEAD_CHARS = '{"time":"2026-01-01T00:00:00.000Z","type":"decision"'.length

export function createRecords(options: {
  /** Epoch milliseconds. */
  readonly now: () => number
  /** Configuration version in force. */
  readonly version: () => string
  /** Whether decisions say which groups and scopes the caller had; true when left out. */
  readonly recordGroups?: boolean
}): Records {
  const timeOf = createTimeText()
  const callerOf = oncePerCaller(callerText)
  const basisOf = oncePerCaller(options.recordGroups === false ? () => '' : basisText)
  const head = (type: string): string => `{"time":"${timeOf(options.now())}","type":"${type}"`
  const context = (journey: Journey, call: JourneyCall | undefined): string =>
    quoted(',"id":"', call?.id ?? journey.id) +
    quoted(',"visit":"', journey.id) +
    text(',"trace":"', journey.traceId ?? journey.trace?.traceId) +
    (journey.caller === undefined ? '' : callerOf(journey.caller)) +
    text(',"address":"', journey.address) +
    text(',"server":"', journey.server) +
    (call === undefined ? unjudged(journey) : judged(call)) +
    text(',"config":"', call?.config ?? journey.config ?? options.version())
  const event = (type: string, fields: Readonly<Record<string, unknown>>): string =>
    `${head(type)},${quoteAll({ ...fields, config: options.version() }).slice(1, -1)}`
  return {
    decision: (journey, call) => head('decision') + context(journey, call),
    basis: ({ caller }, call) => {
      const basis = caller === undefined ? '' : basisOf(caller)
      const sent = call?.recordedArguments
      return sent === undefined
        ? basis
        : basis + quoted(',"arguments":"', sent, MAX_ARGUMENTS_CHARS)
    },
    outcome: (journey, call, known) =>
      head('outcome') + (known ?? context(journey, call)) + ended(journey, call),
    event(happened) {
      const record = eventFields(happened)
      return record === undefined ? undefined : event(record.type, record.fields)
    },
    lost: (count) => event('lifecycle', { event: 'records_lost', count }),
    closed: () => event('lifecycle', { event: LOG_CLOSED }),
  }
}

/**
 * The part of a decision's line that its outcome repeats.
 *
 * @param line The sealed line.
 * @param fields What `decision` returned for it; the line starts with it.
 */
export function contextIn(line: string, fields: string): string {
  return line.slice(DECISION_HEAD_CHARS, fields.length)
}

function judged(judgment: JourneyCall): string {
  const { call, dropped, effect, rule, reason, decisionPoint, grant, credential, shadow } = judgment
  const { approvedBy } = judgment
  return (
    text(',"version":"', call.version) +
    text(',"method":"', call.method) +
    `,"kind":"${call.kind}"` +
    (call.direction === 'down' ? ',"direction":"down"' : '') +
    targets(',"targets":[', call.targets) +
    targets(',"dropped":[', dropped) +
    `,"effect":"${effect}"` +
    text(',"rule":"', rule) +
    text(',"reason":"', reason) +
    (decisionPoint === undefined ? '' : `,"decision_point":"${decisionPoint}"`) +
    text(',"under_grant":"', grant) +
    (approvedBy === undefined ? '' : `,"approved_by":${quoteAll(approvedBy)}`) +
    text(',"credential":"', credential) +
    (shadow === undefined ? '' : `,"shadow":${quoteAll(shadow)}`)
  )
}

/** Nothing was judged: the visit was refused, broke off, or asked for something public. */
function unjudged({ refusal, ending }: Journey): string {
  const reason = refusal ?? (ending === 'complete' ? undefined : ending)
  return `,"effect":"${reason === undefined ? 'allow' : 'deny'}"${text(',"reason":"', reason)}`
}

function ended(journey: Journey, call: JourneyCall | undefined): string {
  return (
    `,"outcome":"${outcomeOf(journey, call)}"` +
    text(',"refusal":"', journey.refusal) +
    text(',"detail":"', journey.detail) +
    (journey.status === 0 ? '' : `,"status":${journey.status}`) +
    (journey.rpcError === undefined ? '' : `,"rpc_error":${journey.rpcError}`) +
    (journey.upstreamStatus === 0 ? '' : `,"upstream_status":${journey.upstreamStatus}`) +
    `,"attempts":${journey.attempts},"ms":${Math.round(journey.durationMs * 1000) / 1000}` +
    `,"bytes_in":${journey.bytesIn},"bytes_out":${journey.bytesOut}`
  )
}

function targets(before: string, list: readonly Target[]): string {
  const [first, ...more] = list
  if (first === undefined) return ''
  let items = before + target('{"kind":"', first)
  for (const next of more) items += target(',{"kind":"', next)
  return `${items}]`
}

function target(before: string, { kind, name, task }: Target): string {
  const named = quoted(`${before}${kind}","name":"`, name)
  return task === undefined ? `${named}}` : `${named}${text(',"tool":"', task.tool)}}`
}

function text(before: string, value: string | undefined): string {
  return value === undefined || value === '' ? '' : quoted(before, value)
}

/** Callers live as long as their token is cached, so what is said of them is made once per token. */
function oncePerCaller(make: (caller: Caller) => string): (caller: Caller) => string {
  const texts = new WeakMap<Caller, string>()
  return (caller) => {
    const known = texts.get(caller)
    if (known !== undefined) return known
    const made = make(caller)
    texts.set(caller, made)
    return made
  }
}

function callerText(caller: Caller): string {
  return `,"caller":${quoteAll({
    tenant: caller.tenant,
    issuer: caller.issuer,
    subject: caller.subject,
    client: caller.client === '' ? undefined : caller.client,
    kind: caller.kind,
    via: caller.via,
    actors:
      caller.actors.length === 0
        ? undefined
        : caller.actors.map(({ issuer, subject }) => ({ issuer, subject })),
  })}`
}

/** `Date.prototype.toISOString`, made anew only when the millisecond changes. */
function createTimeText(): (nowMs: number) => string {
  let lastMs = -1
  let last = ''
  return (nowMs) => {
    if (nowMs !== lastMs) {
      lastMs = nowMs
      last = new Date(nowMs).toISOString()
    }
    return last
  }
}

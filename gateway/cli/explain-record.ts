/** `gatehouse policy explain --record`: a recorded decision, asked again under the rules of today. */
import type { Call } from '../model/call.ts'
import type { Caller } from '../model/caller.ts'
import { callerWithIncluded, type ScopeIncludes } from '../model/scope-includes.ts'
import { explain } from '../policy/explain.ts'
import { formatExplanation } from '../policy/format-explanation.ts'
import { formatChange, formatRecorded } from '../policy/format-record.ts'
import { notRecorded } from '../policy/not-recorded.ts'
import { type Facts, NO_FACTS, type Occasion, occasionAt } from '../policy/occasion.ts'
import { printable } from '../policy/printable.ts'
import { isAnswer, type RecordedAnswer } from '../policy/recorded-decision.ts'
import { HELP, parseObject, readAt, readClaims, type Values } from './explain-options.ts'
import { findRecord, sinkFiles } from './find-record.ts'
import type { Io } from './io.ts'
import { readRules, type RulesRead, type RulesSource } from './read-rules.ts'
import { misused } from './usage.ts'

/** What a record says by itself. */
const OF_THE_RECORD = [
  'server',
  'tool',
  'prompt',
  'resource',
  'template',
  'method',
  'subject',
  'kind',
  'client',
  'issuer',
  'tenant',
  'interactive',
  'chain',
  'spiffe',
] as const satisfies readonly (keyof Values)[]

/** What is told beside the record, once the options make sense. */
type Beside = {
  readonly claims: Readonly<Record<string, unknown>>
  readonly args: string | undefined
  readonly atMs: number | undefined
}

/** @returns the exit code. */
export async function explainRecord(
  id: string,
  source: RulesSource,
  values: Values,
  io: Io,
): Promise<number> {
  const beside = readBeside(id, values, source)
  if (typeof beside === 'string') return misused(io, `policy explain: ${beside}`, HELP)
  const read = await readRules(source, io)
  const files = read && (await logFiles(values.audit ?? [], read, io))
  const found = files && (await findRecord(id, files, io))
  if (read === undefined || found === undefined) return 1
  const say = (line: string): void => io.out(printable(line))
  for (const line of formatRecorded(found)) say(line)
  if (!isAnswer(found)) {
    const code = found.ending?.refusal ?? found.reason
    const where = code === undefined ? 'docs/errors.md' : `docs/errors.md#${printable(code)}`
    io.err(`no rule was asked, so none explains it; what it means and what to do: ${where}`)
    return 1
  }
  return explainAnswer(found, { values, beside, read, say, io })
}

async function explainAnswer(
  found: RecordedAnswer,
  told: {
    readonly values: Values
    readonly beside: Beside
    readonly read: RulesRead
    readonly say: (line: string) => void
    readonly io: Io
  },
): Promise<number> {
  const { values, beside, read, say, io } = told
  const { server } = found.recorded
  const rules = await read.compile([server])
  if (rules === undefined) return 1
  if (!rules.servers.has(server)) {
    io.err(`there is no server "${printable(server)}" any more: it is not in the configuration`)
    return 1
  }
  const caller = callerOf(found, values, { beside, includes: read.scopeIncludes })
  const { call, occasion } = askedOf(found, values, beside)
  const explanation = explain(rules, caller, call, occasion)
  const unknown = notRecorded(found, explanation, {
    args: values.args !== undefined,
    claims: Object.keys(beside.claims).length > 0,
    groups: (values.group ?? values.scope) !== undefined,
    granted: grantedOf(found, values),
  })
  const comparison = {
    isPartial: unknown.length > 0,
    isSameConfig: read.settings?.version === found.config,
  }
  for (const line of formatChange(found, explanation.decision, comparison)) say(line)
  const by = read.settings === undefined ? 'By these rules' : `By ${read.settings.version}`
  say('')
  say(`${by}, as of ${new Date(occasion.nowMs).toISOString()}:`)
  for (const line of formatExplanation(explanation)) say(line)
  if (unknown.length > 0) {
    say('')
    say('Not in the record, and it may matter:')
  }
  for (const line of unknown) say(`  ${line}`)
  return explanation.decision.effect === 'allow' ? 0 : 1
}

/** What is told beside the record, or what is wrong with it. */
function readBeside(id: string, values: Values, source: RulesSource): Beside | string {
  if (id === '') return '--record is empty: name the id of a call, visit or trace'
  const [said] = OF_THE_RECORD.filter((key) => values[key] !== undefined)
  if (said !== undefined) return `--${said} stands in the record: leave it out`
  if (values.audit === undefined && source.config === undefined) {
    return 'name the audit log (--audit), or the configuration that does (-c)'
  }
  const claims = readClaims(values)
  if (typeof claims === 'string') return claims
  if (values.args !== undefined && parseObject(values.args) === undefined) {
    return '--args must be a JSON object'
  }
  const atMs = values.at === undefined ? undefined : readAt(values.at)
  if (typeof atMs === 'string') return atMs
  return { claims, args: values.args, atMs }
}

/** The logs to look in; undefined where there are none, which is said. */
async function logFiles(
  named: readonly string[],
  { settings }: RulesRead,
  io: Pick<Io, 'err'>,
): Promise<readonly string[] | undefined> {
  if (named.length > 0 || settings === undefined) return named
  const { sink } = settings.audit
  const files = await sinkFiles(sink)
  if (files.length > 0) return files
  const why = sink === 'stdout' ? 'it goes to standard output' : `there is no file ${sink} here`
  io.err(`cannot look in the audit log of the configuration: ${why}; name a copy with --audit`)
  return undefined
}

/** The caller of the record, and what was told beside. */
function callerOf(
  { recorded: { caller } }: RecordedAnswer,
  { group = [], scope = [] }: Values,
  { beside, includes }: { readonly beside: Beside; readonly includes: ScopeIncludes },
): Caller {
  const groups = new Set([...caller.groups, ...group])
  const scopes = new Set([...caller.scopes, ...scope])
  const { claims } = beside
  return callerWithIncluded({ ...caller, groups, scopes, claims }, includes)
}

/** What was asked when, with the arguments that are known. */
function askedOf(
  found: RecordedAnswer,
  values: Values,
  beside: Beside,
): { readonly call: Call; readonly occasion: Occasion } {
  const { recorded, address } = found
  const { call, server, atMs = 0, approved } = recorded
  const sent = beside.args ?? found.arguments
  // What was cut is no JSON any more.
  const frame =
    sent === undefined || parseObject(sent) === undefined ? undefined : Buffer.from(sent)
  const granted = grantedOf(found, values)
  const grant: Facts['grant'] = (rule) => (granted.has(rule) ? 'live' : 'none')
  return {
    call: { ...call, arguments: frame && { start: 0, end: frame.length } },
    occasion: occasionAt(server, {
      nowMs: beside.atMs ?? atMs,
      address: values.address ?? address,
      frame,
      facts: { ...NO_FACTS, grant, approved: () => approved },
    }),
  }
}

/** Rules with a live grant: those told, and the one whose grant the call was a use of. */
function grantedOf({ recorded }: RecordedAnswer, { granted = [] }: Values): ReadonlySet<string> {
  const { rule, underGrant } = recorded
  return new Set([...granted, ...(underGrant && rule !== undefined ? [rule] : [])])
}

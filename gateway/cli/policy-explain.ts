/** `gatehouse policy explain`: which rule decides a call, and why. */
import type { CallerKind } from '../model/caller.ts'
import { withIncluded } from '../model/scope-includes.ts'
import {
  callFor,
  frameFor,
  knownMethods,
  type Question,
  QUESTIONS,
  targetOf,
} from '../policy/ask.ts'
import { describeCaller } from '../policy/describe-caller.ts'
import { explain } from '../policy/explain.ts'
import { formatExplanation } from '../policy/format-explanation.ts'
import { type Facts, NO_FACTS, type Occasion, occasionAt } from '../policy/occasion.ts'
import { nearest } from '../settings/nearest.ts'
import { HELP, OPTIONS, parseObject, readAt, readClaims, type Values } from './explain-options.ts'
import { explainRecord } from './explain-record.ts'
import type { Io } from './io.ts'
import { readRules } from './read-rules.ts'
import { misused, readArgs } from './usage.ts'

const KINDS = ['human', 'agent', 'service'] as const satisfies readonly CallerKind[]

/** What was asked, once the options make sense. */
type Asked = {
  readonly server: string
  readonly question: Question
  readonly subject: string
  readonly kind: CallerKind
  readonly claims: Readonly<Record<string, unknown>>
  /** Epoch milliseconds. */
  readonly nowMs: number
}

/** @returns the exit code. */
export async function policyExplain(args: readonly string[], io: Io): Promise<number> {
  const given = readArgs(args, { usage: HELP, options: OPTIONS, takesWords: true }, io)
  if (given === undefined) return 0
  const { values, words } = given
  const policies = [...(values.policy ?? []), ...words]
  const { config, record } = values
  if (policies.length > 0 === (config !== undefined)) {
    const problem = 'name policy files (--policy) or a configuration (-c), and not both'
    return misused(io, `policy explain: ${problem}`, HELP)
  }
  if (record !== undefined) return explainRecord(record, { config, policies }, values, io)
  const asked = readAsked(values)
  if (typeof asked === 'string') return misused(io, `policy explain: ${asked}`, HELP)
  const read = await readRules({ config, policies }, io)
  const rules = await read?.compile([asked.server])
  if (read === undefined || rules === undefined) return 1
  if (!rules.servers.has(asked.server)) {
    const names = [...rules.servers.keys()].join(', ')
    io.err(`policy explain: there is no server "${asked.server}"; there are ${names}`)
    return 1
  }
  const caller = describeCaller({
    ...asked,
    groups: new Set(values.group),
    scopes: withIncluded(new Set(values.scope), read.scopeIncludes),
    client: values.client,
    issuer: values.issuer,
    tenant: values.tenant,
    interactive: values.interactive === true,
    chain: values.chain ?? [],
  })
  const explanation = explain(rules, caller, callFor(asked.question), occasionFor(values, asked))
  for (const line of formatExplanation(explanation)) io.out(line)
  if (explanation.decision.effect === 'allow') return 0
  const hint = methodHint(asked.question)
  if (hint !== undefined) io.err(hint)
  return 1
}

/** The occasion as described: what is not said is as it would be for a caller without grants. */
function occasionFor(values: Values, { server, nowMs, question }: Asked): Occasion {
  const granted = new Set(values.granted)
  const grant: Facts['grant'] = (rule) => (granted.has(rule) ? 'live' : 'none')
  const facts = { ...NO_FACTS, grant }
  const frame = frameFor(question)
  return occasionAt(server, { nowMs, address: values.address ?? '', frame, facts })
}

/** What was probably meant by a method that no rule can speak of. */
function methodHint({ about, name }: Question): string | undefined {
  if (about !== 'method') return undefined
  const target = targetOf(name)
  if (target !== undefined) return `${name} names a ${target}: ask with --${target} instead`
  const known = knownMethods()
  if (known.includes(name)) return undefined
  const close = nearest(name, known)
  const advice =
    close === undefined
      ? 'methods are written as in --method tools/list'
      : `did you mean --method ${close}?`
  return `MCP has no method "${name}"; ${advice}`
}

/** The question, or what is wrong with it. */
function readAsked(values: Values): Asked | string {
  if (values.audit !== undefined) return '--audit goes with --record'
  const { server } = values
  if (server === undefined) return '--server is missing'
  const who = readWho(values)
  if (typeof who === 'string') return who
  const asked = QUESTIONS.filter((key) => values[key] !== undefined)
  const [about] = asked
  const name = about === undefined ? undefined : values[about]
  if (about === undefined || name === undefined || asked.length > 1) {
    return `name one of ${QUESTIONS.map((key) => `--${key}`).join(', ')}, and only one`
  }
  const nowMs = values.at === undefined ? Date.now() : readAt(values.at)
  if (typeof nowMs === 'string') return nowMs
  if (values.args === undefined) return { server, ...who, nowMs, question: { about, name } }
  if (about !== 'tool' && about !== 'prompt') return '--args goes with --tool or --prompt'
  const args = parseObject(values.args)
  if (args === undefined) return '--args must be a JSON object'
  return { server, ...who, nowMs, question: { about, name, args } }
}

/** Who asks, or what is wrong with it. */
function readWho(values: Values): Pick<Asked, 'subject' | 'kind' | 'claims'> | string {
  const { spiffe, subject = spiffe } = values
  if (subject === undefined) return '--subject is missing'
  if (spiffe !== undefined && (values.subject !== undefined || !spiffe.startsWith('spiffe://'))) {
    return '--spiffe is a whole subject, such as spiffe://prod.example/agent: leave --subject out'
  }
  const kind = KINDS.find((one) => one === (values.kind ?? 'agent'))
  if (kind === undefined) return `--kind must be ${KINDS.join(', ')}`
  const claims = readClaims(values)
  return typeof claims === 'string' ? claims : { subject, kind, claims }
}

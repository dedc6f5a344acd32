/** `gatehouse policy explain`: which rule decides a call, and why. */
import type { CallerKind } from '../model/caller.ts'
import type { Problem } from '../model/problem.ts'
import { NO_INCLUDES, type ScopeIncludes, withIncluded } from '../model/scope-includes.ts'
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
import { type Facts, NO_FACTS, type Occasion, occasionAt } from '../policy/occasion.ts'
import { formatExplanation } from '../policy/format-explanation.ts'
import type { Rules } from '../policy/rules.ts'
import { formatProblem, loadAll } from '../server/load-all.ts'
import { nearest } from '../settings/nearest.ts'
import type { Io } from './io.ts'
import { readPolicies } from './read-policies.ts'
import { misused, readArgs, type ValuesOf } from './usage.ts'

const HELP = `Usage: gatehouse policy explain (--policy FILE… | -c FILE) --server S TARGET CALLER

Says what the rules decide about one call, which rule decides, and which came near.

Rules:
      --policy FILE     policy file; may be given more than once
  -c, --config FILE     configuration file, whose policies, servers and "scope_includes" are used
      --server NAME     the server asked

What is asked for, one of:
      --tool NAME       a tool to call
      --prompt NAME     a prompt to get
      --resource URI    a resource to read
      --template URI    a URI template to complete
      --method METHOD   a call that names no target, such as sampling/createMessage

Who asks:
      --subject S       subject of the token or API key
      --kind KIND       human, agent (default) or service
      --group G         a group; may be given more than once
      --scope S         a scope; may be given more than once
      --client C        OAuth client, or client name of an API key
      --issuer I        issuer of the token
      --tenant T        tenant (default: default)
      --interactive     a person stands behind the token, who could consent to more scopes and sign in anew
      --claims JSON     claims of the token, a JSON object: {"acr":"gold","auth_time":1795000000}
      --idp NAME        who signed the person in, the claim idp
      --chain S         an actor of the delegation chain, the current one first; may be given more than once
      --spiffe ID       SPIFFE ID of a workload, in place of --subject

When and with what:
      --args JSON       arguments of the tool or prompt, a JSON object
      --at TIME         when it is asked (2026-11-23T08:00:00Z); now, when left out
      --granted RULE    a rule the caller has a live grant for; may be given more than once
      --address IP      address the caller comes from

  -h, --help            show this text

Exit code: 0 allowed, 1 denied or a file is wrong, 2 used wrongly.`

const OPTIONS = {
  policy: { type: 'string', multiple: true },
  config: { type: 'string', short: 'c' },
  server: { type: 'string' },
  tool: { type: 'string' },
  prompt: { type: 'string' },
  resource: { type: 'string' },
  template: { type: 'string' },
  method: { type: 'string' },
  subject: { type: 'string' },
  kind: { type: 'string', default: 'agent' },
  group: { type: 'string', multiple: true },
  scope: { type: 'string', multiple: true },
  client: { type: 'string' },
  issuer: { type: 'string' },
  tenant: { type: 'string' },
  interactive: { type: 'boolean', default: false },
  claims: { type: 'string' },
  idp: { type: 'string' },
  chain: { type: 'string', multiple: true },
  spiffe: { type: 'string' },
  args: { type: 'string' },
  at: { type: 'string' },
  granted: { type: 'string', multiple: true },
  address: { type: 'string' },
} as const

const KINDS = ['human', 'agent', 'service'] as const satisfies readonly CallerKind[]

type Values = ValuesOf<typeof OPTIONS>

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
  const asked = readAsked(values, policies)
  if (typeof asked === 'string') return misused(io, `policy explain: ${asked}`, HELP)
  const read = await readRules({
    config: values.config,
    policies,
    server: asked.server,
    env: io.env,
  })
  if (!read.ok) {
    for (const problem of read.problems) io.err(formatProblem(problem))
    return 1
  }
  if (!read.rules.servers.has(asked.server)) {
    const names = [...read.rules.servers.keys()].join(', ')
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
    interactive: values.interactive,
    chain: values.chain ?? [],
  })
  const explanation = explain(
    read.rules,
    caller,
    callFor(asked.question),
    occasionFor(values, asked),
  )
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

function parseObject(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? { ...value }
      : undefined
  } catch {
    return undefined
  }
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
function readAsked(values: Values, policies: readonly string[]): Asked | string {
  if (policies.length > 0 === (values.config !== undefined)) {
    return 'name policy files (--policy) or a configuration (-c), and not both'
  }
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
  const nowMs = values.at === undefined ? Date.now() : Date.parse(values.at)
  if (Number.isNaN(nowMs)) return '--at must be a time such as 2026-11-23T08:00:00Z'
  if (values.args === undefined) return { server, ...who, nowMs, question: { about, name } }
  if (about !== 'tool' && about !== 'prompt') return '--args goes with --tool or --prompt'
  const args = parseObject(values.args)
  if (args === undefined) return '--args must be a JSON object'
  return { server, ...who, nowMs, question: { about, name, args } }
}

/** Who asks, or what is wrong with it. */
function readWho(values: Values): Pick<Asked, 'subject' | 'kind' | 'claims'> | string {
  const { spiffe, subject = spiffe, idp } = values
  if (subject === undefined) return '--subject is missing'
  if (spiffe !== undefined && (values.subject !== undefined || !spiffe.startsWith('spiffe://'))) {
    return '--spiffe is a whole subject, such as spiffe://prod.example/agent: leave --subject out'
  }
  const kind = KINDS.find((one) => one === values.kind)
  if (kind === undefined) return `--kind must be ${KINDS.join(', ')}`
  const claims = values.claims === undefined ? {} : parseObject(values.claims)
  if (claims === undefined) return '--claims must be a JSON object'
  return { subject, kind, claims: idp === undefined ? claims : { ...claims, idp } }
}

type RulesSource = {
  readonly config: string | undefined
  readonly policies: readonly string[]
  readonly server: string
  readonly env: Io['env']
}

type RulesRead =
  | { readonly ok: true; readonly rules: Rules; readonly scopeIncludes: ScopeIncludes }
  | { readonly ok: false; readonly problems: readonly Problem[] }

async function readRules({ config, policies, server, env }: RulesSource): Promise<RulesRead> {
  if (config === undefined) {
    const read = await readPolicies(policies, [server])
    return read.ok ? { ...read, scopeIncludes: NO_INCLUDES } : read
  }
  const loaded = await loadAll({ file: config, env })
  return loaded.ok ? { ...loaded, scopeIncludes: loaded.settings.scopeIncludes } : loaded
}

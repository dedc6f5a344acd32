/**
 * The policy language a second time, as slowly and plainly as it can be said: straight from the parsed
 * files, every rule looked at for every question. What `policy/` compiles is held against it.
 */
import { canonicalProblem } from '../mcp/resource-uri.ts'
import type { Call, Target } from '../model/call.ts'
import type { Caller } from '../model/caller.ts'
import type { ToolTraits } from '../model/tool-traits.ts'
import type { StepUpTerms } from '../model/terms.ts'
import {
  type NaiveAsking,
  naiveApproved,
  naiveHolding,
  naiveSignedIn,
  naiveSignIn,
  type NaiveWorld,
} from './naive-conditions.ts'

export type NaiveSubject = {
  readonly any?: true
  readonly kind?: Caller['kind']
  readonly groups?: readonly string[]
  readonly users?: readonly string[]
  readonly clients?: readonly string[]
  readonly scopes?: readonly string[]
  readonly issuers?: readonly string[]
  readonly tenant?: string
  readonly idp?: readonly string[]
  readonly spiffe?: readonly string[]
  readonly chain?: readonly string[]
  readonly claims?: Readonly<Record<string, unknown>>
  readonly set?: string
}

export type NaiveTarget = string | { readonly set: string }

export type NaiveLists = {
  readonly tools?: readonly NaiveTarget[]
  readonly prompts?: readonly NaiveTarget[]
  readonly resources?: readonly NaiveTarget[]
  readonly methods?: readonly NaiveTarget[]
}

export type NaiveRule = NaiveLists & {
  readonly id: string
  readonly effect: 'allow' | 'deny' | 'require'
  readonly subjects: readonly NaiveSubject[]
  readonly servers?: readonly NaiveTarget[]
  readonly except?: NaiveLists
  readonly mode?: 'enforce' | 'shadow'
  readonly annotations?: Partial<ToolTraits>
  readonly when?: string
  readonly delegation?: { readonly max_depth?: number; readonly on_behalf_of?: string }
  readonly during?: {
    readonly tz?: string
    readonly days?: readonly string[]
    readonly hours?: string
    readonly from?: string
    readonly until?: string
  }
  readonly grant?: { readonly ttl?: string; readonly task?: string; readonly max_uses?: number }
  readonly require?: {
    readonly approval?: { readonly by: string; readonly for?: string }
    readonly step_up?: { readonly acr?: readonly string[]; readonly max_age?: string }
    readonly scopes?: readonly string[]
  }
  readonly limits?: { readonly rate: string; readonly burst?: number }
  readonly obligations?: readonly (
    | { readonly audit: 'arguments' }
    | { readonly redact: readonly string[] }
    | { readonly notify: string }
  )[]
  readonly credential?: string
  readonly show?: boolean
  readonly reason?: string
  readonly disclose?: boolean
}

export type NaivePolicy = {
  readonly version: 1
  readonly sets?: Readonly<Record<string, readonly string[] | readonly NaiveSubject[]>>
  readonly rules: readonly NaiveRule[]
}

/** All rules that could be the one a decision names. */
export type NaiveDecision = {
  readonly outcome:
    | 'allow'
    | 'connection'
    | 'deny_rule'
    | 'missing_scope'
    | 'step_up'
    | 'no_rule'
    | 'require'
    | 'outside_window'
    | 'no_grant'
    | 'resource_uri'
  readonly rules: readonly NaiveRule[]
  /**
   * Of a denial: whether what is asked for is answered like something that does not exist, unless the rule
   * that is named discloses its reason.
   */
  readonly hidden: boolean
  /** Of what is allowed, or will be: all rules that require something of it. */
  readonly requires?: readonly NaiveRule[]
  /** Of `step_up`: how the person would have to sign in; undefined where nothing would do. */
  readonly stepUp?: StepUpTerms | undefined
}

export type NaiveQuestion = {
  readonly policy: NaivePolicy
  readonly caller: Caller
  readonly server: string
  readonly method: string
  readonly world: NaiveWorld
  readonly asking: NaiveAsking
  /** Whether rules in shadow mode count as if they were in force. */
  readonly shadows?: boolean
}

/** Whether the glob stands for the text, by trying everything. */
export function naiveGlob(glob: string, text: string): boolean {
  if (glob === '') return text === ''
  if (glob.startsWith('**')) {
    const rest = glob.replace(/^\*+/, '')
    return [...Array(text.length + 1).keys()].some((at) => naiveGlob(rest, text.slice(at)))
  }
  if (glob.startsWith('*')) {
    const segment = text.split('/', 1)[0] ?? ''
    const ends = [...Array(segment.length + 1).keys()]
    return ends.some((at) => naiveGlob(glob.slice(1), text.slice(at)))
  }
  const [char = ''] = text
  const fits = glob.startsWith('?') ? char !== '' && char !== '/' : glob.startsWith(char)
  const [first = ''] = glob
  return char !== '' && fits && naiveGlob(glob.slice(first.length), text.slice(char.length))
}

/** Whether the glob stands for some text with this beginning. */
export function naiveBegins(glob: string, beginning: string): boolean {
  if (beginning === '') return true
  if (glob === '') return false
  if (glob.startsWith('**')) {
    const rest = glob.replace(/^\*+/, '')
    return [...Array(beginning.length + 1).keys()].some((at) =>
      naiveBegins(rest, beginning.slice(at)),
    )
  }
  if (glob.startsWith('*')) {
    const segment = beginning.split('/', 1)[0] ?? ''
    const ends = [...Array(segment.length + 1).keys()]
    return ends.some((at) => naiveBegins(glob.slice(1), beginning.slice(at)))
  }
  const [char = ''] = beginning
  const [first = ''] = glob
  const fits = first === '?' ? char !== '/' : first === char
  return fits && naiveBegins(glob.slice(first.length), beginning.slice(char.length))
}

/** The decision about one target of a call. */
export function naiveTarget(asked: NaiveQuestion, target: Target): NaiveDecision {
  if (target.kind === 'resource' && canonicalProblem(target.name) !== undefined) {
    return { outcome: 'resource_uri', rules: [], hidden: true }
  }
  const asking = asked.method === 'completion/complete' ? 'name' : asked.asking
  const question = { ...asked, asking } as const
  const decision = settle(question, target, (rule) => {
    if (rule.effect !== 'allow' && namesMethod(question, rule)) return true
    return coversTarget(question, rule, target)
  })
  if (!decision.hidden || asked.asking !== 'call') return decision
  return { ...decision, hidden: !naiveVisible(asked, target) }
}

/** Whether lists show a target. */
export function naiveVisible(asked: NaiveQuestion, target: Target): boolean {
  const method = { tool: 'tools/call', prompt: 'prompts/get' }[target.kind as string]
  const question = { ...asked, asking: 'name', method: method ?? 'resources/read' } as const
  const { outcome, hidden } = naiveTarget(question, target)
  return outcome === 'allow' || outcome === 'require' || (!hidden && outcome !== 'deny_rule')
}

/** The decision about a call without targets. */
export function naiveCall(question: NaiveQuestion, needs: Call['needs']): NaiveDecision {
  if (needs === 'method') {
    return settle(question, undefined, (rule) => coversMethod(question, rule))
  }
  const connecting = { ...question, asking: 'connection' } as const
  const { outcome, rules } = settle(connecting, undefined, (rule) => {
    if (rule.effect === 'require') return false
    if (rule.effect === 'allow') return reaches(question, rule)
    return namesMethod(question, rule) || (isWhole(question, rule) && !hasException(question, rule))
  })
  const open = outcome === 'allow' || outcome === 'missing_scope'
  return open
    ? { outcome: 'connection', rules: [], hidden: false }
    : { outcome: outcome === 'deny_rule' ? outcome : 'no_rule', rules, hidden: false }
}

/** The scopes that would make one subject of the rule fit: one list for each such subject. */
export function naiveScopes(
  { policy, caller }: Pick<NaiveQuestion, 'policy' | 'caller'>,
  rule: NaiveRule,
): readonly (readonly string[])[] {
  return subjectsOf(rule, policy)
    .filter((all) => all.every((one) => fits({ ...one, scopes: [] }, caller)))
    .map((all) => [...new Set(all.flatMap(({ scopes = [] }) => scopes))])
}

function settle(
  question: NaiveQuestion,
  target: Target | undefined,
  speaks: (rule: NaiveRule) => boolean,
): NaiveDecision {
  const { policy, caller } = question
  const { asking, shadows = false } = question
  const scene = { ...question, target }
  const rules = policy.rules.filter((rule) => (shadows || rule.mode !== 'shadow') && speaks(rule))
  const known = rules.map((rule) => ({
    rule,
    fits:
      isDelegated(rule, caller) &&
      subjectsOf(rule, policy).some((all) => all.every((one) => fits(one, caller))),
    lacks:
      caller.interactive && isDelegated(rule, caller) && naiveScopes(question, rule).length > 0,
    holding: naiveHolding(rule, scene),
  }))
  const are = (effect: NaiveRule['effect'], fit: 'fits' | 'lacks', ...holdings: string[]) =>
    known
      .filter((one) => one.rule.effect === effect && one[fit] && holdings.includes(one.holding))
      .map(({ rule }) => rule)
  const hidden = target !== undefined
  const denies = are('deny', 'fits', 'holds')
  if (denies.length > 0) {
    return { outcome: 'deny_rule', rules: denies, hidden }
  }
  const allows = are('allow', 'fits', 'holds', 'unknown')
  const lacking = are('allow', 'lacks', 'holds', 'unknown')
  const requires = are('require', 'fits', 'holds')
  if (allows.length === 0 && lacking.length === 0) {
    const late = ['outside_window', 'no_grant']
    const closed = [...are('allow', 'fits', ...late), ...are('allow', 'lacks', ...late)]
    const shown = closed.filter(({ show }) => show === true)
    const [first] = shown.length > 0 ? shown : closed
    if (first === undefined) return { outcome: 'no_rule', rules: [], hidden }
    const all = shown.length > 0 ? shown : closed
    return { outcome: 'no_grant', rules: all, hidden: hidden && shown.length === 0 }
  }
  const stale = requires.filter((rule) => !naiveSignedIn(rule, question))
  const stepUp = caller.interactive ? naiveSignIn(requires) : undefined
  const mayWait = asking === 'task' || (asking === 'name' && stepUp !== undefined)
  if (stale.length > 0 && !mayWait) {
    return { outcome: 'step_up', rules: stale, hidden: hidden && stepUp === undefined, stepUp }
  }
  const wanted = requires.flatMap(({ require }) => require?.scopes ?? [])
  const isShort = wanted.some((scope) => !caller.scopes.has(scope))
  if (allows.length === 0 || isShort) {
    const all = allows.length === 0 ? lacking : []
    return { outcome: 'missing_scope', rules: all, hidden: hidden && !caller.interactive }
  }
  const waiting = requires.filter(
    ({ id, require }) =>
      asking === 'call' && require?.approval !== undefined && !naiveApproved(id, question.world),
  )
  if (waiting.length > 0) return { outcome: 'require', rules: waiting, hidden: false, requires }
  return { outcome: 'allow', rules: allows, hidden: false, requires }
}

function isDelegated({ delegation = {} }: NaiveRule, { actors, interactive }: Caller): boolean {
  const { max_depth: max = 99, on_behalf_of: whom = 'any' } = delegation
  return actors.length <= max && (whom === 'any' || (whom === 'user') === interactive)
}

/** The subjects of a rule, each as the mappings that must all fit. */
function subjectsOf(
  { subjects }: Pick<NaiveRule, 'subjects'>,
  { sets }: NaivePolicy,
): readonly (readonly NaiveSubject[])[] {
  return subjects.flatMap((own) => {
    if (own.set === undefined) return [[own]]
    const members = (sets?.[own.set] ?? []) as readonly NaiveSubject[]
    return members.map((member) => [own, member])
  })
}

function fits(subject: NaiveSubject, caller: Caller): boolean {
  const { kind, groups, users, clients, scopes = [], issuers, tenant } = subject
  const { idp, chain, claims = {} } = subject
  return (
    (kind === undefined || kind === caller.kind) &&
    (groups === undefined || groups.some((one) => caller.groups.has(one))) &&
    (users === undefined || users.some((glob) => naiveGlob(glob, caller.subject))) &&
    (clients === undefined || clients.some((glob) => naiveGlob(glob, caller.client))) &&
    scopes.every((scope) => caller.scopes.has(scope)) &&
    (issuers === undefined || issuers.includes(caller.issuer)) &&
    (tenant === undefined || tenant === caller.tenant) &&
    (idp === undefined || idp.some((one) => caller.subject.startsWith(`${one}|`))) &&
    (chain === undefined ||
      caller.actors.some(({ subject: actor }) => chain.some((glob) => naiveGlob(glob, actor)))) &&
    Object.entries(claims).every(([name, value]) => caller.claims?.[name] === value)
  )
}

function globsOf(list: readonly NaiveTarget[] | undefined, policy: NaivePolicy): readonly string[] {
  return (list ?? []).flatMap((entry) =>
    typeof entry === 'string' ? [entry] : (policy.sets?.[entry.set] as readonly string[]),
  )
}

const LISTS = {
  tool: 'tools',
  prompt: 'prompts',
  resource: 'resources',
  template: 'resources',
} as const

function coversTarget(question: NaiveQuestion, rule: NaiveRule, target: Target): boolean {
  if (target.kind === 'task') return false
  const list = LISTS[target.kind]
  const speaks = (lists: NaiveLists, effect: NaiveRule['effect']): boolean =>
    placed(question, lists, list).some((glob) =>
      target.kind === 'template' && effect === 'allow'
        ? naiveBegins(glob, target.name.split('{', 1)[0] ?? '')
        : naiveGlob(glob, target.name),
    )
  const opposite = rule.effect === 'allow' ? 'deny' : 'allow'
  const covered = isWhole(question, rule) || speaks(rule, rule.effect)
  return covered && !speaks(rule.except ?? {}, opposite)
}

/** The globs of a list on the server asked, without their server part. */
function placed(
  { policy, server }: NaiveQuestion,
  lists: NaiveLists,
  list: 'tools' | 'prompts' | 'resources',
): readonly string[] {
  const separator = list === 'resources' ? ':' : '/'
  return globsOf(lists[list], policy).flatMap((text) => {
    const [name = ''] = text.split(separator, 1)
    return naiveGlob(name, server) ? [text.slice(name.length + 1)] : []
  })
}

function onServers({ policy, server }: NaiveQuestion, rule: NaiveRule): boolean {
  return globsOf(rule.servers, policy).some((glob) => naiveGlob(glob, server))
}

function isWhole(question: NaiveQuestion, rule: NaiveRule): boolean {
  return rule.methods === undefined && onServers(question, rule)
}

function namesMethod(question: NaiveQuestion, rule: NaiveRule): boolean {
  if (rule.servers !== undefined && !onServers(question, rule)) return false
  const matches = (list: readonly NaiveTarget[] | undefined): boolean =>
    globsOf(list, question.policy).some((glob) => naiveGlob(glob, question.method))
  return matches(rule.methods) && !matches(rule.except?.methods)
}

function coversMethod(question: NaiveQuestion, rule: NaiveRule): boolean {
  const { policy, method } = question
  const excepted = globsOf(rule.except?.methods, policy).some((glob) => naiveGlob(glob, method))
  return namesMethod(question, rule) || (isWhole(question, rule) && !excepted)
}

function reaches(question: NaiveQuestion, rule: NaiveRule): boolean {
  if (isWhole(question, rule)) return true
  if (rule.methods !== undefined && (rule.servers === undefined || onServers(question, rule)))
    return true
  return (['tools', 'prompts', 'resources'] as const).some(
    (list) => placed(question, rule, list).length > 0,
  )
}

function hasException(question: NaiveQuestion, { except = {} }: NaiveRule): boolean {
  return (
    except.methods !== undefined ||
    (['tools', 'prompts', 'resources'] as const).some(
      (list) => placed(question, except, list).length > 0,
    )
  )
}

/**
 * Conditions of rules a second time, for the naive reading of a policy: expressions as functions written by
 * hand, windows as tables of when they are open. What `policy/` makes of CEL and of clocks is held against it.
 */
import type { Target } from '../model/call.ts'
import type { Caller } from '../model/caller.ts'
import type { StepUpTerms } from '../model/terms.ts'
import { DEFAULT_TRAITS, type ToolTraits } from '../model/tool-traits.ts'
import type { NaiveRule } from './naive-policy.ts'

/** The moments at which random questions are asked. */
export const MOMENTS = [
  '2026-11-23T12:00:00Z',
  '2026-11-23T17:30:00Z',
  '2026-11-22T12:00:00Z',
  '2026-07-01T06:30:00Z',
].map((text) => Date.parse(text))

/** Windows, and whether each is open at each of the moments. */
export const WINDOWS: readonly {
  readonly during: NonNullable<NaiveRule['during']>
  readonly open: readonly boolean[]
}[] = [
  { during: { tz: 'Europe/Berlin', hours: '08:00-18:00' }, open: [true, false, true, true] },
  { during: { days: ['mon-fri'] }, open: [true, true, false, true] },
  { during: { until: '2026-10-01' }, open: [false, false, false, true] },
  { during: { from: '2026-11-23' }, open: [true, true, false, false] },
  { during: { days: ['sun'], hours: '10:00-11:00' }, open: [false, false, false, false] },
]

/** What is the case beside rules, caller and call. */
export type NaiveWorld = {
  readonly nowMs: number
  readonly args: Readonly<Record<string, unknown>>
  /** Shifts which rules are granted and approved, and what tools say of themselves. */
  readonly shift: number
}

export type NaiveAsking = 'call' | 'connection' | 'name' | 'task'

/** What an expression is held against. */
export type Scene = {
  readonly caller: Caller
  readonly server: string
  readonly world: NaiveWorld
  readonly asking: NaiveAsking
  readonly target: Target | undefined
}

type Value = boolean | 'error' | 'unknown'

/** Expressions, and what they come to for one definition of a tool. */
export const EXPRESSIONS: Readonly<Record<string, (scene: Scene, traits: ToolTraits) => Value>> = {
  'args.n == 1': (scene) => equalsOne(scene),
  'has(args.n) && args.n == 1': (scene) => and(hasN(scene), equalsOne(scene)),
  '!has(args.n)': (scene) => not(hasN(scene)),
  'caller.kind == "agent"': ({ caller }) => caller.kind === 'agent',
  'caller.kind == "agent" || args.n == 1': (scene) =>
    or(scene.caller.kind === 'agent', equalsOne(scene)),
  'caller.kind == "human" && has(args.n)': (scene) =>
    and(scene.caller.kind === 'human', hasN(scene)),
  '"g1" in caller.groups && server == "docs"': ({ caller, server }) =>
    caller.groups.has('g1') && server === 'docs',
  'caller.claims.level > 2': ({ caller }) => {
    const level = caller.claims?.['level']
    return typeof level === 'number' ? level > 2 : 'error'
  },
  'tool.name == "a"': ({ asking, target }) => {
    if (asking === 'connection') return 'unknown'
    return target?.kind === 'tool' ? target.name === 'a' : 'error'
  },
  'tool.annotations.readOnlyHint': ({ asking, target }, traits) => {
    if (asking === 'connection') return 'unknown'
    return target?.kind === 'tool' ? traits.readOnlyHint : 'error'
  },
  'under(uri, "file:///a")': ({ asking, target }) => {
    if (asking === 'connection' || target?.kind === 'template') return 'unknown'
    if (target?.kind !== 'resource') return false
    return target.name === 'file:///a' || target.name.startsWith('file:///a/')
  },
  'now < timestamp("2026-10-01T00:00:00Z")': ({ world }) =>
    world.nowMs < Date.parse('2026-10-01T00:00:00Z'),
}

/** Whether the conditions of a rule hold, as `judgeConditions` says it. */
export function naiveHolding(rule: NaiveRule, scene: Scene): string {
  const isAllow = rule.effect === 'allow'
  const definitions = traitsOf(scene)
  if (rule.annotations !== undefined && scene.asking !== 'connection') {
    if (scene.target?.kind !== 'tool') return 'fails'
    const fit = definitions.map((traits) =>
      Object.entries(rule.annotations ?? {}).every(
        ([key, value]) => traits[key as keyof ToolTraits] === value,
      ),
    )
    if (isAllow ? fit.includes(false) : !fit.includes(true)) return 'fails'
  }
  let open = rule.annotations !== undefined && scene.asking === 'connection'
  if (rule.when !== undefined) {
    const value = worst(rule, scene, definitions)
    if (value === false || (value === 'error' && isAllow)) return 'fails'
    if (value === 'unknown') open = true
  }
  if (rule.during !== undefined) {
    const window = WINDOWS.find(({ during }) => during === rule.during)
    if (window?.open[MOMENTS.indexOf(scene.world.nowMs)] !== true) {
      return isAllow ? 'outside_window' : 'fails'
    }
  }
  if (rule.grant !== undefined) {
    const state = naiveGrant(rule.id, scene.world)
    const isOutline = scene.asking === 'task' || scene.asking === 'connection'
    const counts = state === 'live' || (state === 'used_up' && isOutline)
    if (!counts) return 'no_grant'
  }
  return open ? 'unknown' : 'holds'
}

/** The grant of everybody for a rule. */
export function naiveGrant(rule: string, { shift }: NaiveWorld): 'live' | 'used_up' | 'none' {
  return (['live', 'used_up', 'none'] as const)[(numberOf(rule) + shift) % 3] ?? 'none'
}

/** Whether a rule's approval is there. */
export function naiveApproved(rule: string, { shift }: NaiveWorld): boolean {
  return (numberOf(rule) + shift) % 2 === 0
}

/** Ways of signing in, as claims of tokens name them. */
export const CLASSES = ['gold', 'iron', undefined] as const

/** How long ago a rule lets a person have signed in, in seconds, by what it says. */
const AGES: Readonly<Record<string, number>> = { '10m': 600, '1h': 3_600 }

/** Whether the caller has signed in as the rule wants it. */
export function naiveSignedIn(
  { require }: NaiveRule,
  { caller, world }: Pick<Scene, 'caller' | 'world'>,
): boolean {
  const { acr, max_age: age } = require?.step_up ?? {}
  const { acr: own, auth_time: at } = caller.claims ?? {}
  const isOfClass = acr === undefined || acr.some((one) => one === own)
  if (age === undefined || typeof at !== 'number') return isOfClass && age === undefined
  const agoSeconds = world.nowMs / 1_000 - at
  return isOfClass && agoSeconds >= -30 && agoSeconds <= (AGES[age] ?? 0)
}

/** The one way of signing in that does for all of these rules; undefined where there is none. */
export function naiveSignIn(rules: readonly NaiveRule[]): StepUpTerms | undefined {
  const wants = rules.flatMap(({ require }) => require?.step_up ?? [])
  const doFor = (one: string | undefined): boolean =>
    wants.every(({ acr }) => acr === undefined || (one !== undefined && acr.includes(one)))
  const fitting = CLASSES.filter(doFor)
  if (fitting.length === 0) return undefined
  const ages = wants.flatMap(({ max_age: age }) => AGES[age ?? ''] ?? [])
  return {
    // Where none will do as well, no class is asked for.
    acr: fitting.includes(undefined) ? [] : fitting.filter((one) => one !== undefined),
    maxAgeSeconds: ages.length === 0 ? undefined : Math.min(...ages),
  }
}

/** The definitions of a tool that lists have shown. */
export function naiveTraits(tool: string, { shift }: NaiveWorld): readonly ToolTraits[] {
  const safe = { ...DEFAULT_TRAITS, readOnlyHint: true, destructiveHint: false }
  return [[], [safe], [DEFAULT_TRAITS, safe]][(tool.length + shift) % 3] ?? []
}

function numberOf(rule: string): number {
  return Number(rule.slice(2))
}

function traitsOf({ target, world }: Scene): readonly ToolTraits[] {
  const known = target?.kind === 'tool' ? naiveTraits(target.name, world) : []
  return known.length === 0 ? [DEFAULT_TRAITS] : known
}

/** The worst for who asks: of all definitions, what lets least through. */
function worst(rule: NaiveRule, scene: Scene, definitions: readonly ToolTraits[]): Value {
  const evaluate = EXPRESSIONS[rule.when ?? '']
  const values = definitions.map((traits) => evaluate?.(scene, traits) ?? 'error')
  const order: readonly Value[] =
    rule.effect === 'allow' ? [false, 'error', 'unknown', true] : [true, 'error', 'unknown', false]
  return order.find((value) => values.includes(value)) ?? 'error'
}

function argsOf({ asking, target, world }: Scene): Readonly<Record<string, unknown>> | 'unknown' {
  if (asking === 'connection' || asking === 'task') return 'unknown'
  if (asking === 'call') return world.args
  return target?.kind === 'tool' || target?.kind === 'prompt' ? 'unknown' : {}
}

function hasN(scene: Scene): Value {
  const args = argsOf(scene)
  return args === 'unknown' ? args : 'n' in args
}

function equalsOne(scene: Scene): Value {
  const args = argsOf(scene)
  if (args === 'unknown') return args
  return 'n' in args ? args['n'] === 1 : 'error'
}

function not(value: Value): Value {
  return typeof value === 'boolean' ? !value : value
}

function or(one: Value, other: Value): Value {
  return not(and(not(one), not(other)))
}

/** What is false on one side is false; what is not known comes before what cannot be answered. */
function and(one: Value, other: Value): Value {
  const both = [one, other]
  if (both.includes(false)) return false
  if (both.includes('unknown')) return 'unknown'
  return both.includes('error') ? 'error' : true
}

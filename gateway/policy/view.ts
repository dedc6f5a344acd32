/**
 * A server's rules as one caller meets them: only those whose subjects fit, split by effect, exact
 * names in maps. Made once per caller, and shared by callers whom the same rules fit, so a decision is
 * a few look-ups and memory is bounded by the rules and not by the callers.
 */
import type { Target } from '../model/call.ts'
import type { Caller } from '../model/caller.ts'
import {
  type Area,
  areaOf,
  covers,
  coversEverything,
  coversMethod,
  type Effect,
  isExcepted,
  namesMethod,
} from './coverage.ts'
import { EVERYTHING, type Glob, matchesGlob } from './glob.ts'
import type { Reach, Rule, Rules, ServerRules } from './rules.ts'
import { type Fit, fitSubjects, scopesOf } from './subject.ts'

export type View = {
  readonly allows: Side
  readonly denies: Side
  /** Allow rules that fit but for scopes the caller could obtain. */
  readonly lacking: Side
  /** All scopes each rule of `lacking` asks for. */
  readonly scopes: ReadonlyMap<Rule, readonly string[]>
}

/** The rules of one effect, those of one caller. */
export type Side = {
  readonly effect: Effect
  readonly reaches: readonly Reach[]
  readonly tools: Index
  readonly prompts: Index
  readonly resources: Index
  /** The reaches that name methods. */
  readonly naming: readonly Reach[]
  /** The first rule that covers the server without exception. */
  readonly everything: Rule | undefined
}

/** Rules by the names they spell out, and the globs that have to be tried. */
type Index = {
  readonly exact: ReadonlyMap<string, readonly Reach[]>
  readonly globs: readonly { readonly glob: Glob; readonly reach: Reach }[]
}

/**
 * Views kept per server. There are as many as there are sets of rules that fit somebody, commonly a
 * handful; above this the map starts over, and callers keep the view they have.
 */
const MAX_VIEWS = 1_000

/** The caller's view of a server; undefined when the rules know no such server. */
export function viewFor(rules: Rules, caller: Caller, server: string): View | undefined {
  const here = rules.servers.get(server)
  if (here === undefined) return undefined
  let view = here.viewOf.get(caller)
  if (view === undefined) {
    view = findView(here, caller)
    here.viewOf.set(caller, view)
  }
  return view
}

/** Whether any allow rule reaches the server. Missing scopes do not keep a caller out: it may ask for them. */
export function isOpen(view: View): boolean {
  return view.allows.reaches.length > 0 || view.lacking.reaches.length > 0
}

/** The first rule that speaks of the target: rules that spell it out, then globs, each by rule id. */
export function findForTarget(side: Side, target: Target): Rule | undefined {
  const area = areaOf(target.kind)
  if (area === undefined) return undefined
  if (target.kind === 'template') {
    return side.reaches.find(({ coverage }) => covers(coverage, target, side.effect))?.rule
  }
  const { exact, globs } = side[area]
  for (const { coverage, rule } of exact.get(target.name) ?? []) {
    if (!isExcepted(coverage, target, side.effect)) return rule
  }
  for (const { glob, reach } of globs) {
    if (!matchesGlob(glob, target.name)) continue
    if (!isExcepted(reach.coverage, target, side.effect)) return reach.rule
  }
  return undefined
}

/** The first rule that covers the method, by name or with the whole server. */
export function findForMethod(side: Side, method: string): Rule | undefined {
  return side.reaches.find(({ coverage }) => coversMethod(coverage, method))?.rule
}

/** The first rule that names the method in `methods:`. */
export function findNaming(side: Side, method: string): Rule | undefined {
  return side.naming.find(({ coverage }) => namesMethod(coverage, method))?.rule
}

function findView(here: ServerRules, caller: Caller): View {
  const fits = here.reaches.map(({ rule }) => fitSubjects(rule.subjects, caller))
  const key = fits.map(({ how, ...fit }) => ('subject' in fit ? fit.subject : how.at(0))).join()
  let view = here.views.get(key)
  if (view === undefined) {
    view = buildView(here.reaches, fits)
    if (here.views.size >= MAX_VIEWS) here.views.clear()
    here.views.set(key, view)
  }
  return view
}

function buildView(reaches: readonly Reach[], fits: readonly Fit[]): View {
  const holding = reaches.filter((_reach, index) => fits[index]?.how === 'holds')
  const lacking: Reach[] = []
  const scopes = new Map<Rule, readonly string[]>()
  for (const [index, reach] of reaches.entries()) {
    const fit = fits[index]
    // A deny that would hold with more scopes does not hold.
    if (fit?.how !== 'lacks_scopes' || reach.rule.effect === 'deny') continue
    lacking.push(reach)
    scopes.set(reach.rule, scopesOf(reach.rule.subjects[fit.subject] ?? []))
  }
  return {
    allows: buildSide(
      'allow',
      holding.filter(({ rule }) => rule.effect === 'allow'),
    ),
    denies: buildSide(
      'deny',
      holding.filter(({ rule }) => rule.effect === 'deny'),
    ),
    lacking: buildSide('allow', lacking),
    scopes,
  }
}

function buildSide(effect: Effect, reaches: readonly Reach[]): Side {
  return {
    effect,
    reaches,
    tools: buildIndex(reaches, 'tools'),
    prompts: buildIndex(reaches, 'prompts'),
    resources: buildIndex(reaches, 'resources'),
    naming: reaches.filter(({ coverage }) => coverage.included.methods.length > 0),
    everything: reaches.find(({ coverage }) => coversEverything(coverage))?.rule,
  }
}

function buildIndex(reaches: readonly Reach[], area: Area): Index {
  const exact = new Map<string, Reach[]>()
  const globs: { readonly glob: Glob; readonly reach: Reach }[] = []
  for (const reach of reaches) {
    const { whole, included } = reach.coverage
    for (const glob of whole ? [EVERYTHING] : included[area]) {
      if (glob.shape !== 'literal') globs.push({ glob, reach })
      else exact.set(glob.text, [...(exact.get(glob.text) ?? []), reach])
    }
  }
  return { exact, globs }
}

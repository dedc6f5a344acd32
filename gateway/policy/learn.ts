/**
 * A policy that allows what was allowed in a log and little more: for every server one rule for each
 * group that used it, with the names that were used. A group is chosen where as few as possible of its
 * members have not used the thing themselves; callers without groups are spoken of by their client, or
 * else by name.
 */
import type { Target } from '../model/call.ts'
import type { Caller } from '../model/caller.ts'
import { type Area, areaOf } from './coverage.ts'
import { globProblem, nameGlobProblem } from './glob-problem.ts'
import { generalizeUris } from './generalize-uris.ts'
import { type CountedCall, callerKey } from './recorded-calls.ts'

/** Whom a learned rule is about. */
export type Unit = { readonly by: 'group' | 'client' | 'user'; readonly name: string }

/** One entry of a learned rule. */
export type LearnedEntry = {
  readonly text: string
  /** Calls it was learned from. */
  readonly calls: number
  /** Who made them. */
  readonly callers: ReadonlySet<string>
  /** URIs that a glob stands for; undefined for a name as it was used. */
  readonly generalizes?: number
}

export type LearnedRule = {
  readonly unit: Unit
  readonly server: string
  /** The rule's callers as they were seen; kinds, issuers and tenants come from them. */
  readonly members: readonly Caller[]
  readonly entries: Readonly<Record<Area, readonly LearnedEntry[]>>
  readonly calls: number
  readonly from: string
  readonly to: string
}

/** Learns from the calls that were allowed; those that were denied keep globs from being too wide. */
export function learnPolicy(calls: readonly CountedCall[]): readonly LearnedRule[] {
  const partyFor = createParties()
  const evidence = calls.map((call): Evidence => ({ ...call, party: partyFor(call.caller) }))
  const members = membersOf(evidence)
  const servers = [...new Set(calls.map(({ server }) => server))].toSorted()
  return servers.flatMap((server) => {
    const here = evidence.filter((call) => call.server === server)
    const allowed = here.filter(isLasting)
    return learnServer(server, { allowed, all: here, members })
  })
}

/**
 * Whether a call was allowed for good: what a grant allows ends with it, what a person approved was approved
 * once, and neither is anything to learn.
 */
export function isLasting({ effect, underGrant, approved }: CountedCall): boolean {
  return effect === 'allow' && !underGrant && !approved
}

type Party = { readonly key: string; readonly caller: Caller; readonly units: readonly Unit[] }
type Evidence = CountedCall & { readonly party: Party }
type Members = ReadonlyMap<string, ReadonlySet<string>>

/** What was used, by whom. */
type Use = {
  readonly area: Area
  readonly name: string
  readonly parties: Map<string, { readonly party: Party; calls: number; from: string; to: string }>
}

type Draft = { readonly unit: Unit; readonly server: string; readonly uses: Use[] }

function learnServer(
  server: string,
  log: {
    readonly allowed: readonly Evidence[]
    readonly all: readonly Evidence[]
    readonly members: Members
  },
): readonly LearnedRule[] {
  const { uses, connected } = usesOf(log.allowed)
  const drafts = new Map<string, Draft>()
  const add = (unit: Unit, use: Use): void => {
    // What methods are named in a rule of their own: a rule names targets or methods of a server.
    const key = `${use.area === 'methods' ? 'methods' : 'targets'} ${unitKey(unit)}`
    const draft = drafts.get(key)
    if (draft === undefined) drafts.set(key, { unit, server, uses: [use] })
    else draft.uses.push(use)
  }
  for (const use of uses) for (const unit of unitsFor(use, log.members)) add(unit, use)
  const reached = new Set([...drafts.values()].map(({ unit }) => unitKey(unit)))
  const isReached = ({ units }: Party): boolean => units.some((unit) => reached.has(unitKey(unit)))
  for (const [key, entry] of connected.parties)
    if (isReached(entry.party)) connected.parties.delete(key)
  if (connected.parties.size > 0) {
    for (const unit of unitsFor(connected, log.members)) add(unit, connected)
  }
  const uris = log.all.flatMap((one) =>
    namesUsed(one).flatMap(({ area, name }) => (area === 'resources' ? name : [])),
  )
  const logged = new Set(uris)
  return [...drafts.values()].map((draft) => finish(draft, logged))
}

/** Everything used by name, and who connected: `ping` stands for that, which every connection may send. */
function usesOf(allowed: readonly Evidence[]): {
  readonly uses: readonly Use[]
  readonly connected: Use
} {
  const uses = new Map<string, Use>()
  const connected: Use = { area: 'methods', name: 'ping', parties: new Map() }
  for (const one of allowed) {
    note(connected, one)
    for (const { area, name } of namesUsed(one).filter(isSayable)) {
      const key = `${area} ${name}`
      const use: Use = uses.get(key) ?? { area, name, parties: new Map() }
      uses.set(key, use)
      note(use, one)
    }
  }
  return { uses: [...uses.values()], connected }
}

function note({ parties }: Use, { party, count, time, lastTime }: Evidence): void {
  const known = parties.get(party.key)
  if (known === undefined) parties.set(party.key, { party, calls: count, from: time, to: lastTime })
  else {
    known.calls += count
    if (time < known.from) known.from = time
    if (lastTime > known.to) known.to = lastTime
  }
}

function namesUsed({ call, dropped }: CountedCall): readonly { area: Area; name: string }[] {
  if (call.needs === 'method') return [{ area: 'methods', name: call.method }]
  const isDropped = (target: Target): boolean =>
    dropped.some(({ kind, name }) => kind === target.kind && name === target.name)
  return call.targets.flatMap((target) => {
    if (isDropped(target)) return []
    if (target.kind === 'task') return [{ area: 'tools', name: target.task?.tool ?? '' }]
    const area = areaOf(target.kind)
    return area === undefined ? [] : [{ area, name: target.name }]
  })
}

/** Whether a rule can say the name at all; what it cannot is not learned. */
function isSayable({ area, name }: { readonly area: Area; readonly name: string }): boolean {
  return (area === 'resources' ? globProblem(name) : nameGlobProblem(name)) === undefined
}

/**
 * The units whose rules allow a use: of those a caller belongs to, the one with the fewest members that
 * did not use it; of those, the one with the most that did.
 */
function unitsFor({ parties }: Use, members: Members): readonly Unit[] {
  const open = new Set(parties.keys())
  const chosen: Unit[] = []
  while (open.size > 0) {
    const units = new Map<string, Unit>()
    for (const key of open) {
      for (const unit of parties.get(key)?.party.units ?? []) units.set(unitKey(unit), unit)
    }
    let best: Candidate | undefined
    for (const [key, unit] of units) {
      const candidate = { unit, excess: 0, gain: 0 }
      for (const member of members.get(key) ?? []) {
        if (!parties.has(member)) candidate.excess += 1
        else if (open.has(member)) candidate.gain += 1
      }
      if (best === undefined || compare(candidate, best) < 0) best = candidate
    }
    if (best === undefined) break
    chosen.push(best.unit)
    for (const member of members.get(unitKey(best.unit)) ?? []) open.delete(member)
  }
  return chosen
}

type Candidate = { readonly unit: Unit; readonly excess: number; readonly gain: number }

function compare(a: Candidate, b: Candidate): number {
  const byNumbers = a.excess - b.excess || b.gain - a.gain
  if (byNumbers !== 0) return byNumbers
  return a.unit.name < b.unit.name ? -1 : Number(a.unit.name > b.unit.name)
}

/** @param logged Every URI of the log on this server. */
function finish({ unit, server, uses }: Draft, logged: ReadonlySet<string>): LearnedRule {
  const entries: Record<Area, LearnedEntry[]> = {
    tools: [],
    prompts: [],
    resources: [],
    methods: [],
  }
  const seen = new Map<string, Caller>()
  let calls = 0
  const times: string[] = []
  for (const { area, name, parties } of uses) {
    const own = [...parties.values()].filter(({ party }) => isOf(party, unit))
    const made = own.reduce((sum, entry) => sum + entry.calls, 0)
    for (const { party, from, to } of own) {
      seen.set(party.key, party.caller)
      times.push(from, to)
    }
    calls += made
    entries[area].push({
      text: name,
      calls: made,
      callers: new Set(own.map(({ party }) => party.key)),
    })
  }
  times.sort()
  for (const area of ['tools', 'prompts', 'methods'] as const) entries[area].sort(byText)
  entries.resources.splice(0, Infinity, ...generalizeUris(entries.resources, logged))
  return {
    unit,
    server,
    members: [...seen.values()],
    entries,
    calls,
    from: times[0] ?? '',
    to: times.at(-1) ?? '',
  }
}

function byText(a: LearnedEntry, b: LearnedEntry): number {
  return a.text < b.text ? -1 : Number(a.text > b.text)
}

/** Everybody who was seen with a unit, on any server, whatever came of it. */
function membersOf(calls: readonly Evidence[]): Members {
  const members = new Map<string, Set<string>>()
  for (const { party } of calls) {
    const { key, units } = party
    for (const unit of units) {
      const known = members.get(unitKey(unit))
      if (known === undefined) members.set(unitKey(unit), new Set([key]))
      else known.add(key)
    }
  }
  return members
}

function createParties(): (caller: Caller) => Party {
  const parties = new Map<Caller, Party>()
  return (caller) => {
    const known = parties.get(caller) ?? partyOf(caller)
    parties.set(caller, known)
    return known
  }
}

function partyOf(caller: Caller): Party {
  // Scopes come and go with tokens; they make nobody another caller.
  const key = callerKey({ ...caller, scopes: new Set(), interactive: false, actors: [] })
  const groups = [...caller.groups].map((name): Unit => ({ by: 'group', name }))
  const alone: Unit =
    caller.client === ''
      ? { by: 'user', name: caller.subject }
      : { by: 'client', name: caller.client }
  // Clients and users are named by globs: a name with a wildcard in it would speak of others too.
  const own = /[*?]/.test(alone.name) ? [] : [alone]
  return { key, caller, units: groups.length > 0 ? groups : own }
}

function isOf({ units }: Party, unit: Unit): boolean {
  return units.some((one) => unitKey(one) === unitKey(unit))
}

function unitKey({ by, name }: Unit): string {
  return `${by} ${name}`
}

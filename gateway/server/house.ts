/** What is running, from the first configuration to the last: how it is opened and how a reload changes it. */
import type { Issuer } from '../issuer/issuer.ts'
import type { Desk } from '../pipeline/desk.ts'
import type { Generation } from './generation.ts'
import { createGeneration } from './generation.ts'
import { type Hearer, hearersAmong } from './hearers.ts'
import type { HttpVisit } from './http-visit.ts'
import { announceChanges } from './list-changes.ts'
import type { Ready } from './load-all.ts'
import type { Log } from './log.ts'
import type { Membership } from './membership.ts'
import { openIssuer, setupOf } from './own-issuer.ts'
import type { Plant } from './plant.ts'
import { openPlant } from './plant.ts'
import { describePolicyChange } from './policy-change.ts'
import type { Sockets } from './sockets.ts'
import { createSockets } from './sockets.ts'
import type { UnreadAnswers } from './unread-answers.ts'
import { createUnreadAnswers } from './unread-answers.ts'

/** Everything that is running. A reload replaces `current`; stopping sets `draining`. */
export type House = {
  readonly version: string
  readonly log: Log
  readonly plant: Plant
  /** The current one, and those before it that still have visits. */
  readonly generations: Set<Generation>
  /** Visits under way. */
  readonly answering: Set<HttpVisit>
  readonly sockets: Sockets
  readonly unread: UnreadAnswers
  /** Epoch milliseconds. */
  readonly startedAtMs: number
  /** Our own authorization server, where there is one. */
  readonly issuer: Issuer | undefined
  current: Generation
  draining: boolean
}

export type HouseOptions = {
  readonly loaded: Ready
  readonly version: string
  readonly log: Log
  /** Where this is one of several workers. */
  readonly member?: Membership | undefined
}

/** Opens everything but the listeners. Rejects with an Error that says what could not be opened. */
export async function openHouse(options: HouseOptions): Promise<House> {
  const { loaded, log, version, member } = options
  const plant = await openPlant({ settings: loaded.settings, version, log, member })
  const { settings, rules } = loaded
  const latest = (): Desk => house.current.desk
  const issuer = await openIssuer(loaded, plant)
  const own = issuer?.trust()
  const current = createGeneration({ settings, rules, plant, previous: undefined, latest, own })
  current.takeOver()
  const house: House = {
    version,
    log,
    plant,
    current,
    generations: new Set([current]),
    answering: new Set(),
    sockets: createSockets({ plant, log, current: () => house.current }),
    unread: createUnreadAnswers(),
    startedAtMs: plant.now(),
    issuer,
    draining: false,
  }
  return house
}

/**
 * From here on visits belong to the new configuration; those under way keep theirs. Resolves with what the
 * new policy changes.
 */
export function adopt({ settings, rules }: Ready, house: House): Promise<string | undefined> {
  const { plant, generations, current: previous, issuer } = house
  const latest = (): Desk => house.current.desk
  const own = issuer?.trust()
  const next = createGeneration({ settings, rules, plant, previous, latest, own })
  const setup = setupOf({ settings, rules }, plant)
  // All of it could be made: from here on it is in force, and nothing can refuse it any more.
  next.takeOver()
  house.current = next
  if (setup !== undefined) issuer?.configure(setup)
  generations.add(house.current)
  previous.retire()
  for (const generation of generations) if (generation.over) generations.delete(generation)
  const sight = { nowMs: plant.now(), facts: house.current.desk.facts }
  const { catalogue } = plant
  const [before, after] = [
    { ...sight, rules: previous.rules },
    { ...sight, rules },
  ]
  void announceChanges(hearersIn(house), { before, after, catalogue })
  return describePolicyChange(plant.recentCalls.calls(), {
    before: previous.rules,
    after: rules,
    includes: { before: previous.settings.scopeIncludes, after: settings.scopeIncludes },
    occasion: sight,
  })
}

/** Who can be told of a change on what is open. */
export function hearersIn({ answering, sockets }: House): readonly Hearer[] {
  return [...hearersAmong(answering), ...sockets.hearers()]
}

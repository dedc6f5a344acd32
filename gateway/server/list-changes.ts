/**
 * Tells open streams that what their caller sees has changed, so that clients ask for their lists again
 * (`list_changed`, MCP server features). Only names that the server has listed can have been seen; where no
 * list has passed this process, those that rules speak of stand for them.
 */
import { setTimeout as pause } from 'node:timers/promises'
import type { ListName } from '../mcp/message.ts'
import type { Catalogue, NamedKind } from '../pipeline/catalogue.ts'
import { withTools } from '../pipeline/name-tools.ts'
import { areaOf } from '../policy/coverage.ts'
import type { Occasion } from '../policy/occasion.ts'
import type { Rules } from '../policy/rules.ts'
import { isVisible } from '../policy/visible.ts'
import type { Hearer } from './hearers.ts'

/**
 * Hearers told before there is a pause, and its milliseconds: calls get their turn, and of ten thousand
 * clients no more than a thousand come back for their lists in any second.
 */
const HEARERS_PER_TURN = 20
const PAUSE_MS = 20

/** What the lists of a server are lists of. */
const KINDS: Readonly<Record<ListName, readonly NamedKind[]>> = {
  tools: ['tool'],
  prompts: ['prompt'],
  resources: ['resource', 'template'],
}

const LISTED = Object.values(KINDS).flat()

const LISTS = ['tools', 'prompts', 'resources'] as const satisfies readonly ListName[]

/** What decides what callers see. */
export type Sight = Pick<Occasion, 'nowMs' | 'facts'> & { readonly rules: Rules }

export type SightChange = {
  readonly before: Sight
  readonly after: Sight
  readonly catalogue: Pick<Catalogue, 'names' | 'toolsOf'>
}

type Who = Pick<Hearer, 'caller' | 'server' | 'address'>

/** Resolves when all hearers have been told what concerns them. */
export async function announceChanges(
  hearers: Iterable<Hearer>,
  change: SightChange,
): Promise<void> {
  await tellEach(hearers, (hearer) => changedLists(hearer, change))
}

/** Tells callers who could see them that tools were kept back or given free. */
export async function announceHeld(
  hearers: Iterable<Hearer>,
  change: { readonly server: string; readonly tools: readonly string[]; readonly sight: Sight },
): Promise<void> {
  await tellEach(hearers, (hearer) => {
    if (hearer.server !== change.server) return []
    const isSeen = (name: string): boolean => sees(hearer, { kind: 'tool', name }, change.sight)
    return change.tools.some(isSeen) ? ['tools'] : []
  })
}

/** The lists in which this caller sees more or less at this server than before. */
export function changedLists(
  who: Who,
  { before, after, catalogue }: SightChange,
): readonly ListName[] {
  const { server } = who
  const isListed = LISTED.some((kind) => !isEmpty(catalogue.names(server, kind)))
  const isChanged = (kind: NamedKind): boolean => {
    const names = isListed
      ? catalogue.names(server, kind)
      : [...standIns(server, kind, before.rules), ...standIns(server, kind, after.rules)]
    for (const name of names) {
      const target = withTools({ kind, name }, server, catalogue)
      if (sees(who, target, before) !== sees(who, target, after)) return true
    }
    return false
  }
  return LISTS.filter((list) => KINDS[list].some(isChanged))
}

/**
 * Names like those that rules speak of. They stand for the names of a server none of whose lists has passed
 * this process: they may have passed another, which serves the same clients.
 */
function* standIns(server: string, kind: NamedKind, rules: Rules): Generator<string> {
  const area = areaOf(kind)
  for (const { coverage } of rules.servers.get(server)?.reaches ?? []) {
    if (coverage.whole) yield 'any'
    for (const { text } of area === undefined ? [] : coverage.included[area]) {
      yield text.replaceAll('*', 'any').replaceAll('?', 'x')
    }
  }
}

function isEmpty(names: Iterable<string>): boolean {
  for (const _ of names) return false
  return true
}

async function tellEach(
  hearers: Iterable<Hearer>,
  owed: (hearer: Hearer) => readonly ListName[],
): Promise<void> {
  let looked = 0
  for (const hearer of hearers) {
    for (const list of owed(hearer)) hearer.tell(list)
    looked += 1
    if (looked % HEARERS_PER_TURN === 0) await pause(PAUSE_MS)
  }
}

function sees(
  { caller, server, address }: Who,
  target: Parameters<typeof isVisible>[2],
  { rules, nowMs, facts }: Sight,
): boolean {
  return isVisible(rules, caller, target, { server, address, frame: undefined, nowMs, facts })
}

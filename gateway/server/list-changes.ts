/**
 * Tells open streams that what their caller sees has changed, so that clients ask for their lists again
 * (`list_changed`, MCP server features). Only names that the server has listed can have been seen.
 */
import { setImmediate as turn } from 'node:timers/promises'
import type { Caller } from '../model/caller.ts'
import type { Catalogue, ListedKind } from '../pipeline/catalogue.ts'
import type { Occasion } from '../policy/occasion.ts'
import type { Rules } from '../policy/rules.ts'
import { isVisible } from '../policy/visible.ts'
import type { HttpVisit } from './http-visit.ts'

/** Streams looked at before calls get their turn again. */
const STREAMS_PER_TURN = 20

const METHODS = {
  tool: 'notifications/tools/list_changed',
  prompt: 'notifications/prompts/list_changed',
} as const satisfies Record<ListedKind, string>

/** What decides what callers see. */
export type Sight = Pick<Occasion, 'nowMs' | 'facts'> & { readonly rules: Rules }

export type SightChange = {
  readonly before: Sight
  readonly after: Sight
  readonly catalogue: Pick<Catalogue, 'names'>
}

/** Goes through the streams that only listen; resolves when all of them have been told what concerns them. */
export async function announceChanges(
  visits: Iterable<HttpVisit>,
  change: SightChange,
): Promise<void> {
  let looked = 0
  for (const visit of visits) {
    const { caller, server, address, calls } = visit.journey
    if (caller === undefined || server === undefined) continue
    const [call] = calls
    if (call?.call.kind !== 'open_stream' || call.call.era !== 'legacy') continue
    for (const method of changedLists({ caller, server, address }, change)) {
      visit.announce(`data: {"jsonrpc":"2.0","method":"${method}"}\n\n`)
    }
    looked += 1
    if (looked % STREAMS_PER_TURN === 0) await turn()
  }
}

/** Tells callers who could see them that tools were kept back or given free. */
export async function announceHeld(
  visits: Iterable<HttpVisit>,
  change: { readonly server: string; readonly tools: readonly string[]; readonly sight: Sight },
): Promise<void> {
  let looked = 0
  for (const visit of visits) {
    const { caller, server, address, calls } = visit.journey
    const [call] = calls
    if (server !== change.server || caller === undefined) continue
    if (call?.call.kind !== 'open_stream' || call.call.era !== 'legacy') continue
    const { rules, nowMs, facts } = change.sight
    const occasion = { server, address, frame: undefined, nowMs, facts }
    const isSeen = (name: string): boolean =>
      isVisible(rules, caller, { kind: 'tool', name }, occasion)
    if (change.tools.some(isSeen)) {
      visit.announce(`data: {"jsonrpc":"2.0","method":"${METHODS.tool}"}\n\n`)
    }
    looked += 1
    if (looked % STREAMS_PER_TURN === 0) await turn()
  }
}

/** The notifications that this caller is owed at this server. */
export function changedLists(
  who: { readonly caller: Caller; readonly server: string; readonly address: string },
  { before, after, catalogue }: SightChange,
): readonly string[] {
  const { caller, server, address } = who
  const place = { server, address, frame: undefined }
  const kinds: readonly ListedKind[] = ['tool', 'prompt']
  return kinds
    .filter((kind) => {
      for (const name of catalogue.names(server, kind)) {
        const [was, is] = [before, after].map(({ rules, nowMs, facts }) =>
          isVisible(rules, caller, { kind, name }, { ...place, nowMs, facts }),
        )
        if (was !== is) return true
      }
      return false
    })
    .map((kind) => METHODS[kind])
}

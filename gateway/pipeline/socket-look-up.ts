/**
 * Looks up names as `look-up.ts` does, on a connection of the caller's own: the list is asked for in
 * between the caller's requests, and its answer never reaches the caller.
 */
import { ANSWER_BOUNDS } from '../mcp/bounds.ts'
import { filterAnswer } from '../mcp/list.ts'
import { scan } from '../mcp/scan.ts'
import { Refusal } from '../model/refusal.ts'
import type { Catalogue, ListedKind } from './catalogue.ts'
import { learnList } from './learn-list.ts'
import type { LookUp } from './look-up.ts'
import { observePage, type Onlooker, type Pins, preparePage } from './pins.ts'

/** A list seen this recently is not asked for again. */
const FRESH_MS = 1_000

/** Pages of one list; a server with more has names that only its callers' own listing teaches. */
const MAX_PAGES = 50

/** Sends a request of ours to the server; the whole response, or a rejection when none comes in time. */
export type AskServer = (method: string, params: object) => Promise<Uint8Array>

/** @param tick Monotonic milliseconds. */
export function createSocketLookUp(options: {
  readonly ask: AskServer
  readonly catalogue: Catalogue
  readonly pins: Pins
  /** Called before each look-up; throws a refusal when there were too many. */
  readonly spend: () => void
  readonly tick: () => number
}): LookUp {
  const { ask, catalogue, pins, spend, tick } = options
  const remembered = new Map<ListedKind, Memory>()
  return async ({ kind, name, call, seat }) => {
    const server = seat.server.name
    let memory = remembered.get(kind)
    if (memory === undefined || tick() - memory.atTick > FRESH_MS) {
      spend()
      const { caller } = seat.journey
      const onlooker = caller && { server: seat.server, caller, call }
      const running = list(kind, server, { ask, catalogue, pins, onlooker })
      memory = { running, atTick: tick() }
      remembered.set(kind, memory)
    }
    try {
      await memory.running
    } catch (error) {
      // An earlier page may have named it.
      if (!catalogue.knows(server, kind, name)) throw error
    }
    return catalogue.knows(server, kind, name)
  }
}

type Listing = {
  readonly ask: AskServer
  readonly catalogue: Catalogue
  readonly pins: Pins
  readonly onlooker: Onlooker | undefined
}

type Memory = { readonly running: Promise<void>; readonly atTick: number }

async function list(
  kind: ListedKind,
  server: string,
  { ask, catalogue, pins, onlooker }: Listing,
): Promise<void> {
  if (onlooker !== undefined) await preparePage(pins, onlooker)
  let cursor: string | undefined
  for (let page = 0; page < MAX_PAGES; page++) {
    const response = await ask(`${kind}s/list`, cursor === undefined ? {} : { cursor })
    const read = filterAnswer(response, { show: () => true })
    const scanned = scan(response, ANSWER_BOUNDS)
    // A server that does not list is asked for nothing it does not list (fail closed).
    if (!read.ok || !scanned.ok || scanned.messages[0]?.outcome !== 'result') {
      throw new Refusal('upstream_unavailable', { detail: 'unreadable list' })
    }
    learnList(catalogue, server, { ...read, era: 'legacy' })
    if (onlooker !== undefined && read.tools !== undefined) {
      observePage(pins, onlooker, { bytes: response, page: undefined })
    }
    cursor = read.nextCursor
    if (cursor === undefined) return
  }
}

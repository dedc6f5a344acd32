/**
 * Asks a server for its list when a permitted call names a tool or prompt that no list has shown yet,
 * in the caller's own session. One look-up at a time per session and at most one a second; sessions can
 * be made up as names can, so a caller has a bound over all of them too.
 */
import type { Call } from '../model/call.ts'
import { Refusal } from '../model/refusal.ts'
import type { ListedKind } from './catalogue.ts'
import type { Seat } from './frame.ts'
import { type Asked, listNames, type ListNamesOptions, type Outcome } from './list-names.ts'

/** A list seen this recently is not asked for again. */
const FRESH_MS = 1_000

/** Look-ups at one server that a caller may cause in `FRESH_MS`, in whatever sessions. */
const MAX_PER_CALLER = 5

/** Look-ups remembered, and callers; the oldest are forgotten. */
const MAX_REMEMBERED = 1_000

export type Wanted = {
  readonly kind: ListedKind
  readonly name: string
  readonly call: Call
  readonly seat: Seat
}

/**
 * Whether the server lists this name. True also when it does not know the legacy session the call is in:
 * the call then learns that from the server itself, and its client begins a new session.
 *
 * Throws a `Refusal` when that cannot be known: `upstream_unavailable`, `upstream_timeout`.
 */
export type LookUp = (wanted: Wanted) => Promise<boolean>

type Memory = { readonly running: Promise<Outcome>; endedTick: number | undefined }

/** What one caller has had looked up at one server since `sinceTick`. */
type Spent = { readonly sinceTick: number; count: number; newest: Promise<unknown> | undefined }

/** Remembers look-ups for `FRESH_MS`, bounded. */
export function createLookUp(options: ListNamesOptions): LookUp {
  const { catalogue, tick } = options
  const remembered = new Map<string, Memory>()
  const spent = new Map<string, Spent>()
  return async ({ kind, name, call, seat }) => {
    const server = seat.server.name
    const party = partyOf(seat)
    const session = call.era === 'legacy' ? seat.head?.sessionId : undefined
    const key = JSON.stringify([party, kind, call.era, session])
    let memory = recent(remembered.get(key))
    if (memory === undefined) {
      // What another session of this caller is being told may name it already.
      const newest = spent.get(party)?.newest
      if (newest !== undefined) await newest.catch(() => undefined)
      if (catalogue.knows(server, kind, name)) return true
      memory = recent(remembered.get(key)) ?? begin(key, party, { kind, call, seat })
    }
    try {
      if ((await memory.running) === 'session_unknown') return true
    } catch (error) {
      // An earlier page may have named it.
      if (!catalogue.knows(server, kind, name)) throw error
    }
    return catalogue.knows(server, kind, name)
  }

  function recent(memory: Memory | undefined): Memory | undefined {
    const endedTick = memory?.endedTick
    return endedTick !== undefined && tick() - endedTick > FRESH_MS ? undefined : memory
  }

  function begin(key: string, party: string, asked: Asked): Memory {
    const account = spend(party)
    const memory: Memory = { running: listNames(asked, options), endedTick: undefined }
    const end = (): void => void (memory.endedTick = tick())
    void memory.running.then(end, end)
    account.newest = memory.running
    remember(remembered, key, memory)
    return memory
  }

  function spend(party: string): Spent {
    let account = spent.get(party)
    if (account === undefined || tick() - account.sinceTick > FRESH_MS) {
      account = { sinceTick: tick(), count: 0, newest: undefined }
      remember(spent, party, account)
    }
    if (account.count >= MAX_PER_CALLER) {
      const message = 'Too many calls of names that no list shows'
      throw new Refusal('upstream_unavailable', { message, detail: 'look-ups of one caller' })
    }
    account.count += 1
    return account
  }
}

/** A caller at a server. Another token of the same party is the same caller. */
function partyOf({ journey, server }: Seat): string {
  const { caller } = journey
  return JSON.stringify([
    server.name,
    caller?.tenant,
    caller?.issuer,
    caller?.subject,
    caller?.client,
  ])
}

function remember<T>(map: Map<string, T>, key: string, value: T): void {
  map.delete(key)
  map.set(key, value)
  const [oldest] = map.keys()
  if (map.size > MAX_REMEMBERED && oldest !== undefined) map.delete(oldest)
}

/**
 * The revocation list in memory, made for one question asked on every request: is this caller
 * revoked? No clock, no store: whoever holds the index says when entries end.
 */
import type { Actor, Caller } from '../model/caller.ts'
import type { RevocationKind } from '../model/event.ts'
import type { Revocation } from './revocation.ts'

/** Revoked values of one issuer by kind, each with its cutoff (seconds; 0 where there is none). */
type Shelf = Readonly<Record<RevocationKind, Map<string, number>>>

/** The index of one list of revocations. */
export type RevocationIndex = {
  readonly size: number
  /** Whether a revocation names this caller: one comparison when there are none, else hash lookups. */
  names(caller: Caller): boolean
  get(id: string): Revocation | undefined
  /** Adds an entry, or replaces the one of the same id. */
  set(entry: Revocation): void
  /** Returns whether there was such an entry. */
  remove(id: string): boolean
  /** Drops what has ended; returns how many entries that were. Costs nothing while none is due. */
  expire(nowSeconds: number): number
  entries(): Iterable<Revocation>
}

/** Makes an empty index. Its holder bounds it (`MAX_REVOCATIONS`). */
export function createRevocationIndex(): RevocationIndex {
  const byId = new Map<string, Revocation>()
  const anyIssuer = emptyShelf()
  const byIssuer = new Map<string, Shelf>()
  let firstExpirySeconds = Infinity

  function remove(id: string): boolean {
    const entry = byId.get(id)
    if (entry === undefined) return false
    byId.delete(id)
    if (entry.issuer === undefined) {
      anyIssuer[entry.kind].delete(entry.value)
      return true
    }
    const shelf = byIssuer.get(entry.issuer)
    shelf?.[entry.kind].delete(entry.value)
    if (shelf !== undefined && isEmpty(shelf)) byIssuer.delete(entry.issuer)
    return true
  }

  return {
    get size() {
      return byId.size
    },
    names(caller) {
      if (byId.size === 0) return false
      if (holds(anyIssuer, caller)) return true
      const shelf = byIssuer.get(caller.issuer)
      if (shelf !== undefined && holds(shelf, caller)) return true
      // Whoever acted in between had the token in hand.
      return caller.actors.some((actor) =>
        [anyIssuer, byIssuer.get(actor.issuer)].some(
          (one) => one !== undefined && holdsActor(one, actor, caller),
        ),
      )
    },
    get: (id) => byId.get(id),
    set(entry) {
      byId.set(entry.id, entry)
      let shelf = anyIssuer
      if (entry.issuer !== undefined) {
        shelf = byIssuer.get(entry.issuer) ?? emptyShelf()
        byIssuer.set(entry.issuer, shelf)
      }
      shelf[entry.kind].set(entry.value, entry.cutoffSeconds ?? 0)
      firstExpirySeconds = Math.min(firstExpirySeconds, entry.expiresAtSeconds ?? Infinity)
    },
    remove,
    expire(nowSeconds) {
      if (nowSeconds < firstExpirySeconds) return 0
      let ended = 0
      firstExpirySeconds = Infinity
      for (const { id, expiresAtSeconds = Infinity } of byId.values()) {
        if (nowSeconds >= expiresAtSeconds) {
          remove(id)
          ended += 1
        } else firstExpirySeconds = Math.min(firstExpirySeconds, expiresAtSeconds)
      }
      return ended
    },
    entries: () => byId.values(),
  }
}

function holds(shelf: Shelf, caller: Caller): boolean {
  if (caller.tokenId !== undefined && shelf.token.has(caller.tokenId)) return true
  if (caller.grant !== undefined && shelf.grant.has(caller.grant)) return true
  if (caller.session !== undefined && shelf.session.has(caller.session)) return true
  if (caller.client !== '' && shelf.client.has(caller.client)) return true
  return isBeforeCutoff(shelf, caller.subject, caller)
}

/** An actor is known by the client that it is, or as a subject of its own. */
function holdsActor(shelf: Shelf, { subject }: Actor, caller: Caller): boolean {
  return shelf.client.has(subject) || isBeforeCutoff(shelf, subject, caller)
}

function isBeforeCutoff(shelf: Shelf, subject: string, { issuedAtSeconds }: Caller): boolean {
  const cutoff = shelf.subject.get(subject)
  // Written so that an issue time that is not a number counts as before the cutoff.
  return cutoff !== undefined && !(issuedAtSeconds >= cutoff)
}

function emptyShelf(): Shelf {
  return {
    token: new Map(),
    grant: new Map(),
    session: new Map(),
    client: new Map(),
    subject: new Map(),
  }
}

function isEmpty(shelf: Shelf): boolean {
  return Object.values(shelf).every((values) => values.size === 0)
}

/**
 * Documents with keys, fetched once for all who ask: for the processes of one machine, and for what else
 * in one process trusts the same issuer. Whoever asks decides what is done with them and how old they may be.
 */
import { messageOf } from '../model/message-of.ts'
import { createBoundedMap } from './bounded-map.ts'

type Outcome =
  | { readonly ok: true; readonly document: unknown }
  | { readonly ok: false; readonly why: string }

/** What a fetch has brought, or why it brought nothing. Plain values: it goes from process to process. */
export type FetchedKeys = Outcome & {
  /** When the fetch began, in epoch milliseconds: keys are as old as that, whoever had them fetched. */
  readonly startedMs: number
  /** Whether it was made for another, who asked before. */
  readonly shared: boolean
}

/**
 * Returns the document at an address that an operator configured. Never rejects.
 *
 * @param newerThanMs A fetch that began by then, in epoch milliseconds, is of no use; unless it began so
 *   lately that no other may yet (`MIN_INTERVAL_MS`).
 */
export type FetchKeys = (url: string, newerThanMs: number) => Promise<FetchedKeys>

/** Least time between the starts of two fetches of one document, failures included (R-TOK-7). */
export const MIN_INTERVAL_MS = 30_000

/** Documents kept; each is as large as a fetch allows, so together 16 MiB at most. */
const MAX_DOCUMENTS = 256

type Fetch = {
  readonly startedMs: number
  readonly outcome: Promise<Outcome>
  /** Undefined while it goes on. */
  ended: Outcome | undefined
}

/**
 * Returns a fetch for all who share it: one at a time for each address, what it brought for whoever it is new
 * enough for, and no other within `MIN_INTERVAL_MS`. Holds `MAX_DOCUMENTS`, those that are asked for.
 */
export function createKeyDocuments(options: {
  /** Rejects for whatever is no document; in bounded time. */
  readonly fetchJson: (url: string) => Promise<unknown>
  /** Epoch milliseconds. */
  readonly now: () => number
}): FetchKeys {
  const { fetchJson, now } = options
  const fetches = createBoundedMap<Fetch>(MAX_DOCUMENTS)

  const begin = (url: string): Fetch => {
    const fetch: Fetch = { startedMs: now(), outcome: outcomeOf(fetchJson, url), ended: undefined }
    void fetch.outcome.then((ended) => (fetch.ended = ended))
    fetches.set(url, fetch)
    return fetch
  }
  const serves = ({ startedMs, ended }: Fetch, newerThanMs: number): boolean => {
    if (ended === undefined) return true
    const ageMs = now() - startedMs
    // A clock that was set back must not put off the next fetch for as long as it went back.
    if (ageMs < 0) return false
    return ageMs < MIN_INTERVAL_MS || (ended.ok && startedMs > newerThanMs)
  }

  return async (url, newerThanMs) => {
    const last = fetches.get(url)
    const shared = last !== undefined && serves(last, newerThanMs)
    const { startedMs, outcome } = shared ? last : begin(url)
    return { ...(await outcome), startedMs, shared }
  }
}

async function outcomeOf(
  fetchJson: (url: string) => Promise<unknown>,
  url: string,
): Promise<Outcome> {
  try {
    return { ok: true, document: await fetchJson(url) }
  } catch (error) {
    return { ok: false, why: messageOf(error) }
  }
}

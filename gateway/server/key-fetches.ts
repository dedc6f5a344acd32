/** Who fetches the keys of issuers: the process itself, or the supervisor for all its workers. */
import { createFetchJson } from '../egress/fetch-json.ts'
import type { FetchKeys } from '../identity/key-documents.ts'
import { createKeyDocuments } from '../identity/key-documents.ts'
import type { ToSupervisor } from './crew-talk.ts'
import type { Line } from './line.ts'

/** A fetch takes one second at most; a worker waits a little longer for it, in milliseconds. */
const ANSWER_MS = 2_000

/** Fetches of the keys of issuers, with the connections they need. */
export type KeyFetches = {
  readonly fetchKeys: FetchKeys
  close(): Promise<void>
}

/** Those of the one process of a machine that makes connections to issuers. @param now Epoch milliseconds. */
export function openKeyFetches(now: () => number): KeyFetches {
  const fetchJson = createFetchJson()
  return {
    fetchKeys: createKeyDocuments({
      // Settings have checked these addresses: plain http to loopback, or where the operator allowed it.
      fetchJson: async (url) => await fetchJson(url, [new URL(url).origin]),
      now,
    }),
    close: fetchJson.close,
  }
}

/** Those of a worker. A supervisor that does not answer in time is like an issuer that is down. */
export function relayKeyFetches(
  line: Pick<Line<ToSupervisor>, 'ask'>,
  now: () => number,
): KeyFetches {
  return {
    fetchKeys: async (url, newerThanMs) => {
      const startedMs = now()
      try {
        return await line.ask('keys', { url, newerThanMs }, ANSWER_MS)
      } catch (error) {
        const why = `the supervisor has not fetched it: ${String(error)}`
        return { ok: false, why, startedMs, shared: false }
      }
    },
    close: async () => undefined,
  }
}

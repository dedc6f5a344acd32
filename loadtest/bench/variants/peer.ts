/** Any other proxy the reader wants measured beside the rest, already running somewhere. */
import type { Place, Running, Variant } from './variant.ts'

/** Somebody else's proxy, as named on the command line. */
export type Peer = {
  readonly name: string
  readonly url: string
  /** Its process, when its processor time and memory are to be measured too. */
  readonly pid: number | undefined
}

/**
 * Reads `NAME=URL` or `NAME=URL,PID`.
 *
 * @throws {Error} When it is neither, or the URL is not plain http.
 */
export function parsePeer(text: string): Peer {
  const parts = /^(?<name>[^=]+)=(?<url>http:\/\/[^,]+)(?:,(?<pid>\d+))?$/.exec(text)?.groups
  if (parts === undefined) {
    throw new Error(`--peer ${text}: write NAME=http://HOST:PORT/PATH or NAME=http://…,PID`)
  }
  const { name = '', url = '', pid } = parts
  return { name, url, pid: pid === undefined ? undefined : Number(pid) }
}

/** A variant that starts and stops nothing. What a peer refuses is its own business. */
export function peerVariant(peer: Peer): Variant {
  const { hostname, port, pathname } = new URL(peer.url)
  return {
    name: peer.name,
    needs: [],
    refuses: 'nothing',
    start: (_place: Place): Promise<Running> =>
      Promise.resolve({
        target: { host: hostname, port: Number(port || 80), path: pathname },
        pids: peer.pid === undefined ? [] : [peer.pid],
        growing: [],
        log: '',
        stop: () => Promise.resolve(),
      }),
  }
}

/** What the drivers that reach a database over a network have in common. */
import { readFile } from 'node:fs/promises'
import { isIP } from 'node:net'
import type { PeerCertificate } from 'node:tls'
import { checkServerIdentity } from 'node:tls'
import { messageOf } from '../model/message-of.ts'
import type { Secret } from '../model/secret.ts'
import type { UpstreamTls } from '../model/server.ts'

/** Where a database is and how to get in. */
export type RemoteOptions = {
  readonly host: string
  readonly port: number
  readonly user: string | undefined
  readonly password: Secret | undefined
  /** Undefined speaks plain TCP. Certificates are always checked. */
  readonly tls: UpstreamTls | undefined
  /** Epoch milliseconds; the system clock by default. */
  readonly now?: () => number
  /** Default `ANSWER_TIMEOUT_MS`. */
  readonly timeoutMs?: number
  /** Hears when the database is away and back, and what about its settings puts state at risk. */
  readonly notice?: (what: StoreNotice, detail: string) => void
}

/** `store_unsafe`: what was acknowledged may be lost when the database crashes. */
export type StoreNotice = 'store_away' | 'store_back' | 'store_unsafe'

/** Milliseconds for a new connection, TLS and sign-in included. */
export const CONNECT_TIMEOUT_MS = 2_000

/** Attempts of a first connection, about 1.5 s apart in all: the database may be starting too. */
export const FIRST_ATTEMPTS = 6

/** Milliseconds before an attempt: soon after a hiccup, and no storm of connections during an outage. */
export function attemptDelayMs(attempt: number): number {
  return Math.min(50 * 2 ** attempt, 1_000)
}

/** Milliseconds between two notices that the database is away. */
const NOTICE_EVERY_MS = 60_000

/** Says that the database went away, again each minute while it stays away, and that it is back. */
export function createOutageNotices(
  notice: RemoteOptions['notice'],
  now: () => number,
): { away(error: unknown): void; back(): void } {
  let saidAtMs = -Infinity
  return {
    away(error) {
      if (now() - saidAtMs < NOTICE_EVERY_MS) return
      saidAtMs = now()
      notice?.('store_away', reasonOf(error))
    },
    back() {
      if (saidAtMs === -Infinity) return
      saidAtMs = -Infinity
      notice?.('store_back', 'the state store answers again')
    },
  }
}

/** What Node's `tls.connect` needs, with the files as they are now. */
export async function readTls(
  tls: UpstreamTls,
  host: string,
): Promise<{
  readonly ca?: Buffer
  readonly cert?: Buffer
  readonly key?: Buffer
  readonly servername?: string
  readonly checkServerIdentity: (name: string, certificate: PeerCertificate) => Error | undefined
}> {
  const [ca, cert, key] = await Promise.all([read(tls.ca), read(tls.cert), read(tls.key)])
  const name = tls.serverName ?? host
  return {
    // An address may not be asked for by name (RFC 6066 §3).
    ...(isIP(name) === 0 ? { servername: name } : {}),
    // The name configured, whatever a client library makes of it.
    checkServerIdentity: (_, certificate) => checkServerIdentity(name, certificate),
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
  }
}

async function read(file: string | undefined): Promise<Buffer | undefined> {
  return file === undefined ? undefined : await readFile(file)
}

/** The words of an error; those of a failed connection to several addresses are in its parts. */
export function reasonOf(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(reasonOf).join('; ')
  return messageOf(error)
}

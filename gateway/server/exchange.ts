/**
 * As much of a request and its response as a visit uses: what `node:http` makes of them, or the raw front.
 * Listeners are shared functions, told through `this` whose they are.
 */
import type { Socket } from 'node:net'
import type { HttpVisit } from './http-visit.ts'

/** Of `http.IncomingMessage`, what a visit uses. */
export type ExchangeRequest = {
  visit: HttpVisit | undefined
  /** Body bytes that came after the answer. */
  discardedBytes: number
  readonly method?: string | undefined
  readonly httpVersion: string
  readonly url?: string | undefined
  /** Name, value, name, value, as they came. */
  readonly rawHeaders: readonly string[]
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>
  /** Whether all of it has arrived. */
  readonly complete: boolean
  readonly socket: Socket
  on(event: 'data', listener: (this: ExchangeRequest, chunk: Uint8Array) => void): unknown
  on(event: 'end', listener: (this: ExchangeRequest) => void): unknown
  destroy(): unknown
}

/** Of `http.ServerResponse`, what a visit uses. */
export type ExchangeResponse = {
  visit: HttpVisit | undefined
  shouldKeepAlive: boolean
  readonly headersSent: boolean
  readonly writableEnded: boolean
  /** Whether all of it is with the operating system. */
  readonly writableFinished: boolean
  /** Bytes that are not. */
  readonly writableLength: number
  /** Fulfilled when what was ended has been written, where that is not done at once. */
  readonly written?: Promise<void> | undefined
  /** Null while it stands behind another answer on its connection. */
  readonly socket: Socket | null
  writeContinue(): void
  writeHead(status: number, headers: string[]): unknown
  flushHeaders(): void
  write(chunk: string | Uint8Array, onWritten?: () => void): boolean
  end(): unknown
  end(chunk: string | Uint8Array | undefined): unknown
  end(chunk: string, encoding: 'latin1'): unknown
  destroy(): unknown
  /** `drain` when everything written so far is out, `close` once: finished, or broken off. */
  on(event: 'drain' | 'close', listener: (this: ExchangeResponse) => void): unknown
}

import type { Socket } from 'node:net'

import type { Journey } from '../model/journey.ts'
import { Refusal } from '../model/refusal.ts'
import type { McpServer } from '../model/server.ts'
import type { Head } from '../pipeline/admit.ts'
import type { Outgoing, Visit } from '../pipeline/visit.ts'
import type { VisitRequest } from './http-visit.ts'
import { VisitResponse } from './http-visit.ts'

/** A refused client may take the answer this long, in milliseconds, before its connection is cut. */
const REFUSAL_MS = 5_000

/** A request to upgrade, taken from the HTTP parser: what follows on the socket is no HTTP any more. */
export type UpgradeArrival = {
  readonly request: VisitRequest
  readonly socket: Socket
  /** What the client sent behind its request. */
  readonly head: Buffer
}

/** A WebSocket connection as a visit, from its handshake on. Until it is accepted it can be refused. */
export class UpgradeVisit implements Visit {
  readonly journey: Journey
  readonly arrival: UpgradeArrival
  exchange: Visit['exchange']
  head: Head | undefined
  server: McpServer | undefined
  occupies: Visit['occupies']
  readonly #response: VisitResponse

  /** @throws {Error} when an earlier request on the connection is still being answered. */
  constructor(arrival: UpgradeArrival, journey: Journey) {
    this.arrival = arrival
    this.journey = journey
    this.#response = new VisitResponse(arrival.request)
    this.#response.assignSocket(arrival.socket)
  }

  get httpMethod(): string {
    return this.arrival.request.method ?? ''
  }

  get httpVersion(): string {
    return this.arrival.request.httpVersion
  }

  get target(): string {
    return this.arrival.request.url ?? ''
  }

  get rawHeaders(): readonly string[] {
    return this.arrival.request.rawHeaders
  }

  get gone(): boolean {
    return !this.arrival.socket.writable
  }

  body(): Promise<Uint8Array> {
    return Promise.reject(new Refusal('internal', { detail: 'a handshake has no body' }))
  }

  /** Gives the socket up to whoever accepts the handshake: there will be no answer over HTTP. */
  release(): void {
    this.journey.status = 101
    this.#response.detachSocket(this.arrival.socket)
  }

  /** Refuses the handshake with an HTTP answer and closes the connection. */
  async reply({ status, headers, body }: Outgoing): Promise<void> {
    const { socket } = this.arrival
    const bytes = body.kind === 'whole' ? body.bytes : undefined
    const length = bytes === undefined ? 0 : Buffer.byteLength(bytes)
    this.journey.status = status
    this.journey.bytesOut = length
    const late = setTimeout(() => socket.destroy(), REFUSAL_MS)
    socket.once('close', () => clearTimeout(late))
    const response = this.#response
    response.shouldKeepAlive = false
    response.writeHead(status, [...headers, 'content-length', String(length)])
    response.end(bytes, () => socket.end())
    // Whatever else it sends is thrown away; unread it would keep the connection from closing.
    socket.resume()
  }
}

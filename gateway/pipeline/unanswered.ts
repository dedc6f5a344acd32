/**
 * The requests on one WebSocket that are not answered yet: calls of its caller, requests of our own in
 * between them, and what the server asks of the client. Each ends once: answered, late, given up, or with
 * the connection.
 */
import { randomInt } from 'node:crypto'

import type { Ending } from '../model/journey.ts'
import type { Permit } from '../model/permit.ts'
import { Refusal, type RefusalCode } from '../model/refusal.ts'
import { createAsked } from './asked.ts'
import type { Desk } from './desk.ts'
import type { AskServer } from './socket-look-up.ts'
import type { Speech, Speeches } from './socket-speeches.ts'

/** Requests of a server that may wait for the client; people may take minutes over each. */
const MAX_ASKED_OF_CLIENT = 100

/** A request of our own takes no longer, in milliseconds; the call it was for is then refused. */
const OWN_REQUEST_MS = 2_000

/** Ids of our own requests are in here, where clients that count do not come: servers may want a number. */
const OWN_IDS = { from: 2 ** 46, to: 2 ** 47 }

/** A request on its way to the server, since when in monotonic milliseconds. */
type Request = { readonly sinceTick: number } & (
  | { readonly kind: 'call'; readonly permit: Permit; readonly speech: Speech }
  | {
      readonly kind: 'own'
      readonly resolve: (response: Uint8Array) => void
      readonly reject: (error: Refusal) => void
    }
)

/** How a connection ends for the calls that still run; their callers are told the refusal, if any. */
export type SessionEnd = {
  readonly ending: Exclude<Ending, 'complete' | 'refused'>
  readonly refusal: RefusalCode | undefined
}

export type UnansweredOptions = {
  readonly desk: () => Pick<Desk, 'tick'>
  readonly toServer: (message: string) => void
  readonly speeches: Pick<Speeches, 'finish' | 'refuse'>
}

/** Those of one connection; `end` leaves nothing behind. */
export class Unanswered {
  readonly #options: UnansweredOptions
  /** What the server has not answered. */
  readonly ofServer = createAsked<Request>()
  /** What the client has not answered. */
  readonly ofClient = createAsked<Speech>()

  constructor(options: UnansweredOptions) {
    this.#options = options
  }

  /** Sends a request of our own. */
  readonly ask: AskServer = (method, params) =>
    new Promise((resolve, reject) => {
      const id = randomInt(OWN_IDS.from, OWN_IDS.to)
      const sinceTick = this.#options.desk().tick()
      this.ofServer.add(String(id), { kind: 'own', resolve, reject, sinceTick })
      this.#options.toServer(JSON.stringify({ jsonrpc: '2.0', id, method, params }))
    })

  /** The server asks its client. @throws {Refusal} `rate_limited` when there are too many, or this one twice. */
  addOfClient(id: string, speech: Speech): void {
    if (this.ofClient.size >= MAX_ASKED_OF_CLIENT || !this.ofClient.add(id, speech)) {
      throw new Refusal('rate_limited', { detail: 'requests of the server, or one twice' })
    }
  }

  /** What the server asked is over: the client has answered, or the server does not want to know any more. */
  finishOfClient(id: string): void {
    const speech = this.ofClient.take(id)
    if (speech !== undefined) this.#options.speeches.finish(speech)
  }

  /** The caller gave a call up; the server need not answer it, and what it answers is not wanted. */
  cancel(id: string): void {
    const request = this.ofServer.take(id)
    if (request?.kind !== 'call') return
    request.speech.journey.ending = 'client_gone'
    this.#options.speeches.finish(request.speech)
  }

  /** Ends requests that the server did not answer in time; `tick` is now, in monotonic milliseconds. */
  sweep({ tick, callTimeoutMs }: { readonly tick: number; readonly callTimeoutMs: number }): void {
    const late = this.ofServer.takeWhere(({ kind, sinceTick }) => {
      return tick - sinceTick > (kind === 'own' ? OWN_REQUEST_MS : callTimeoutMs)
    })
    const refusal = new Refusal('upstream_timeout')
    for (const request of late) {
      if (request.kind === 'own') request.reject(refusal)
      else this.#options.speeches.refuse(refusal, request.speech, request.permit.call.id)
    }
  }

  /** The connection is over: what still runs is recorded. */
  end({ ending, refusal }: SessionEnd): void {
    const { speeches } = this.#options
    for (const request of this.ofServer.takeWhere(() => true)) {
      if (request.kind === 'own') {
        request.reject(new Refusal('upstream_unavailable', { detail: 'the connection ended' }))
        continue
      }
      const { permit, speech } = request
      speech.journey.ending = ending
      if (refusal === undefined) speeches.finish(speech)
      else speeches.refuse(new Refusal(refusal), speech, permit.call.id)
    }
    for (const speech of this.ofClient.takeWhere(() => true)) {
      speech.journey.ending = ending
      speeches.finish(speech)
    }
  }
}

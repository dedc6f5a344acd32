/**
 * What is said on one WebSocket between a caller and a server, without its sockets. Each message of
 * either side is scanned, judged, recorded and passed on as its original bytes, one after the other; a
 * request is a visit of its own in the records. The connection remembers what was asked, so that only
 * answers to it pass, in both directions.
 */
import { randomInt } from 'node:crypto'

import { ANSWER_BOUNDS } from '../mcp/bounds.ts'
import type { Message } from '../mcp/message.ts'
import { scan } from '../mcp/scan.ts'
import { SUPPORTED_VERSIONS } from '../mcp/versions.ts'
import type { Caller } from '../model/caller.ts'
import type { Ending, Journey } from '../model/journey.ts'
import type { Permit } from '../model/permit.ts'
import { Refusal, type RefusalCode } from '../model/refusal.ts'
import type { McpServer } from '../model/server.ts'
import { createRedactor } from '../upstream/redact.ts'
import { emptyHead, type Head } from './admit.ts'
import { agreedVersion } from './agreed-version.ts'
import { createAsked } from './asked.ts'
import { checkMessage, type Closing } from './check-message.ts'
import { declineText } from './decline.ts'
import type { Desk, JudgeDesk } from './desk.ts'
import { reportEcho } from './filter.ts'
import { readMessage, type Seat } from './frame.ts'
import { judge } from './judge.ts'
import type { LookUpBudget } from './look-up-budget.ts'
import { withOwnTasks } from './open-tasks.ts'
import { noteRefusal, refuseMessage } from './refuse.ts'
import { hearsCompletion } from './link-answer.ts'
import { createPace, type Pace } from './pace.ts'
import { showMessage } from './show-message.ts'
import { sealTasks } from './show-tasks.ts'
import { type AskServer, createSocketLookUp } from './socket-look-up.ts'
import { credentialHeaders } from './swap.ts'
import type { Visit } from './visit.ts'

/** Requests of a server that may wait for the client; people may take minutes over each. */
const MAX_ASKED_OF_CLIENT = 100

/** A request of our own takes no longer, in milliseconds; the call it was for is then refused. */
const OWN_REQUEST_MS = 2_000

/** Ids of our own requests are in here, where clients that count do not come: servers may want a number. */
const OWN_IDS = { from: 2 ** 46, to: 2 ** 47 }

export type SocketSessionOptions = {
  readonly caller: Caller
  /** What is in force now: a reload counts from the next message on. */
  readonly desk: () => Desk
  readonly server: () => McpServer
  /** The record of one message, with the caller and the server in it. */
  readonly newJourney: () => Journey
  readonly budget: LookUpBudget
  readonly toClient: (message: Uint8Array | string) => void
  readonly toServer: (message: Uint8Array | string) => void
}

/** A message as a visit, with what refusing and finishing it need. */
type Speech = Pick<Visit, 'journey' | 'gone' | 'occupies' | 'declared'> & {
  readonly head: Head
  readonly server: McpServer
}

/** A request on its way to the server. */
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

export class SocketSession {
  readonly #options: SocketSessionOptions
  readonly #ofServer = createAsked<Request>()
  readonly #ofClient = createAsked<Speech>()
  readonly #mayAsk: Pace
  #judging: { readonly desk: Desk; readonly own: JudgeDesk } | undefined
  #upTurn: Promise<void> = Promise.resolve()
  #downTurn: Promise<void> = Promise.resolve()
  /** What `initialize` agreed on, and what the client said in it that it can be asked. */
  #version: string | undefined
  #declared: Visit['declared']
  #spokenTick: number
  #closing: Closing | undefined
  #opened = false
  #over = false

  constructor(options: SocketSessionOptions) {
    this.#options = options
    const { tick, emit } = options.desk()
    this.#spokenTick = tick()
    this.#mayAsk = createPace({ server: options.server().name, tick, emit })
  }

  /** Whether a call of the caller runs. */
  get busy(): boolean {
    return this.#ofServer.size > 0
  }

  /** Whether its client can be told that a person is done with a page it was sent to. */
  get hearsCompletion(): boolean {
    return hearsCompletion(this.#version, this.#declared)
  }

  /** When something was last said, in monotonic milliseconds; while a call runs it is never. */
  get silentSinceTick(): number {
    return this.busy ? Infinity : this.#spokenTick
  }

  /** A message of the client. Resolves when it was passed on or refused; never rejects. */
  up(bytes: Uint8Array): Promise<void> {
    this.#upTurn = this.#upTurn.then(() => this.#up(bytes))
    return this.#upTurn
  }

  /** A message of the server. Rejects when it cannot be read: the connection is then worth nothing. */
  down(bytes: Uint8Array): Promise<void> {
    const turn = this.#downTurn.then(() => this.#down(bytes))
    this.#downTurn = turn.catch(() => undefined)
    return turn
  }

  /** Ends requests the server did not answer in time. Call it every second. */
  sweep(tick: number): void {
    const { totalTimeoutMs } = this.#options.server().upstream
    const late = this.#ofServer.takeWhere(({ kind, sinceTick }) => {
      return tick - sinceTick > (kind === 'own' ? OWN_REQUEST_MS : totalTimeoutMs)
    })
    const refusal = new Refusal('upstream_timeout')
    for (const request of late) {
      if (request.kind === 'own') request.reject(refusal)
      else this.#refuse(refusal, request.speech, request.permit.call.id)
    }
  }

  /**
   * From now on new requests are refused, and with `invalid_token` whatever the client says; calls that
   * run go on.
   */
  startClosing(refusal: Closing): void {
    this.#closing = refusal
  }

  /** The connection is over: what still runs is recorded. Nothing is passed on any more. */
  end({ ending, refusal }: SessionEnd): void {
    if (this.#over) return
    for (const request of this.#ofServer.takeWhere(() => true)) {
      if (request.kind === 'own') {
        request.reject(new Refusal('upstream_unavailable', { detail: 'the connection ended' }))
        continue
      }
      const { permit, speech } = request
      speech.journey.ending = ending
      if (refusal === undefined) this.#finish(speech)
      else this.#refuse(new Refusal(refusal), speech, permit.call.id)
    }
    for (const speech of this.#ofClient.takeWhere(() => true)) {
      speech.journey.ending = ending
      this.#finish(speech)
    }
    this.#over = true
    if (this.#opened) this.#emitSession('session_ended')
  }

  async #up(bytes: Uint8Array): Promise<void> {
    if (this.#over) return
    const speech = this.#begin(bytes)
    let message: Message | undefined
    try {
      message = readMessage(bytes)
      await this.#passUp(message, bytes, speech)
    } catch (error) {
      if (this.#over) speech.journey.ending = 'client_gone'
      // Only requests are answered; an error with the id of a request that runs would answer that one.
      const id = message?.kind === 'request' ? message.id?.text : undefined
      const isTaken = id !== undefined && this.#ofServer.has(id)
      const isAnswered = message === undefined || message.kind === 'request'
      if (isAnswered) this.#refuse(error, speech, isTaken ? undefined : id)
      else this.#finish(speech, error)
    }
  }

  async #passUp(message: Message, bytes: Uint8Array, speech: Speech): Promise<void> {
    const [ofServer, ofClient] = [this.#ofServer, this.#ofClient]
    checkMessage(message, { ofServer, ofClient, closing: this.#closing })
    const { caller, toServer } = this.#options
    if (message.kind === 'request') {
      this.#options.desk().inFlight.take(caller, 'call')
      speech.occupies = { caller, occupation: 'call' }
    }
    const permit = await this.#judge(message, speech, 'up')
    if (message.method === 'initialize') this.#declared = speech.declared
    if (this.#over) throw new Refusal('shutting_down', { detail: 'the connection ended' })
    const sent = withOwnTasks(bytes, permit, this.#options.desk())
    speech.journey.attempts = 1
    const sinceTick = this.#options.desk().tick()
    const { id, params } = message
    if (message.kind === 'request') {
      if (id !== undefined) this.#ofServer.add(id.text, { kind: 'call', permit, speech, sinceTick })
      toServer(sent)
      return
    }
    if (message.kind === 'response' && id !== undefined) this.#finishAsked(id.text)
    toServer(sent)
    this.#finish(speech)
    if (message.method === 'notifications/cancelled' && params?.requestId !== undefined) {
      this.#cancel(params.requestId.text)
    }
  }

  async #down(bytes: Uint8Array): Promise<void> {
    if (this.#over) return
    this.#spokenTick = this.#options.desk().tick()
    const server = this.#options.server()
    const report = (): void => reportEcho(server.name, this.#options.desk())
    const clean = createRedactor(credentialHeaders(server)[1], report)?.whole(bytes) ?? bytes
    const read = scan(clean, ANSWER_BOUNDS)
    if (!read.ok) throw new Refusal('upstream_unavailable', { detail: read.problem.message })
    // Each message of a batch goes down as a frame of its own: it may answer different requests.
    for (const message of read.messages) {
      const own = clean.subarray(message.span.start, message.span.end)
      if (message.kind === 'response') await this.#answer(message, own)
      else if (message.kind === 'request') await this.#askClient(message, own)
      else await this.#notifyClient(message, own)
    }
  }

  /** An answer that nobody waits for is not passed on: whose would it be? */
  async #answer(message: Message, bytes: Uint8Array): Promise<void> {
    const request = message.id === undefined ? undefined : this.#ofServer.take(message.id.text)
    if (request === undefined) return
    if (request.kind === 'own') {
      request.resolve(bytes)
      return
    }
    const { permit, speech, sinceTick } = request
    const { id } = permit.call
    speech.journey.spentMs.upstream = this.#options.desk().tick() - sinceTick
    try {
      await this.#judge(message, speech, 'down')
      const showing = { bytes, id, permit, seat: speech, answers: 'this_call' } as const
      const shown = showMessage(showing, this.#options.desk())
      if (!shown.ok) {
        throw new Refusal('upstream_unavailable', { detail: shown.problem.message })
      }
      if (permit.call.method === 'initialize' && message.outcome === 'result') {
        this.#agree(agreedVersion(bytes))
      }
      speech.journey.bytesOut = shown.bytes.length
      this.#options.toClient(shown.bytes)
      this.#finish(speech)
    } catch (error) {
      this.#refuse(error, speech, id)
    }
  }

  /** A request of the server to the client, such as for sampling; the server is told when it may not. */
  async #askClient(message: Message, bytes: Uint8Array): Promise<void> {
    const id = message.id?.text ?? 'null'
    if (!this.#mayAsk()) return this.#options.toServer(declineText(id, 'rate_limited'))
    const speech = this.#begin(new Uint8Array())
    try {
      await this.#judge(message, speech, 'down')
      if (this.#ofClient.size >= MAX_ASKED_OF_CLIENT || !this.#ofClient.add(id, speech)) {
        throw new Refusal('rate_limited', { detail: 'requests of the server, or one twice' })
      }
      const shown = this.#withTasks(message, bytes, speech)
      speech.journey.bytesOut = shown.length
      this.#options.toClient(shown)
    } catch (error) {
      this.#options.toServer(declineText(id, 'policy_denied'))
      speech.journey.ending = 'refused'
      this.#finish(speech, error)
    }
  }

  async #notifyClient(message: Message, bytes: Uint8Array): Promise<void> {
    // Notifications of a server take no place in the records; this one is thrown away.
    const journey = this.#options.newJourney()
    const speech = { journey, head: this.#head(), server: this.#options.server() }
    try {
      await this.#judge(message, speech, 'down')
    } catch (error) {
      if (error instanceof Refusal) return
      throw error
    }
    const cancelled = message.params?.requestId
    if (message.method === 'notifications/cancelled' && cancelled !== undefined) {
      this.#finishAsked(cancelled.text)
    }
    this.#options.toClient(this.#withTasks(message, bytes, speech))
  }

  #withTasks(message: Message, own: Uint8Array, seat: Seat): Uint8Array {
    const permit = { caller: this.#options.caller, server: seat.server }
    return sealTasks(own, message, { permit, seat, desk: this.#options.desk() })
  }

  async #judge(
    message: Message,
    seat: Pick<Speech, 'journey' | 'head' | 'server' | 'declared'>,
    direction: 'up' | 'down',
  ): Promise<Permit> {
    const desk = this.#deskToJudge()
    const from = desk.tick()
    try {
      const content = { kind: 'message', message } as const
      return await judge({ seat, direction, content }, this.#options.caller, desk)
    } finally {
      seat.journey.spentMs.judge += desk.tick() - from
    }
  }

  /** The desk, with look-ups on this connection instead of over HTTP. */
  #deskToJudge(): JudgeDesk {
    const desk = this.#options.desk()
    if (this.#judging?.desk !== desk) {
      const { catalogue, pins, tick } = desk
      const { caller, server, budget } = this.#options
      const spend = (): void => budget.spend(caller, server().name)
      const lookUp = createSocketLookUp({ ask: this.#ask, catalogue, pins, spend, tick })
      this.#judging = { desk, own: { ...desk, lookUp } }
    }
    return this.#judging.own
  }

  readonly #ask: AskServer = (method, params) =>
    new Promise((resolve, reject) => {
      const id = randomInt(OWN_IDS.from, OWN_IDS.to)
      const sinceTick = this.#options.desk().tick()
      this.#ofServer.add(String(id), { kind: 'own', resolve, reject, sinceTick })
      this.#options.toServer(JSON.stringify({ jsonrpc: '2.0', id, method, params }))
    })

  #begin(bytes: Uint8Array): Speech {
    const journey = this.#options.newJourney()
    journey.bytesIn = bytes.length
    this.#spokenTick = this.#options.desk().tick()
    const [server, declared] = [this.#options.server(), this.#declared]
    return { journey, gone: false, occupies: undefined, declared, head: this.#head(), server }
  }

  /** Stands for the headers that HTTP would carry on each request of the session. */
  #head(): Head {
    return { ...emptyHead(), protocolVersion: this.#version }
  }

  #agree(version: string | undefined): void {
    if (!this.#opened) this.#emitSession('session_opened')
    this.#opened = true
    if (version !== undefined && SUPPORTED_VERSIONS.includes(version)) this.#version = version
  }

  /** The caller gave a call up; the server need not answer it, and what it answers is not wanted. */
  #cancel(id: string): void {
    const request = this.#ofServer.take(id)
    if (request?.kind !== 'call') return
    request.speech.journey.ending = 'client_gone'
    this.#finish(request.speech)
  }

  #finishAsked(id: string): void {
    const speech = this.#ofClient.take(id)
    if (speech !== undefined) this.#finish(speech)
  }

  #refuse(error: unknown, speech: Speech, id: string | undefined): void {
    const noted = noteRefusal(error, speech)
    const { code, extra } = noted
    const refusal = id === undefined ? noted : new Refusal(code, { ...extra, id })
    const text = refuseMessage(refusal, speech, this.#options.desk())
    speech.journey.bytesOut = Buffer.byteLength(text)
    this.#options.toClient(text)
    this.#finish(speech)
  }

  #finish(speech: Speech, error?: unknown): void {
    if (error !== undefined) {
      noteRefusal(error, speech)
      if (speech.journey.ending === 'complete') speech.journey.ending = 'refused'
    }
    this.#options.desk().finish(speech)
  }

  #emitSession(type: 'session_opened' | 'session_ended'): void {
    const { caller, desk, server } = this.#options
    desk().emit({ type, server: server().name, callerKind: caller.kind })
  }
}

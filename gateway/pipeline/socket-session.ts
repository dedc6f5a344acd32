/**
 * What is said on one WebSocket between a caller and a server, without its sockets. Each message of
 * either side is scanned, judged, recorded and passed on as its original bytes, one after the other; a
 * request is a visit of its own in the records. The connection remembers what was asked, so that only
 * answers to it pass, in both directions.
 */
import { ANSWER_BOUNDS } from '../mcp/bounds.ts'
import type { Message } from '../mcp/message.ts'
import { scan } from '../mcp/scan.ts'
import { Refusal } from '../model/refusal.ts'
import { createRedactor } from '../upstream/redact.ts'
import { agreedVersion } from './agreed-version.ts'
import { checkMessage, type Closing } from './check-message.ts'
import { declineText } from './decline.ts'
import { reportEcho } from './filter.ts'
import { readMessage, type Seat } from './frame.ts'
import { withOwnTasks } from './open-tasks.ts'
import { createPace, type Pace } from './pace.ts'
import { showMessage } from './show-message.ts'
import { sealTasks } from './show-tasks.ts'
import { type Speech, Speeches, type SpeechesOptions } from './socket-speeches.ts'
import { credentialHeaders } from './swap.ts'
import { type SessionEnd, Unanswered } from './unanswered.ts'

export type SocketSessionOptions = SpeechesOptions & {
  readonly toServer: (message: Uint8Array | string) => void
}

/** `server/` makes one for each connection, hands it what either side says, and tells it when it is over. */
export class SocketSession {
  readonly #options: SocketSessionOptions
  readonly #speeches: Speeches
  readonly #unanswered: Unanswered
  readonly #mayAsk: Pace
  #upTurn: Promise<void> = Promise.resolve()
  #downTurn: Promise<void> = Promise.resolve()
  #spokenTick: number
  #closing: Closing | undefined
  #opened = false
  #over = false

  constructor(options: SocketSessionOptions) {
    this.#options = options
    const { desk, toServer } = options
    const speeches = new Speeches(options, (method, params) => this.#unanswered.ask(method, params))
    this.#speeches = speeches
    this.#unanswered = new Unanswered({ desk, toServer, speeches })
    const { tick, emit } = desk()
    this.#spokenTick = tick()
    this.#mayAsk = createPace({ server: options.server().name, tick, emit })
  }

  /** Whether a call of the caller runs. */
  get busy(): boolean {
    return this.#unanswered.ofServer.size > 0
  }

  /** Whether its client can be told that a person is done with a page it was sent to. */
  get hearsCompletion(): boolean {
    return this.#speeches.hearsCompletion
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
    this.#unanswered.sweep({ tick, callTimeoutMs: totalTimeoutMs })
  }

  /**
   * From now on new requests are refused, and with `invalid_token` whatever the client says; calls that
   * run go on.
   */
  startClosing(refusal: Closing): void {
    this.#closing = refusal
  }

  /** The connection is over: what still runs is recorded. Nothing is passed on any more. */
  end(how: SessionEnd): void {
    if (this.#over) return
    this.#unanswered.end(how)
    this.#over = true
    if (this.#opened) this.#emitSession('session_ended')
  }

  async #up(bytes: Uint8Array): Promise<void> {
    if (this.#over) return
    this.#spokenTick = this.#options.desk().tick()
    const speech = this.#speeches.begin(bytes.length)
    let message: Message | undefined
    try {
      message = readMessage(bytes)
      await this.#passUp(message, bytes, speech)
    } catch (error) {
      if (this.#over) speech.journey.ending = 'client_gone'
      // Only requests are answered; an error with the id of a request that runs would answer that one.
      const id = message?.kind === 'request' ? message.id?.text : undefined
      const isTaken = id !== undefined && this.#unanswered.ofServer.has(id)
      const isAnswered = message === undefined || message.kind === 'request'
      if (isAnswered) this.#speeches.refuse(error, speech, isTaken ? undefined : id)
      else this.#speeches.finish(speech, error)
    }
  }

  async #passUp(message: Message, bytes: Uint8Array, speech: Speech): Promise<void> {
    const { ofServer, ofClient } = this.#unanswered
    checkMessage(message, { ofServer, ofClient, closing: this.#closing })
    const { caller, toServer } = this.#options
    if (message.kind === 'request') {
      this.#options.desk().inFlight.take(caller, 'call')
      speech.occupies = { caller, occupation: 'call' }
    }
    const permit = await this.#speeches.judge(message, speech, 'up')
    if (message.method === 'initialize') this.#speeches.declare(speech)
    if (this.#over) throw new Refusal('shutting_down', { detail: 'the connection ended' })
    const sent = withOwnTasks(bytes, permit, this.#options.desk())
    speech.journey.attempts = 1
    const sinceTick = this.#options.desk().tick()
    const { id, params } = message
    if (message.kind === 'request') {
      if (id !== undefined) ofServer.add(id.text, { kind: 'call', permit, speech, sinceTick })
      toServer(sent)
      return
    }
    if (message.kind === 'response' && id !== undefined) this.#unanswered.finishOfClient(id.text)
    toServer(sent)
    this.#speeches.finish(speech)
    if (message.method === 'notifications/cancelled' && params?.requestId !== undefined) {
      this.#unanswered.cancel(params.requestId.text)
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
    const request =
      message.id === undefined ? undefined : this.#unanswered.ofServer.take(message.id.text)
    if (request === undefined) return
    if (request.kind === 'own') {
      request.resolve(bytes)
      return
    }
    const { permit, speech, sinceTick } = request
    const { id } = permit.call
    speech.journey.spentMs.upstream = this.#options.desk().tick() - sinceTick
    try {
      await this.#speeches.judge(message, speech, 'down')
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
      this.#speeches.finish(speech)
    } catch (error) {
      this.#speeches.refuse(error, speech, id)
    }
  }

  /** A request of the server to the client, such as for sampling; the server is told when it may not. */
  async #askClient(message: Message, bytes: Uint8Array): Promise<void> {
    const id = message.id?.text ?? 'null'
    if (!this.#mayAsk()) return this.#options.toServer(declineText(id, 'rate_limited'))
    const speech = this.#speeches.begin(0)
    try {
      await this.#speeches.judge(message, speech, 'down')
      this.#unanswered.addOfClient(id, speech)
      const shown = this.#withTasks(message, bytes, speech)
      speech.journey.bytesOut = shown.length
      this.#options.toClient(shown)
    } catch (error) {
      this.#options.toServer(declineText(id, 'policy_denied'))
      speech.journey.ending = 'refused'
      this.#speeches.finish(speech, error)
    }
  }

  async #notifyClient(message: Message, bytes: Uint8Array): Promise<void> {
    // Notifications of a server take no place in the records; this one is thrown away.
    const speech = this.#speeches.begin(0)
    try {
      await this.#speeches.judge(message, speech, 'down')
    } catch (error) {
      if (error instanceof Refusal) return
      throw error
    }
    const cancelled = message.params?.requestId
    if (message.method === 'notifications/cancelled' && cancelled !== undefined) {
      this.#unanswered.finishOfClient(cancelled.text)
    }
    this.#options.toClient(this.#withTasks(message, bytes, speech))
  }

  #withTasks(message: Message, own: Uint8Array, seat: Seat): Uint8Array {
    const permit = { caller: this.#options.caller, server: seat.server }
    return sealTasks(own, message, { permit, seat, desk: this.#options.desk() })
  }

  #agree(version: string | undefined): void {
    if (!this.#opened) this.#emitSession('session_opened')
    this.#opened = true
    this.#speeches.agree(version)
  }

  #emitSession(type: 'session_opened' | 'session_ended'): void {
    const { caller, desk, server } = this.#options
    desk().emit({ type, server: server().name, callerKind: caller.kind })
  }
}

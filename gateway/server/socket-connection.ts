/** Two WebSockets and the session between them: back-pressure, endings, and looking after both. */
import type { Caller } from '../model/caller.ts'
import type { RefusalCode } from '../model/refusal.ts'
import { Refusal } from '../model/refusal.ts'
import type { Closing as SessionClosing } from '../pipeline/check-message.ts'
import { type Renewal, renewalAnswer, renewalIn } from '../pipeline/renewal.ts'
import type { SessionEnd, SocketSession } from '../pipeline/socket-session.ts'
import type { Wire } from '../websocket/wire.ts'
import { CLOSE } from '../websocket/wire.ts'
import { changeOf, completionOf, type Hearer } from './hearers.ts'
import { News } from './news.ts'
import type { UpgradeVisit } from './upgrade-visit.ts'

/** Messages of one side that may wait to be judged before it is told to wait. */
const MAX_WAITING = 16

/** Their bytes; the last one may go beyond it. */
const MAX_WAITING_BYTES = 1_048_576

/** Whether the caller may go on: as it is, or why not. */
export type Standing = 'welcome' | 'expired' | 'revoked' | 'moved'

export type SocketConnectionOptions = {
  readonly visit: UpgradeVisit
  readonly client: Wire
  readonly server: Wire
  readonly session: SocketSession
  readonly caller: Caller
  /** Shows a ticket for a fresh credential of its caller; rejects when it does not count. */
  readonly renew: (ticket: string) => Promise<void>
  /** Asked before each message of the client, and every second. */
  readonly standing: () => Standing
  /** Silence after which the connection is closed, in milliseconds. */
  readonly idleTimeoutMs: number
  /** Called once when nothing more will be said; the sockets may still be closing. */
  readonly onEnd: () => void
  /** Called once when the client's socket is closed. */
  readonly onClosed: () => void
}

type Closing = {
  readonly code: number
  readonly reason: string
  readonly ending: SessionEnd['ending'] | 'complete'
  /** What callers whose calls still run are told. */
  readonly refusal?: RefusalCode
}

const GOODBYE = {
  expired: { code: CLOSE.expired, reason: 'the token has expired', ending: 'revoked' },
  revoked: { code: CLOSE.revoked, reason: 'access was withdrawn', ending: 'revoked' },
  moved: {
    code: CLOSE.restart,
    reason: 'the server is configured anew',
    ending: 'shutdown',
    refusal: 'upstream_unavailable',
  },
  idle: { code: CLOSE.goingAway, reason: 'idle', ending: 'complete' },
  shutdown: {
    code: CLOSE.goingAway,
    reason: 'shutting down',
    ending: 'shutdown',
    refusal: 'shutting_down',
  },
  broken: {
    code: CLOSE.internalError,
    reason: 'the server broke off',
    ending: 'upstream_failed',
    refusal: 'upstream_unavailable',
  },
} as const satisfies Record<string, Closing>

/** What one side has sent that is not passed on yet. */
type Waiting = { messages: number; bytes: number }

export class SocketConnection {
  readonly #options: SocketConnectionOptions
  readonly #fromClient: Waiting = { messages: 0, bytes: 0 }
  readonly #fromServer: Waiting = { messages: 0, bytes: 0 }
  /** Messages of our own to the client. */
  readonly #news = new News()
  /** How it ends once no call runs any more. */
  #leaving: Closing | undefined
  #over = false

  constructor(options: SocketConnectionOptions) {
    this.#options = options
    const { client, server } = options
    client.listen({
      onText: (bytes) => this.#onClientText(bytes),
      onDrain: () => this.#balance(),
      onClose: (code) => this.#onClientClose(code),
    })
    server.listen({
      onText: (bytes) => this.#onServerText(bytes),
      onDrain: () => this.#balance(),
      onClose: (code) => this.#onServerClose(code),
    })
  }

  /**
   * Whatever must not wait for a message. Call it every second.
   *
   * @param tick Monotonic milliseconds.
   */
  look(tick: number): void {
    const { client, server, session, idleTimeoutMs } = this.#options
    client.look(tick)
    server.look(tick)
    if (!this.#mayGoOn()) return
    session.sweep(tick)
    this.#tell(tick)
    this.#leaveIfIdle()
    if (tick - session.silentSinceTick > idleTimeoutMs) this.#end(GOODBYE.idle)
  }

  /** Undefined until the server has said something, which it does to agree on a version; and at the end. */
  get hearer(): Hearer | undefined {
    const { caller, session, visit } = this.#options
    const { server, address, bytesOut } = visit.journey
    if (this.#over || server === undefined || bytesOut === 0) return undefined
    const say = (message: string): void => {
      this.#news.add(message)
      this.#tell(performance.now())
    }
    const complete = session.hearsCompletion ? (id: string) => say(completionOf(id)) : undefined
    return { caller, server, address, tell: (list) => say(changeOf(list)), complete }
  }

  #tell(tick: number): void {
    for (const message of this.#news.take(tick)) this.#options.client.send(message)
  }

  /** Ends once no call runs any more. */
  drain(): void {
    this.#endWhenIdle(GOODBYE.shutdown, 'shutting_down')
  }

  /** Ends now; what does not close by itself is cut soon after, as every wire is. */
  cut(): void {
    this.#end(GOODBYE.shutdown)
  }

  #onClientText(bytes: Buffer): void {
    if (!this.#mayGoOn()) return
    const { session, visit } = this.#options
    visit.journey.bytesIn += bytes.length
    const renewal = renewalIn(bytes)
    const passed = renewal === undefined ? session.up(bytes) : this.#renew(renewal)
    void this.#pass(this.#fromClient, bytes, passed)
  }

  async #renew(renewal: Renewal): Promise<void> {
    const { client, renew } = this.#options
    let error: unknown
    try {
      // What has ended ends, even while its last calls run.
      if (this.#leaving !== undefined) throw new Refusal('invalid_token')
      await renew(renewal.ticket)
    } catch (thrown) {
      error = thrown
    }
    if (!this.#over) client.send(renewalAnswer(renewal, error))
  }

  #onServerText(bytes: Buffer): void {
    if (this.#over) return
    const { session, visit } = this.#options
    visit.journey.bytesOut += bytes.length
    this.#pass(this.#fromServer, bytes, session.down(bytes)).catch((error: unknown) => {
      visit.journey.detail = detailOf(error)
      this.#end(GOODBYE.broken)
    })
  }

  async #pass(waiting: Waiting, bytes: Uint8Array, passed: Promise<void>): Promise<void> {
    waiting.messages += 1
    waiting.bytes += bytes.length
    this.#balance()
    try {
      await passed
    } finally {
      waiting.messages -= 1
      waiting.bytes -= bytes.length
      this.#balance()
      this.#leaveIfIdle()
    }
  }

  /** Lets each side speak while there is room for what it says and for the answers to it. */
  #balance(): void {
    const { client, server } = this.#options
    // Refusals and replies of our own go back to whoever spoke, so both must have room.
    const full = client.full || server.full
    letSpeak(client, !full && hasRoom(this.#fromClient))
    letSpeak(server, !full && hasRoom(this.#fromServer))
  }

  /** Looks at the standing of the caller; false when the connection is over. */
  #mayGoOn(): boolean {
    if (this.#over) return false
    const standing = this.#options.standing()
    // A running call is not cut by the end of a token.
    if (standing === 'expired') this.#endWhenIdle(GOODBYE.expired, 'invalid_token')
    else if (standing !== 'welcome') this.#end(GOODBYE[standing])
    return !this.#over
  }

  #endWhenIdle(goodbye: Closing, refusal: SessionClosing): void {
    this.#leaving ??= goodbye
    this.#options.session.startClosing(refusal)
    this.#leaveIfIdle()
  }

  #leaveIfIdle(): void {
    if (this.#leaving !== undefined && !this.#options.session.busy) this.#end(this.#leaving)
  }

  #onClientClose(code: number): void {
    const left = code === CLOSE.normal || code === CLOSE.goingAway || code === NO_CODE
    this.#end({ code, reason: '', ending: left ? 'complete' : 'client_gone' })
    this.#options.onClosed()
  }

  #onServerClose(code: number): void {
    if (code === CLOSE.normal && !this.#options.session.busy) {
      this.#end({ code, reason: 'the server has ended it', ending: 'complete' })
    } else {
      this.#options.visit.journey.detail ??= `the server closed with ${code}`
      this.#end(GOODBYE.broken)
    }
  }

  #end({ code, reason, ending, refusal }: Closing): void {
    if (this.#over) return
    this.#over = true
    const { visit, client, server, session, onEnd } = this.#options
    visit.journey.ending = ending
    // A call that still runs did not complete, whatever the connection did.
    session.end({ ending: ending === 'complete' ? 'client_gone' : ending, refusal })
    client.close(code, reason)
    server.close(CLOSE.normal, '')
    onEnd()
  }
}

/** What a closing without a code is reported as (RFC 6455 §7.1.5). */
const NO_CODE = 1005

function hasRoom({ messages, bytes }: Waiting): boolean {
  return messages < MAX_WAITING && bytes < MAX_WAITING_BYTES
}

function letSpeak(wire: Wire, may: boolean): void {
  if (may) wire.resume()
  else wire.pause()
}

function detailOf(error: unknown): string {
  if (error instanceof Refusal) return error.extra.detail ?? error.message
  return error instanceof Error ? `${error.name}: ${error.message}` : 'thrown value'
}

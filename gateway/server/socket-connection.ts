/** Two WebSockets and the session between them: messages, endings, and looking after both. */
import type { Caller } from '../model/caller.ts'
import { Refusal } from '../model/refusal.ts'
import type { Closing } from '../pipeline/check-message.ts'
import { type Renewal, renewalAnswer, renewalIn } from '../pipeline/renewal.ts'
import type { SocketSession } from '../pipeline/socket-session.ts'
import { CLOSE, type Wire } from '../websocket/wire.ts'
import { type BackPressure, createBackPressure, type Side } from './back-pressure.ts'
import { GOODBYE, type Goodbye } from './goodbye.ts'
import { changeOf, completionOf, type Hearer } from './hearers.ts'
import { News } from './news.ts'
import type { Standing } from './standing.ts'
import type { UpgradeVisit } from './upgrade-visit.ts'

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

/** Listens to both wires from the beginning, and ends both when one does. */
export class SocketConnection {
  readonly #options: SocketConnectionOptions
  readonly #pressure: BackPressure
  /** Messages of our own to the client. */
  readonly #news = new News()
  /** How it ends once no call runs any more. */
  #leaving: Goodbye | undefined
  #over = false

  constructor(options: SocketConnectionOptions) {
    this.#options = options
    const { client, server } = options
    const pressure = createBackPressure({ client, server })
    this.#pressure = pressure
    client.listen({
      onText: (bytes) => this.#onClientText(bytes),
      onDrain: () => pressure.balance(),
      onClose: (code) => this.#onClientClose(code),
    })
    server.listen({
      onText: (bytes) => this.#onServerText(bytes),
      onDrain: () => pressure.balance(),
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
    void this.#pass('client', bytes, passed)
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
    this.#pass('server', bytes, session.down(bytes)).catch((error: unknown) => {
      visit.journey.detail = detailOf(error)
      this.#end(GOODBYE.broken)
    })
  }

  async #pass(from: Side, { length }: Uint8Array, passed: Promise<void>): Promise<void> {
    this.#pressure.came(from, length)
    try {
      await passed
    } finally {
      this.#pressure.passed(from, length)
      this.#leaveIfIdle()
    }
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

  #endWhenIdle(goodbye: Goodbye, refusal: Closing): void {
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

  #end({ code, reason, ending, refusal }: Goodbye): void {
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

function detailOf(error: unknown): string {
  if (error instanceof Refusal) return error.extra.detail ?? error.message
  return error instanceof Error ? `${error.name}: ${error.message}` : 'thrown value'
}

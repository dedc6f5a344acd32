/**
 * One open WebSocket (RFC 6455) of text frames, whichever side opened it. It knows nothing of what the
 * frames say: it bounds them, holds them back, finds out when nobody is there any more, and closes.
 */
import type { RawData } from 'ws'
import { WebSocket } from 'ws'

/** Bytes waiting for the other side above which it counts as full. */
export const FULL_BYTES = 1_048_576

/** A side that takes nothing of what waits for it is cut off after this many milliseconds (R-RESP-7). */
export const STALL_MS = 30_000

/** Silence is broken with a ping this often, in milliseconds: below the usual 30 to 60 s of proxies. */
export const PING_EVERY_MS = 25_000

/** A side that gave no sign of life for this long, two pings included, is gone; in milliseconds. */
export const DEAD_AFTER_MS = 60_000

/** What a closing handshake may take before the connection is cut, in milliseconds. */
export const CLOSE_MS = 2_000

/** Pieces of one message; more would be a way to make us work for little (threats: WebSocket). */
export const MAX_FRAGMENTS = 64

/** Why a connection is closed: registered codes (RFC 6455 §7.4.1), and two of our own for tokens. */
export const CLOSE = {
  normal: 1000,
  goingAway: 1001,
  unsupportedData: 1003,
  internalError: 1011,
  restart: 1012,
  expired: 4401,
  revoked: 4403,
} as const

export type WireListener = {
  /** A whole text message, valid UTF-8. */
  onText(bytes: Buffer): void
  /** What waited has been taken: it is full no more. */
  onDrain(): void
  /** Once, whoever closed it; 1006 when it broke. */
  onClose(code: number, reason: string): void
}

export class Wire {
  readonly #socket: WebSocket
  readonly #tick: () => number
  #listener: WireListener | undefined
  #heardTick: number
  #pingTick: number
  /** When something of what waits was last taken, or began to wait. */
  #progressTick: number
  #paused = true
  #closing = false

  /** @param tick Monotonic milliseconds. Nothing is read before `listen`. */
  constructor(socket: WebSocket, tick: () => number) {
    this.#socket = socket
    this.#tick = tick
    this.#heardTick = this.#pingTick = this.#progressTick = tick()
    // What went wrong comes with the close that follows.
    socket.on('error', () => undefined)
    socket.on('ping', () => this.#heard())
    socket.on('pong', () => this.#heard())
    socket.on('message', (data, isBinary) => this.#onMessage(data, isBinary))
    socket.on('close', (code, reason) => this.#listener?.onClose(code, reason.toString()))
    socket.pause()
  }

  /** Whether more waits for the other side than should. */
  get full(): boolean {
    return this.#socket.bufferedAmount > FULL_BYTES
  }

  listen(listener: WireListener): void {
    this.#listener = listener
    this.resume()
  }

  /** Sends a text message; nothing once it is closing. The bytes must be UTF-8. */
  send(text: string | Uint8Array): void {
    if (this.#closing || this.#socket.readyState !== WebSocket.OPEN) return
    if (this.#socket.bufferedAmount === 0) this.#progressTick = this.#tick()
    this.#socket.send(text, { binary: false }, () => this.#onTaken())
  }

  /** Stops reading; what is read already may still come. */
  pause(): void {
    if (this.#paused) return
    this.#paused = true
    this.#socket.pause()
  }

  resume(): void {
    if (!this.#paused) return
    this.#paused = false
    this.#heard()
    this.#socket.resume()
  }

  /**
   * Pings a silent side, and cuts one that is dead or takes nothing. Call it every second.
   *
   * @param tick Monotonic milliseconds.
   */
  look(tick: number): void {
    const stalled = this.#socket.bufferedAmount > 0 && tick - this.#progressTick > STALL_MS
    // While we do not read, nothing can be heard.
    const dead = !this.#paused && tick - this.#heardTick > DEAD_AFTER_MS
    if (stalled || dead) {
      this.cut()
    } else if (!this.#closing && tick - this.#pingTick >= PING_EVERY_MS) {
      this.#pingTick = tick
      this.#socket.ping()
    }
  }

  /** Says goodbye. Nothing is sent or handed on any more, and after `CLOSE_MS` the connection is cut. */
  close(code: number, reason: string): void {
    if (this.#closing) return
    this.#closing = true
    this.#socket.close(code, reason)
    // The other side's goodbye has to be read.
    this.resume()
  }

  /** Breaks the connection at once. */
  cut(): void {
    this.#closing = true
    this.#socket.terminate()
  }

  #onMessage(data: RawData, isBinary: boolean): void {
    this.#heard()
    if (this.#closing) return
    if (isBinary || !Buffer.isBuffer(data)) {
      this.close(CLOSE.unsupportedData, 'text frames only')
      return
    }
    this.#listener?.onText(data)
  }

  #onTaken(): void {
    this.#progressTick = this.#tick()
    if (!this.full) this.#listener?.onDrain()
  }

  #heard(): void {
    this.#heardTick = this.#tick()
  }
}

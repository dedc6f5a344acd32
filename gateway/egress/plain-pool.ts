/**
 * Connections without TLS to one server, for calls: so many at most, and whatever finds none free waits for
 * its turn. One call after the other on each: one slow call would hold up whatever is queued behind it, and
 * a POST may not be sent twice.
 */
import { PlainConnection, type Ask } from './plain-connection.ts'
import { failure, NEVER_SENT, type Dispatch, type Handler } from './dispatch.ts'
import { createLateWrites } from './late-writes.ts'
import { requestHead } from './request-head.ts'

/**
 * A free connection is used again within so many milliseconds, or within what the server says less a second:
 * a call that crosses the server's close is lost.
 */
const KEPT_MS = 4_000
const CROSSING_MS = 1_000

export type PlainPoolOptions = {
  readonly origin: string
  readonly maxConnections: number
  readonly connectTimeoutMs: number
  /** Monotonic milliseconds. */
  readonly tick: () => number
}

export class PlainPool {
  readonly #options: PlainPoolOptions
  readonly #origin: URL
  readonly #all = new Set<PlainConnection>()
  /** The one that was used last is used first: what is not needed any more grows old. */
  readonly #free: PlainConnection[] = []
  readonly #waiting: Ask[] = []
  readonly #writeLate = createLateWrites()
  #connecting = 0
  /** Set when it is closed: settled when the last connection is. */
  #emptied: PromiseWithResolvers<void> | undefined

  constructor(options: PlainPoolOptions) {
    this.#options = options
    this.#origin = new URL(options.origin)
  }

  /** @throws {TypeError} When the request cannot be sent as HTTP, or the pool is closed. */
  call(dispatch: Dispatch, handler: Handler): void {
    if (this.#emptied !== undefined) throw new TypeError('the pool is closed')
    const { method, body } = dispatch
    const ask = { method, head: requestHead(dispatch, this.#origin.host), body, handler }
    const connection = this.#takeFree()
    if (connection === undefined) {
      this.#waiting.push(ask)
      this.#connectMore()
    } else if (!connection.ask(ask)) this.#free.push(connection)
  }

  /** Closes what has been free for too long. Called every second. */
  sweep(): void {
    const now = this.#options.tick()
    const fresh = this.#free.findIndex(({ freeUntilTick }) => freeUntilTick > now)
    const stale = this.#free.splice(0, fresh === -1 ? this.#free.length : fresh)
    for (const connection of stale) connection.destroy()
  }

  /** Takes no more calls; resolves when those it has are over. */
  async close(): Promise<void> {
    this.#emptied ??= Promise.withResolvers()
    for (const connection of this.#free.splice(0)) connection.destroy()
    if (this.#all.size > 0) await this.#emptied.promise
  }

  /** Ends everything now. */
  async destroy(): Promise<void> {
    const error = failure('CLOSED', 'the pool is closed')
    for (const { handler } of this.#waiting.splice(0)) handler.onResponseError(NEVER_SENT, error)
    for (const connection of this.#all) connection.destroy(error)
    await this.close()
  }

  #takeFree(): PlainConnection | undefined {
    const now = this.#options.tick()
    for (;;) {
      const connection = this.#free.pop()
      if (connection === undefined) return undefined
      if (connection.isOpen && connection.freeUntilTick > now) return connection
      connection.destroy()
    }
  }

  #connectMore(): void {
    const { maxConnections, connectTimeoutMs } = this.#options
    while (this.#connecting < this.#waiting.length && this.#all.size < maxConnections) {
      this.#connecting += 1
      const connection: PlainConnection = new PlainConnection({
        origin: this.#origin,
        connectTimeoutMs,
        writeLate: this.#writeLate,
        onConnected: this.#onConnected,
        onFree: this.#onFree,
        onClosed: this.#onClosed,
      })
      this.#all.add(connection)
    }
  }

  readonly #onConnected = (connection: PlainConnection): void => {
    this.#connecting -= 1
    this.#onFree(connection, undefined)
  }

  readonly #onFree = (connection: PlainConnection, keptMs: number = Infinity): void => {
    const freeMs = Math.min(KEPT_MS, keptMs - CROSSING_MS)
    if (freeMs <= 0) {
      connection.destroy()
      return
    }
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift())
      if (connection.ask(next)) return
    if (this.#emptied !== undefined) {
      connection.destroy()
      return
    }
    connection.freeUntilTick = this.#options.tick() + freeMs
    this.#free.push(connection)
  }

  readonly #onClosed = (connection: PlainConnection, error: Error | undefined): void => {
    this.#all.delete(connection)
    const at = this.#free.indexOf(connection)
    if (at !== -1) this.#free.splice(at, 1)
    if (!connection.wasConnected) {
      this.#connecting -= 1
      // Whoever waits longest is told why.
      this.#waiting
        .shift()
        ?.handler.onResponseError(NEVER_SENT, error ?? failure('NOT_CONNECTED', 'not connected'))
    }
    this.#connectMore()
    if (this.#all.size === 0) this.#emptied?.resolve()
  }
}

import { Pieces } from '../model/pieces.ts'
import type { Sink, Source } from './answer.ts'

/** What is held of a stream that is looked into before it is passed on, in bytes. */
export const MAX_PEEKED_BYTES = 1_048_576

/**
 * The beginning of a stream, read ahead of whoever it is for, who then gets all of it in its order. The
 * server waits as soon as enough is known.
 */
export class Peeked implements Source, Sink {
  /** Resolves once enough is known, the stream has ended or broken off, or too much came. */
  readonly known: Promise<void>
  readonly #inner: Source
  readonly #isEnough: (chunk: Uint8Array) => boolean
  readonly #pieces = new Pieces()
  #bytes = 0
  #resolve: (() => void) | undefined
  #sink: Sink | undefined
  #ended = false
  #broken: { readonly error: unknown } | undefined

  /** @param isEnough Told every chunk once, in order; not again once it has said so. */
  constructor(inner: Source, isEnough: (chunk: Uint8Array) => boolean) {
    this.#inner = inner
    this.#isEnough = isEnough
    this.known = new Promise((resolve) => (this.#resolve = resolve))
    inner.pipe(this)
  }

  /** All that has come so far; nothing once it is passed on. */
  get heard(): Uint8Array {
    const whole = this.#pieces.takeWhole()
    this.#pieces.add(whole)
    return whole
  }

  write(chunk: Uint8Array): boolean {
    if (this.#sink !== undefined) return this.#sink.write(chunk)
    this.#pieces.add(chunk)
    this.#bytes += chunk.length
    if (this.#resolve === undefined) return false
    if (this.#bytes < MAX_PEEKED_BYTES && !this.#isEnough(chunk)) return true
    this.#know()
    return false
  }

  end(): void {
    this.#ended = true
    this.#know()
    this.#sink?.end()
  }

  fail(error: unknown): void {
    this.#broken = { error }
    this.#know()
    this.#sink?.fail(error)
  }

  pipe(sink: Sink): void {
    let ready = true
    for (const piece of this.#pieces.take()) ready = sink.write(piece)
    this.#sink = sink
    if (this.#broken !== undefined) sink.fail(this.#broken.error)
    else if (this.#ended) sink.end()
    else if (ready) this.#inner.resume()
  }

  pause(): void {
    this.#inner.pause()
  }

  resume(): void {
    this.#inner.resume()
  }

  abort(reason: unknown): void {
    this.#inner.abort(reason)
  }

  #know(): void {
    this.#resolve?.()
    this.#resolve = undefined
  }
}

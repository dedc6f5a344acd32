import type { Era } from '../model/call.ts'
import type { ResponseWatch } from '../mcp/response-watch.ts'
import { watchResponse } from '../mcp/response-watch.ts'
import { Pieces } from '../model/pieces.ts'
import { Refusal } from '../model/refusal.ts'
import type { Sink, Source } from '../upstream/answer.ts'

/**
 * How much is held back of an answer that has not said what it is, in bytes. A server that says it last,
 * and later than here, says that it is complete, or its answer is cut.
 */
const MAX_UNTOLD_BYTES = 65_536

/** Largest `input_required` result and error, in bytes: they are held whole. Samples may hold images. */
const MAX_SHOWN_BYTES = 1_048_576

export type Watching = {
  /** Of the caller's request, as its bytes read. */
  readonly id: string
  readonly era: Era
  /**
   * What the client is shown of an `input_required` result or an error; asked for once, with all of it.
   * @throws {Refusal} (rejects with) for one that cannot be shown.
   */
  readonly show: (bytes: Uint8Array) => Promise<Uint8Array>
}

/**
 * A JSON answer that flows: it goes on unchanged as long as it is one response to the caller's request,
 * and breaks off before its end when it is anything else, so that no client acts on it. One that asks
 * the client for more, and an error, do not flow: they are shown as a whole.
 */
export class WatchedAnswer implements Source, Sink {
  readonly #inner: Source
  readonly #watch: ResponseWatch
  readonly #show: Watching['show']
  #outer: Sink | undefined
  /** Undefined once the answer flows. */
  #held: Pieces | undefined = new Pieces()
  #heldBytes = 0

  constructor(inner: Source, { id, era, show }: Watching) {
    this.#inner = inner
    this.#watch = watchResponse(id, era)
    this.#show = show
  }

  pipe(sink: Sink): void {
    this.#outer = sink
    this.#inner.pipe(this)
  }

  pause(): void {
    this.#inner.pause()
  }

  resume(): void {
    this.#inner.resume()
  }

  abort(reason: unknown): void {
    // A result that is being judged may come after this: it has nowhere to go.
    this.fail(reason)
    this.#inner.abort(reason)
  }

  write(chunk: Uint8Array): boolean {
    if (this.#outer === undefined) return true
    const problem = this.#watch.push(chunk)
    if (problem !== undefined) return this.#breakOff(problem)
    if (this.#held !== undefined) return this.#hold(this.#held, chunk)
    return this.#isShown()
      ? this.#breakOff('An answer says too late what it is')
      : this.#outer.write(chunk)
  }

  end(): void {
    const problem = this.#watch.end()
    if (problem !== undefined) this.#breakOff(problem)
    else if (this.#held === undefined) this.#outer?.end()
    else if (this.#isShown()) void this.#showWhole(this.#held)
    else {
      this.#release(this.#held)
      this.#outer?.end()
    }
  }

  fail(error: unknown): void {
    const outer = this.#outer
    this.#outer = undefined
    this.#held = undefined
    outer?.fail(error)
  }

  #hold(held: Pieces, chunk: Uint8Array): boolean {
    held.add(chunk)
    this.#heldBytes += chunk.length
    switch (this.#watch.says) {
      case 'input_required':
      case 'error':
        return this.#heldBytes <= MAX_SHOWN_BYTES || this.#breakOff('An answer is too large')
      case 'nothing':
        return this.#heldBytes <= MAX_UNTOLD_BYTES || this.#release(held)
      case 'other':
        return this.#release(held)
    }
  }

  #release(held: Pieces): boolean {
    this.#held = undefined
    let ready = true
    for (const piece of held.take()) ready = this.#outer?.write(piece) ?? true
    return ready
  }

  /** Whether it is what goes on only once it has been looked at. */
  #isShown(): boolean {
    return this.#watch.says === 'input_required' || this.#watch.says === 'error'
  }

  async #showWhole(held: Pieces): Promise<void> {
    this.#held = undefined
    try {
      const shown = await this.#show(held.takeWhole())
      this.#outer?.write(shown)
      this.#outer?.end()
    } catch (error) {
      this.fail(error)
    }
  }

  #breakOff(problem: string): true {
    const refusal = new Refusal('upstream_unavailable', { detail: problem })
    this.fail(refusal)
    this.#inner.abort(refusal)
    return true
  }
}

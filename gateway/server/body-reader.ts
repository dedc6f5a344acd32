import { Pieces } from '../model/pieces.ts'
import { Refusal } from '../model/refusal.ts'

/** Collects a request body up to a bound. */
export class BodyReader {
  /** Rejects with `too_large` as soon as it is known, or `body_broken_off`. */
  readonly whole: Promise<Uint8Array>
  readonly #maxBytes: number
  readonly #pieces = new Pieces()
  #bytes = 0
  #resolve!: (bytes: Uint8Array) => void
  #reject!: (error: unknown) => void

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
    this.whole = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
  }

  take(chunk: Uint8Array): void {
    this.#bytes += chunk.length
    if (this.#bytes <= this.#maxBytes) this.#pieces.add(chunk)
    else this.#reject(new Refusal('too_large'))
  }

  end(): void {
    this.#resolve(this.#pieces.takeWhole())
  }

  fail(): void {
    this.#reject(brokenOff())
  }
}

/** The client left before its body was whole. */
export function brokenOff(): Refusal {
  return new Refusal('body_broken_off')
}

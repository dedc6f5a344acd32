/**
 * What still has to be written to a client, handed over in slices: a socket says that it has taken a
 * write only once all of it is gone, so a reader that is slow but steady would look like one that takes
 * nothing while a large piece is under way.
 */

import { Queue } from '../model/queue.ts'

/** A reader has taken something whenever this many bytes are through. */
export const SLICE_BYTES = 65_536

/** Where slices go; false when the next one has to wait until this one is through. */
export type Writes = { write(slice: Uint8Array): boolean }

export class Outbox {
  readonly #out: Writes
  readonly #chunks = new Queue<Uint8Array>()
  /** Bytes of the first chunk that are written. */
  #written = 0
  #blocked = false

  constructor(out: Writes) {
    this.#out = out
  }

  /** Whether everything has been written, though the last slice may not be through. */
  get empty(): boolean {
    return this.#chunks.size === 0
  }

  /** Returns false when the reader is behind: what was pushed waits, and so should the next. */
  push(chunk: Uint8Array): boolean {
    this.#chunks.add(chunk)
    return this.#blocked ? false : this.resume()
  }

  /** The last slice is through. Returns whether everything is written and more is welcome. */
  resume(): boolean {
    this.#blocked = false
    for (let chunk = this.#chunks.first; chunk !== undefined; chunk = this.#chunks.first) {
      const slice = chunk.subarray(this.#written, this.#written + SLICE_BYTES)
      this.#written += slice.length
      if (this.#written === chunk.length) {
        this.#chunks.take()
        this.#written = 0
      }
      if (this.#out.write(slice)) continue
      this.#blocked = true
      return false
    }
    return true
  }
}

/**
 * Takes a body in chunks apart (RFC 9112 §7.1), as it comes. Extensions and trailers, which nobody asks for, are
 * refused: what they would mean is not known here.
 */
import { failure } from './dispatch.ts'

/** Of a size line, with its end: eight digits are more than any answer may have. */
const MAX_LINE_BYTES = 10

const SIZE_LINE = /^[0-9a-fA-F]{1,8}$/

const LF = 0x0a

export class ChunkedReader {
  #state: 'size' | 'data' | 'after' | 'last' | 'done' = 'size'
  /** Bytes of the chunk that are still to come. */
  #left = 0
  /** The beginning of a line. */
  #held: Buffer | undefined

  /**
   * Reads what came, and hands on the bytes of the body in it: together, since whoever has them has work with each
   * piece, and the server chooses how small its chunks are.
   *
   * @param came Moved together in place.
   * @returns The position after the body, -1 while it has not ended.
   * @throws {Error} When the chunks are malformed: where the body ends is unknown then.
   */
  read(came: Buffer, take: (piece: Buffer) => void): number {
    const bytes = this.#held === undefined ? came : Buffer.concat([this.#held, came])
    const heldBytes = bytes.length - came.length
    this.#held = undefined
    let at = 0
    let bodyStart = 0
    let bodyEnd = 0
    while (at < bytes.length && this.#state !== 'done') {
      if (this.#state === 'data') {
        const end = Math.min(bytes.length, at + this.#left)
        if (bodyEnd === 0) bodyStart = bodyEnd = at
        else bytes.copyWithin(bodyEnd, at, end)
        bodyEnd += end - at
        this.#left -= end - at
        at = end
        if (this.#left === 0) this.#state = 'after'
        continue
      }
      const end = bytes.subarray(at, at + MAX_LINE_BYTES).indexOf(LF)
      if (end === -1) {
        if (bytes.length - at >= MAX_LINE_BYTES) throw malformed('a line is too long')
        this.#held = bytes.subarray(at)
        break
      }
      this.#readLine(bytes.toString('latin1', at, at + end + 1))
      at += end + 1
    }
    if (bodyEnd > bodyStart) take(bytes.subarray(bodyStart, bodyEnd))
    return this.#state === 'done' ? at - heldBytes : -1
  }

  #readLine(ended: string): void {
    const line = ended.slice(0, -2)
    if (ended !== `${line}\r\n`) throw malformed('a line ends otherwise')
    if (this.#state === 'size') {
      if (!SIZE_LINE.test(line)) throw malformed('a size is not one')
      this.#left = Number.parseInt(line, 16)
      this.#state = this.#left === 0 ? 'last' : 'data'
    } else {
      if (line !== '') throw malformed('something follows a chunk')
      this.#state = this.#state === 'last' ? 'done' : 'size'
    }
  }
}

function malformed(what: string): Error {
  return failure('MALFORMED_CHUNKS', `malformed chunks: ${what}`)
}

/**
 * Finds where an HTTP/1.1 answer ends, and nothing more: the status, the length of its body, the end
 * by Content-Length or by the last chunk. One reader serves one connection with one request at a
 * time. It allocates nothing as long as a head arrives in one piece.
 */

const CR = 13
const LF = 10
const COLON = 58
const HEAD_END = Buffer.from('\r\n\r\n')
const LAST_CHUNK = Buffer.from('0\r\n\r\n')

/** A head longer than this is taken for a broken answer. */
const MAX_HEAD_BYTES = 32_768

/** Reads the answers of one connection, one at a time. */
export class AnswerReader {
  /** Status of the answer being read, or of the last one. */
  status = 0
  /** Content-Length of that answer; -1 when it is chunked. */
  contentLength = -1
  /** True when the other side said it closes the connection after this answer. */
  closes = false

  #inBody = false
  #bytesLeft = 0
  #head: Buffer | undefined
  readonly #tail = Buffer.alloc(LAST_CHUNK.length)

  /**
   * Takes `length` bytes from the front of `chunk`; returns whether the answer is complete.
   *
   * @throws {Error} When the bytes are no HTTP/1.1 answer, have no length, or go on after its end.
   */
  push(chunk: Buffer, length: number): boolean {
    if (this.#inBody) return this.#readBody(chunk, 0, length)
    let bytes = chunk
    let end = length
    if (this.#head !== undefined) {
      bytes = Buffer.concat([this.#head, chunk.subarray(0, length)])
      end = bytes.length
    }
    const headEnd = bytes.indexOf(HEAD_END)
    if (headEnd === -1 || headEnd + HEAD_END.length > end) {
      if (end > MAX_HEAD_BYTES) throw new Error(`answer head exceeds ${MAX_HEAD_BYTES} bytes`)
      this.#head = Buffer.from(bytes.subarray(0, end))
      return false
    }
    this.#head = undefined
    this.#readHead(bytes, headEnd)
    this.#inBody = true
    return this.#readBody(bytes, headEnd + HEAD_END.length, end)
  }

  #readHead(bytes: Buffer, headEnd: number): void {
    // "HTTP/1.1 200": three digits from offset 9.
    this.status = digit(bytes, 9) * 100 + digit(bytes, 10) * 10 + digit(bytes, 11)
    this.contentLength = -1
    this.closes = false
    let chunked = false
    let line = bytes.indexOf(LF) + 1
    while (line > 0 && line < headEnd) {
      // Names are told apart by first letter and length: enough for answers of known programs.
      const first = (bytes[line] ?? 0) | 32
      if (first === 99 && bytes[line + 14] === COLON) this.contentLength = number(bytes, line + 15)
      else if (first === 116 && bytes[line + 17] === COLON) chunked = true
      else if (first === 99 && bytes[line + 10] === COLON) {
        this.closes = ((bytes[line + 12] ?? 0) | 32) === 99
      }
      line = bytes.indexOf(LF, line) + 1
    }
    if (this.contentLength === -1 && !chunked) throw new Error('answer has no length')
    this.#bytesLeft = this.contentLength
    this.#tail.fill(0)
  }

  #readBody(bytes: Buffer, start: number, end: number): boolean {
    if (this.contentLength === -1) this.#inBody = !this.#sawLastChunk(bytes, start, end)
    else {
      this.#bytesLeft -= end - start
      if (this.#bytesLeft < 0) throw new Error('bytes after the end of the answer')
      this.#inBody = this.#bytesLeft > 0
    }
    return !this.#inBody
  }

  /** Whether the bytes read so far end with the last chunk. Holds for bodies without a bare CRLF. */
  #sawLastChunk(bytes: Buffer, start: number, end: number): boolean {
    const tail = this.#tail
    const fresh = Math.min(end - start, tail.length)
    tail.copyWithin(0, fresh)
    bytes.copy(tail, tail.length - fresh, end - fresh, end)
    return tail.equals(LAST_CHUNK)
  }
}

function digit(bytes: Buffer, at: number): number {
  return (bytes[at] ?? 0) - 48
}

function number(bytes: Buffer, start: number): number {
  let value = 0
  for (let at = start; bytes[at] !== CR; at++) {
    const one = digit(bytes, at)
    if (one >= 0 && one <= 9) value = value * 10 + one
  }
  return value
}

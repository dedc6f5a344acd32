/**
 * Takes a server's own credential out of its answers: a server that echoes request headers must not
 * hand its secret to the caller. Matches the exact bytes, also across chunk borders.
 */
import type { Sink, Source } from './answer.ts'

const REPLACEMENT = Buffer.from('[redacted]')

/** Shorter values would turn up by chance and are no secrets. */
const MIN_SECRET_BYTES = 8

export type Redactor = {
  /** Whether the secret stands in a text. */
  isIn(text: string): boolean
  /** The bytes without the secret; the same object when it is not in there. */
  whole(bytes: Uint8Array): Uint8Array
  source(inner: Source): Source
}

/**
 * A redactor for the secret in this header value. Undefined when there is nothing to hide: no value, or
 * one of fewer than 8 bytes.
 */
export function createRedactor(value: string | undefined, onHit: () => void): Redactor | undefined {
  if (value === undefined) return undefined
  const text = secretIn(value)
  const secret = Buffer.from(text)
  if (secret.length < MIN_SECRET_BYTES) return undefined
  return {
    isIn: (other) => {
      const found = other.includes(text)
      if (found) onHit()
      return found
    },
    whole: (bytes) => replaceAll(bytes, secret, onHit),
    source: (inner) => new RedactedSource(inner, secret, onHit),
  }
}

/**
 * The secret part of a header value: its last word, so that it is found with and without the scheme
 * before it (`Bearer x`); the whole value where that word is too short to be looked for alone.
 */
function secretIn(value: string): string {
  const word = value.slice(value.lastIndexOf(' ') + 1)
  return Buffer.byteLength(word) < MIN_SECRET_BYTES ? value : word
}

function replaceAll(bytes: Uint8Array, secret: Buffer, onHit: () => void): Uint8Array {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  let at = view.indexOf(secret)
  if (at === -1) return bytes
  const parts: Uint8Array[] = []
  let from = 0
  while (at !== -1) {
    onHit()
    parts.push(view.subarray(from, at), REPLACEMENT)
    from = at + secret.length
    at = view.indexOf(secret, from)
  }
  parts.push(view.subarray(from))
  return Buffer.concat(parts)
}

/** Holds back what could be the beginning of the secret until the next chunk settles it. */
class RedactedSource implements Source, Sink {
  readonly #inner: Source
  readonly #secret: Buffer
  readonly #onHit: () => void
  #outer: Sink | undefined
  #held: Uint8Array = new Uint8Array()

  constructor(inner: Source, secret: Buffer, onHit: () => void) {
    this.#inner = inner
    this.#secret = secret
    this.#onHit = onHit
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
    this.#inner.abort(reason)
  }

  write(chunk: Uint8Array): boolean {
    const joined = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk])
    const clean = replaceAll(joined, this.#secret, this.#onHit)
    const keep = this.#tail(clean)
    this.#held = clean.subarray(clean.length - keep)
    const ready = clean.subarray(0, clean.length - keep)
    return ready.length === 0 || (this.#outer?.write(ready) ?? false)
  }

  end(): void {
    if (this.#held.length > 0) this.#outer?.write(this.#held)
    this.#outer?.end()
  }

  fail(error: unknown): void {
    this.#outer?.fail(error)
  }

  /** How many bytes at the end could begin the secret. */
  #tail(bytes: Uint8Array): number {
    const most = Math.min(bytes.length, this.#secret.length - 1)
    for (let length = most; length > 0; length--) {
      const start = bytes.subarray(bytes.length - length)
      if (this.#secret.subarray(0, length).equals(start)) return length
    }
    return 0
  }
}

import { inspect } from 'node:util'

const REDACTED = '[redacted]'

/**
 * A value that may be used but never shown: string conversion, JSON and `util.inspect` all give
 * `[redacted]`, so no log line, record or error text can leak it by accident. `reveal` is the only
 * way to the value; search for it to see every place a secret is used.
 */
export class Secret {
  readonly #value: string

  constructor(value: string) {
    this.#value = value
  }

  /** The value itself. Call it where the secret leaves for its one destination, nowhere else. */
  reveal(): string {
    return this.#value
  }

  toString(): string {
    return REDACTED
  }

  toJSON(): string {
    return REDACTED
  }

  [inspect.custom](): string {
    return REDACTED
  }
}

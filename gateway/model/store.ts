/** A stored value and the version a compare-and-set names. */
export type Stored = { readonly value: string; readonly version: number }

export type PutOptions = {
  /** Life in milliseconds from now; without it the value stays until deleted. */
  readonly ttlMs?: number
}

/**
 * The one asynchronous port through which anything is kept. Keys are `area/part/part`; values are
 * text. Every driver passes `state/contract.ts`. Expired entries are never returned.
 */
export type Store = {
  get(key: string): Promise<Stored | undefined>
  /** Writes whatever is there. */
  put(key: string, value: string, options?: PutOptions): Promise<void>
  /**
   * Writes only when the stored version equals `expected` (0: the key must be absent or expired).
   * Returns whether it wrote.
   */
  cas(key: string, expected: number, value: string, options?: PutOptions): Promise<boolean>
  /** Returns the value and removes it, for exactly one of any number of concurrent consumers. */
  consume(key: string): Promise<string | undefined>
  delete(key: string): Promise<boolean>
  /** Takes or renews a lease; false while another holder has it. */
  lease(key: string, holder: string, ttlMs: number): Promise<boolean>
  release(key: string, holder: string): Promise<void>
  /** Adds to a counter that starts at 0 and ends `ttlMs` after its first increment; returns the new value. */
  count(key: string, by: number, ttlMs: number): Promise<number>
  /** Live entries whose key starts with `prefix`, in key order, after `after`; at most `limit` (1..1000, default 100). */
  list(
    prefix: string,
    options?: { readonly after?: string; readonly limit?: number },
  ): Promise<readonly { readonly key: string; readonly value: string; readonly version: number }[]>
  /** Tells subscribers of this process, and of others where the driver can; a hint, never the only path. */
  publish(topic: string, message: string): Promise<void>
  subscribe(topic: string, listener: (message: string) => void): () => void
  close(): Promise<void>
}

/** What callers at servers have seen of pinned definitions, as far as this process remembers. */
import type { Audience } from './pin.ts'

/** Callers at servers whose sight is remembered; the oldest is read from the store again. */
const MAX_AUDIENCES = 10_000

/** What is remembered of one caller at one server. */
export type Remembered = {
  readonly server: string
  readonly audience: string
  /** Undefined for one who never looked. */
  row: Audience | undefined
  /** Whether the store was asked for its row. */
  loaded: boolean
  /** Pages it has seen since `epoch`. */
  pages: WeakSet<object>
  epoch: number
}

/** A definition that was taken for the first of its tool, and is not: another process had seen another one. */
export type Demoted = {
  readonly server: string
  readonly tool: string
  readonly hash: string
  /** When this process first saw it, in epoch milliseconds. */
  readonly sinceMs: number
}

export class PinAudiences {
  readonly #remembered = new Map<string, Remembered>()

  /** What is remembered of a caller, begun with nothing. */
  of(server: string, audience: string): Remembered {
    const key = JSON.stringify([server, audience])
    let seen = this.#remembered.get(key)
    if (seen !== undefined) return seen
    seen = { server, audience, row: undefined, loaded: false, pages: new WeakSet(), epoch: -1 }
    this.#remembered.set(key, seen)
    const [oldest] = this.#remembered.keys()
    if (this.#remembered.size > MAX_AUDIENCES && oldest !== undefined) {
      this.#remembered.delete(oldest)
    }
    return seen
  }

  /**
   * Notes in the rows of those who were shown a definition as the one for everybody that it was not. Without that it
   * would be a change for them when they see it again. Returns the rows, to be written.
   */
  demote({ server, tool, hash, sinceMs }: Demoted): readonly (readonly [string, Audience])[] {
    const rows: (readonly [string, Audience])[] = []
    for (const seen of this.#remembered.values()) {
      const { row, audience } = seen
      if (seen.server !== server || row === undefined) continue
      if (row.atMs < sinceMs || row.saw.has(tool)) continue
      seen.row = { ...row, saw: new Map(row.saw).set(tool, hash) }
      rows.push([audience, seen.row])
    }
    return rows
  }
}

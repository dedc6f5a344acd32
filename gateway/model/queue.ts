/** Taken ones are let go of when there are so many, or half of all are. */
const MAX_TAKEN = 1_024

/**
 * First in, first out, at the same cost however many wait: an array that holds more than some 16,000 moves all of
 * them at each `shift`.
 */
export class Queue<Item extends object> {
  #items: (Item | undefined)[] = []
  /** Those before it are taken. */
  #next = 0

  get size(): number {
    return this.#items.length - this.#next
  }

  /** The one that is taken next. */
  get first(): Item | undefined {
    return this.#items[this.#next]
  }

  add(item: Item): void {
    this.#items.push(item)
  }

  /** Undefined when there is none. */
  take(): Item | undefined {
    const item = this.first
    if (item === undefined) return undefined
    this.#items[this.#next] = undefined
    this.#next += 1
    if (this.#next === this.#items.length) this.clear()
    else if (this.#next >= MAX_TAKEN && this.#next * 2 >= this.#items.length) {
      this.#items.splice(0, this.#next)
      this.#next = 0
    }
    return item
  }

  clear(): void {
    this.#items = []
    this.#next = 0
  }
}

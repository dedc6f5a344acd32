/**
 * Bytes that arrive in pieces and are held until they are whole. Whoever sends them chooses how small the pieces are,
 * and each that is kept by itself takes 150 to 350 bytes more than it has.
 */

/** Pieces below this many bytes are copied together. */
const SMALL_BYTES = 1_024

/** Room for small pieces, made whenever there is none left, in bytes. */
const ROOM_BYTES = 16_384

const EMPTY = new Uint8Array()

export class Pieces {
  /** As it came; mostly it is the only one. */
  #first: Uint8Array | undefined
  #others: Others | undefined

  /** It must not be changed any more. */
  add(piece: Uint8Array): void {
    if (this.#first === undefined) this.#first = piece
    else (this.#others ??= new Others()).add(piece)
  }

  /** All of them in order, which are then no longer held; small ones are joined. */
  take(): readonly Uint8Array[] {
    const pieces = this.#first === undefined ? [] : [this.#first, ...(this.#others?.list ?? [])]
    this.clear()
    return pieces
  }

  /** As `take`, in one piece: the same as came where it was only one. */
  takeWhole(): Uint8Array {
    const only = this.#others === undefined ? (this.#first ?? EMPTY) : undefined
    const whole = only ?? Buffer.concat(this.take())
    this.clear()
    return whole
  }

  clear(): void {
    this.#first = undefined
    this.#others = undefined
  }
}

class Others {
  readonly list: Uint8Array[] = []
  #room = EMPTY
  /** Where in the room the last of the list begins, unless it came as it is, and where it ends. */
  #start: number | undefined
  #end = 0

  add(piece: Uint8Array): void {
    if (piece.length >= SMALL_BYTES) {
      this.list.push(piece)
      this.#start = undefined
      return
    }
    if (this.#end + piece.length > this.#room.length) {
      this.#room = new Uint8Array(ROOM_BYTES)
      this.#start = undefined
      this.#end = 0
    }
    this.#room.set(piece, this.#end)
    if (this.#start === undefined) this.#start = this.#end
    else this.list.pop()
    this.#end += piece.length
    this.list.push(this.#room.subarray(this.#start, this.#end))
  }
}

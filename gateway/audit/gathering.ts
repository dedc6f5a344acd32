/**
 * Lines on their way into one batch. Each is encoded as it comes, so that no text of a call outlives
 * the call and young collections stay short; the buffers of written batches are used again.
 */

/** Lines that are written, hashed and counted together; bytes before `offset` are written. */
export type Batch = {
  /** The lines, each with its newline. */
  readonly bytes: Uint8Array
  readonly lines: number
  /** Epoch milliseconds of the first line. */
  readonly sinceMs: number
  offset: number
}

export type Gathering = {
  /** Takes a line (without newline). */
  add(line: string, nowMs: number): void
  /** What was gathered since the last call; undefined when that is nothing. */
  take(): Batch | undefined
  /** The bytes of this batch are no longer needed. */
  release(batch: Batch): void
  /** Bytes gathered now. */
  readonly bytes: number
  /** Epoch milliseconds of the first line gathered now. */
  readonly sinceMs: number
}

/** A batch is full at this many bytes: large enough that writing it costs little per line. */
export const BATCH_BYTES = 256 * 1024

/** Room of a buffer beyond a full batch, in bytes: most lines fit into it, longer ones make it grow. */
const SPARE_BYTES = 16 * 1024

/** Most bytes a UTF-16 unit becomes in UTF-8. */
const BYTES_PER_UNIT = 3

const NEWLINE = 0x0a

export function createGathering(): Gathering {
  let buffer: Buffer = Buffer.allocUnsafeSlow(BATCH_BYTES + SPARE_BYTES)
  let spare: Buffer | undefined
  let used = 0
  let lines = 0
  let sinceMs = 0

  const makeRoom = (bytes: number): void => {
    if (used + bytes <= buffer.length) return
    const larger = Buffer.allocUnsafeSlow(used + bytes)
    buffer.copy(larger, 0, 0, used)
    buffer = larger
  }

  return {
    add(line, nowMs) {
      makeRoom(line.length * BYTES_PER_UNIT + 1)
      if (lines === 0) sinceMs = nowMs
      used += buffer.write(line, used)
      buffer[used] = NEWLINE
      used += 1
      lines += 1
    },
    take() {
      if (lines === 0) return undefined
      const batch = { bytes: buffer.subarray(0, used), lines, sinceMs, offset: 0 }
      buffer = spare ?? Buffer.allocUnsafeSlow(BATCH_BYTES + SPARE_BYTES)
      spare = undefined
      used = 0
      lines = 0
      return batch
    },
    release({ bytes }) {
      const memory = Buffer.from(bytes.buffer)
      if (memory.length === BATCH_BYTES + SPARE_BYTES) spare = memory
    },
    get bytes() {
      return used
    },
    get sinceMs() {
      return sinceMs
    },
  }
}

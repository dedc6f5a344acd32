import type { Output } from '../audit/output.ts'

/** An audit sink in memory that can be made to fail, to stall and to take a few bytes at a time. */
export type MemoryOutput = Output & {
  /** Text of each file since the start; `open` begins a new one. */
  files(): readonly string[]
  /** Complete lines of all files, in order. */
  lines(): readonly string[]
  /** How often it was synced. */
  syncs: number
  /** What the next writes say instead of writing. */
  writeError: Error | undefined
  syncError: Error | undefined
  openError: Error | undefined
  /** Bytes one write takes at most. */
  takes: number
  /** Bytes after which it is full (`ENOSPC`). */
  room: number
  /** Writes and syncs wait for these. */
  writing: Promise<void> | undefined
  syncing: Promise<void> | undefined
  /** Writes going on at the same time, the most there ever were. */
  mostAtOnce: number
}

export function createMemoryOutput(): MemoryOutput {
  let files: Buffer[][] = [[]]
  let atOnce = 0
  const text = (): readonly string[] => files.map((parts) => Buffer.concat(parts).toString())
  const output: MemoryOutput = {
    syncs: 0,
    writeError: undefined,
    syncError: undefined,
    openError: undefined,
    takes: Number.POSITIVE_INFINITY,
    room: Number.POSITIVE_INFINITY,
    writing: undefined,
    syncing: undefined,
    mostAtOnce: 0,
    files: text,
    lines: () =>
      text()
        .flatMap((file) => file.split('\n').slice(0, -1))
        .filter((line) => line !== ''),
    async open() {
      if (output.openError !== undefined) throw output.openError
      files = [...files, []]
    },
    async write(bytes, offset) {
      atOnce += 1
      output.mostAtOnce = Math.max(output.mostAtOnce, atOnce)
      try {
        await output.writing
        if (output.writeError !== undefined) throw output.writeError
        if (output.room <= 0) throw new Error('ENOSPC: no space left on device')
        const count = Math.min(output.takes, output.room, bytes.byteLength - offset)
        files.at(-1)?.push(Buffer.from(bytes.subarray(offset, offset + count)))
        output.room -= count
        return count
      } finally {
        atOnce -= 1
      }
    },
    async sync() {
      await output.syncing
      if (output.syncError !== undefined) throw output.syncError
      output.syncs += 1
    },
    close: () => Promise.resolve(),
  }
  return output
}

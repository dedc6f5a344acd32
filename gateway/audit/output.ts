import { fsync, write as writeFd } from 'node:fs'
import { open, type FileHandle } from 'node:fs/promises'
import { setTimeout as pause } from 'node:timers/promises'
import { promisify } from 'node:util'

/** Where records go. One call at a time; every call may reject, and may be made again then. */
export type Output = {
  /** Opens it, or opens it anew and lets go of the old one; on failure the old one stays in use. */
  open(): Promise<void>
  /** Takes bytes from `offset` on and resolves to how many; that may be fewer than there are. */
  write(bytes: Uint8Array, offset: number): Promise<number>
  /** Resolves once everything written is on disk. */
  sync(): Promise<void>
  close(): Promise<void>
}

const NEWLINE = 0x0a
const STDOUT = 1

/** Records name people: only the gateway's own user reads them unless the operator says otherwise. */
const FILE_MODE = 0o600

/** Wait before a full pipe is tried again, in milliseconds; some writers make stdout non-blocking. */
const FULL_PIPE_PAUSE_MS = 10

/** How long a full pipe is waited for before the write counts as failed, in milliseconds. */
const FULL_PIPE_GIVE_UP_MS = 1_000

export function createOutput(sink: string): Output {
  return sink === 'stdout' ? createStdoutOutput() : createFileOutput(sink)
}

/**
 * A file that is only ever appended to. A file that ends within a line (the machine or the disk gave
 * out) gets a newline first, so that the half line stays the only one.
 */
export function createFileOutput(path: string): Output {
  let handle: FileHandle | undefined
  const reopen = async (): Promise<FileHandle> => {
    const fresh = await openAtLineStart(path)
    const old = handle
    handle = fresh
    await old?.close()
    return fresh
  }
  return {
    async open() {
      await reopen()
    },
    async write(bytes, offset) {
      const file = handle ?? (await reopen())
      const { bytesWritten } = await file.write(bytes, offset, bytes.byteLength - offset, null)
      return bytesWritten
    },
    async sync() {
      await handle?.datasync().catch(ignoreUnsyncable)
    },
    async close() {
      const old = handle
      handle = undefined
      await old?.close()
    },
  }
}

/** Standard output, written off the event loop: `process.stdout` would block it on a full pipe. */
function createStdoutOutput(): Output {
  const writeSome = promisify(writeFd)
  return {
    open: () => Promise.resolve(),
    async write(bytes, offset) {
      for (let waitedMs = 0; ; waitedMs += FULL_PIPE_PAUSE_MS) {
        try {
          const { bytesWritten } = await writeSome(STDOUT, bytes, offset)
          return bytesWritten
        } catch (error) {
          if (codeOf(error) !== 'EAGAIN' || waitedMs >= FULL_PIPE_GIVE_UP_MS) throw error
          await pause(FULL_PIPE_PAUSE_MS)
        }
      }
    },
    async sync() {
      await promisify(fsync)(STDOUT).catch(ignoreUnsyncable)
    },
    close: () => Promise.resolve(),
  }
}

async function openAtLineStart(path: string): Promise<FileHandle> {
  const file = await open(path, 'a+', FILE_MODE)
  try {
    const stat = await file.stat()
    if (stat.isFile() && stat.size > 0) {
      const { buffer } = await file.read(Buffer.alloc(1), 0, 1, stat.size - 1)
      if (buffer[0] !== NEWLINE) await file.write('\n')
    }
    return file
  } catch (error) {
    await file.close()
    throw error
  }
}

/** Pipes, terminals and sockets have no disk to sync to: EINVAL, ENOTSUP or EROFS by kind. */
function ignoreUnsyncable(error: unknown): void {
  if (!['EINVAL', 'ENOTSUP', 'EROFS'].includes(codeOf(error))) throw error
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : ''
}

/** Files of lines, read as they stream by: an audit log may be larger than memory. */
import { createReadStream } from 'node:fs'
import { pipeline, type Readable } from 'node:stream'
import { createGunzip } from 'node:zlib'
import { messageOf } from '../model/message-of.ts'
import type { Io } from './io.ts'

/** Longest line, in characters; what has no newline for longer is not an audit log. */
const MAX_LINE_CHARS = 64 * 1024 * 1024

/**
 * Calls `take` for every line of these files, one file after the other, as `readLines` does. False when one
 * cannot be read, which is said on `io`; those after it are not begun.
 */
export async function readLogs(
  files: readonly string[],
  take: (line: string, place: string) => void,
  io: Pick<Io, 'err'>,
): Promise<boolean> {
  for (const file of files) {
    try {
      await readLines(file, take)
    } catch (error) {
      io.err(`cannot read ${file}: ${messageOf(error)}`)
      return false
    }
  }
  return true
}

/**
 * Calls `take` for every line of a file, without its newline, and with its place (`FILE:LINE`).
 *
 * @param file A path, of a compressed file where it ends in `.gz`; `-` is standard input.
 * @throws what reading throws, and an Error for a line that has no end.
 */
export async function readLines(
  file: string,
  take: (line: string, place: string) => void,
): Promise<void> {
  let number = 0
  let rest = ''
  for await (const chunk of textOf(file)) {
    const lines = (rest + chunk).split('\n')
    rest = lines.pop() ?? ''
    if (rest.length > MAX_LINE_CHARS) throw new Error(`line ${number + 1} has no end`)
    for (const line of lines) {
      number += 1
      take(line, `${file}:${number}`)
    }
  }
  if (rest !== '') take(rest, `${file}:${number + 1}`)
}

/** The text of a file in chunks; of one that is not compressed at most `maxBytes`, when given. */
export async function* textOf(file: string, maxBytes?: number): AsyncGenerator<string> {
  const end = maxBytes === undefined ? Number.POSITIVE_INFINITY : maxBytes - 1
  for await (const chunk of open(file, end).setEncoding('utf8')) yield String(chunk)
}

function open(file: string, end: number): Readable {
  if (file === '-') return process.stdin
  if (!file.endsWith('.gz')) return createReadStream(file, { end })
  // What goes wrong in either is thrown to whoever reads; whoever stops reading closes both.
  return pipeline(createReadStream(file), createGunzip(), () => undefined)
}

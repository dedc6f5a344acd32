/** Reads answers as a plain connection does, without one. */
import { readAnswerHead, type AnswerHead } from '../egress/answer-head.ts'
import { ChunkedReader } from '../egress/chunked-reader.ts'

/** An answer as somebody reads it. */
export type AnswerRead = {
  readonly status: number
  /** Those that are asked for. */
  readonly headers: Readonly<Record<string, unknown>>
  readonly body: string
  readonly end: 'whole' | 'cut' | 'refused'
}

/** `bytes` is where it ends. */
export type PlainRead = AnswerRead & { readonly head: AnswerHead; readonly bytes: number }

/** What the plain reader makes of it; undefined where it leaves it to node:http. */
export function readPlainly(pieces: readonly Buffer[]): PlainRead | undefined {
  const [first = Buffer.alloc(0), ...later] = pieces
  const head = readAnswerHead(first)
  if (head === undefined) return undefined
  const { status, headers, length, bodyStart } = head
  const taken: Buffer[] = []
  const readBody = length === undefined ? inChunks(taken) : sized(length, taken)
  let bytes = bodyStart
  let end: AnswerRead['end'] = 'cut'
  try {
    for (const piece of [first.subarray(bodyStart), ...later]) {
      const at = readBody(piece)
      bytes += at === -1 ? piece.length : at
      if (at === -1) continue
      end = 'whole'
      break
    }
  } catch {
    end = 'refused'
  }
  const body = Buffer.concat(taken).toString('latin1')
  return { status, headers, body, end, head, bytes }
}

/** Takes pieces of a body, and returns where in them it ends, -1 when it does not. */
type BodyReader = (piece: Buffer) => number

function inChunks(taken: Buffer[]): BodyReader {
  const reader = new ChunkedReader()
  // It moves what it is given, and others read the same bytes after it.
  return (piece) => reader.read(Buffer.from(piece), (part) => taken.push(part))
}

function sized(length: number, taken: Buffer[]): BodyReader {
  let left = length
  return (piece) => {
    const end = Math.min(left, piece.length)
    left -= end
    taken.push(piece.subarray(0, end))
    return left === 0 ? end : -1
  }
}

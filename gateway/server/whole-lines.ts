import { Transform } from 'node:stream'

const NEWLINE = 0x0a

/** A line longer than this is passed on in pieces, in bytes: no audit record is as long. */
const MAX_LINE_BYTES = 1_048_576

/**
 * Passes on what it is written, line by line, so that the lines of several writers can share a pipe. What is
 * left of a line when its writer ends is passed on as one.
 */
export function createWholeLines(): Transform {
  let rest: Buffer[] = []
  let restBytes = 0
  const takeRest = (): Buffer => {
    const taken = Buffer.concat(rest)
    rest = []
    restBytes = 0
    return taken
  }
  return new Transform({
    transform(chunk: Buffer, _, done) {
      const end = chunk.lastIndexOf(NEWLINE) + 1
      if (end > 0) {
        rest.push(chunk.subarray(0, end))
        this.push(takeRest())
      }
      rest.push(chunk.subarray(end))
      restBytes += chunk.length - end
      if (restBytes > MAX_LINE_BYTES) this.push(takeRest())
      done()
    },
    flush(done) {
      if (restBytes > 0) this.push(Buffer.concat([takeRest(), Buffer.from('\n')]))
      done()
    },
  })
}

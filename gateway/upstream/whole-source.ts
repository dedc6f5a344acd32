import type { Source } from './answer.ts'

/** The body of an answer that is already here, for whoever reads answers as they come. */
export function wholeSource(bytes: Uint8Array): Source {
  return {
    pipe(sink) {
      sink.write(bytes)
      sink.end()
    },
    pause: () => undefined,
    resume: () => undefined,
    abort: () => undefined,
  }
}

import type { AnswerReader } from './answer-reader.ts'

/** What came back in one run. */
export type Tally = {
  /** Complete answers with status 200, or 201 for what was made, and the expected length. */
  good: number
  /** Complete answers of another status. */
  otherStatus: number
  /** Answers of these statuses whose length says that it is not the upstream's answer (a judged refusal). */
  otherBody: number
  /** Requests without a complete answer. */
  lost: number
}

/** A tally before the first answer. */
export function emptyTally(): Tally {
  return { good: 0, otherStatus: 0, otherBody: 0, lost: 0 }
}

/**
 * Counts one complete answer. A chunked answer has no length to compare and counts as good.
 *
 * @param expectedBytes Body length of the upstream's answer; undefined takes any.
 */
export function countAnswer(
  tally: Tally,
  reader: AnswerReader,
  expectedBytes: number | undefined,
): void {
  if (reader.status !== 200 && reader.status !== 201) tally.otherStatus++
  else if (hasLength(reader, expectedBytes)) tally.good++
  else tally.otherBody++
}

/** Answers that do not count as authorised calls. */
export function badOnes(tally: Tally): number {
  return tally.otherStatus + tally.otherBody + tally.lost
}

function hasLength({ contentLength }: AnswerReader, expectedBytes: number | undefined): boolean {
  return contentLength === -1 || expectedBytes === undefined || contentLength === expectedBytes
}

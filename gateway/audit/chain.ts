import { hash } from 'node:crypto'
import { quoted } from './text.ts'

/** `prev` of an instance's first batch: base64url of 32 zero bytes. */
export const GENESIS = 'A'.repeat(43)

/** `event` of the last record of an instance that ended in order: a batch of its own. */
export const LOG_CLOSED = 'log_closed'

/**
 * Turns the fields of records into numbered lines, and the batches they are written in into a chain:
 * the first line of each batch carries the hash of the batch before.
 */
export type Chain = {
  /**
   * The line (without newline) of the next record.
   *
   * @param fields Its JSON object without the closing brace.
   */
  seal(fields: string): string
  /**
   * Ends the batch that `seal` has filled since the last call.
   *
   * @param bytes All its lines as they are written, each with its newline.
   */
  part(bytes: Uint8Array): void
}

/** SHA-256 of a batch of lines, in base64url. */
export function hashBatch(bytes: Uint8Array | string): string {
  return hash('sha256', bytes, 'base64url')
}

/**
 * A chain of one writer, from its first record. Removing or moving a line shows in the numbers, changing
 * one in the hash after its batch; what is missing at the end shows nowhere, and neither does a change
 * in the last batch or a chain made anew as a whole. A writer that ends in order ends with a batch of one
 * record that says so, and which nothing before it can hide behind.
 *
 * @param instance Names the writer; must never have been used before.
 */
export function createChain(instance: string): Chain {
  const tail = `${quoted(',"instance":"', instance)},"seq":`
  let seq = 0
  let prev: string | undefined = GENESIS
  return {
    seal(fields) {
      seq += 1
      if (prev === undefined) return `${fields}${tail}${seq}}`
      const line = `${fields}${tail}${seq},"prev":"${prev}"}`
      prev = undefined
      return line
    },
    part(bytes) {
      prev = hashBatch(bytes)
    },
  }
}

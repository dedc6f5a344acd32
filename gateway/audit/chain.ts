import { hash } from 'node:crypto'
import { quoted } from './text.ts'

/** `prev` of an instance's first record: base64url of 32 zero bytes. */
export const GENESIS = 'A'.repeat(43)

/** Turns the fields of records into lines that carry the hash of the line before. */
export type Chain = {
  /**
   * The line (without newline) of the next record.
   *
   * @param fields Its JSON object without the closing brace.
   */
  seal(fields: string): string
}

/** SHA-256 of a line without its newline, as UTF-8, in base64url. */
export function hashLine(line: string): string {
  return hash('sha256', line, 'base64url')
}

/**
 * A chain of one writer, from its first record. Removing, changing or moving a line shows in the line
 * after it; what is missing at the end shows nowhere, and neither does a chain made anew as a whole.
 *
 * @param instance Names the writer; must never have been used before.
 */
export function createChain(instance: string): Chain {
  const tail = `${quoted(',"instance":"', instance)},"seq":`
  let seq = 0
  let prev = GENESIS
  return {
    seal(fields) {
      seq += 1
      const line = `${fields}${tail}${seq},"prev":"${prev}"}`
      prev = hashLine(line)
      return line
    },
  }
}

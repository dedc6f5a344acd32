import { randomBytes, scryptSync } from 'node:crypto'

/** About 2 ms: less than a hundredth of what a real one costs. */
const LOG_N = 10
const BLOCK_SIZE = 8

/**
 * A hash of a password as `gatehouse users hash` prints one, for tests that sign in often. What it costs to
 * check stands in it.
 */
export function cheapHash(password: string): string {
  const salt = randomBytes(16)
  const hash = scryptSync(password, salt, 32, { N: 2 ** LOG_N, r: BLOCK_SIZE, p: 1 })
  return `scrypt$${LOG_N}$${BLOCK_SIZE}$1$${salt.toString('base64url')}$${hash.toString('base64url')}`
}

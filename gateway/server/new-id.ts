import { randomBytes } from 'node:crypto'

/** Random bytes of each process's ids: two processes that ever ran do not share them. */
const RANDOM_BYTES = 12

/**
 * A maker of ids for visits and calls: a random part for this process and a running number. Unique, not
 * secret, and made in a fraction of the time of a UUID.
 */
export function createIds(): () => string {
  const own = randomBytes(RANDOM_BYTES).toString('base64url')
  let last = 0
  return () => {
    last += 1
    return `${own}-${last.toString(36)}`
  }
}

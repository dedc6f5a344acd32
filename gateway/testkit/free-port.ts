import { randomInt } from 'node:crypto'
import { createServer } from 'node:net'

/**
 * Ports below the range that systems hand out for outgoing connections, of which tests make thousands: one
 * from that range may be somebody's by the time it is listened on.
 */
const FIRST_PORT = 12_000
const LAST_PORT = 28_999

/** Ports tried; so many in use at once would be a fault of its own. */
const MAX_TRIES = 100

/** A loopback port nobody listens on right now. */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < MAX_TRIES; tries += 1) {
    const port = randomInt(FIRST_PORT, LAST_PORT + 1)
    if (await isFree(port)) return port
  }
  throw new Error(`no free port between ${FIRST_PORT} and ${LAST_PORT}`)
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
}

import { randomInt } from 'node:crypto'
import { createSocket } from 'node:dgram'
import { createServer } from 'node:net'

/**
 * Ports below the range that systems hand out for outgoing connections, of which tests make thousands: one
 * from that range may be somebody's by the time it is listened on.
 */
const FIRST_PORT = 12_000
const LAST_PORT = 28_999

/** Ports tried; so many in use at once would be a fault of its own. */
const MAX_TRIES = 100

/** A loopback port nobody listens on right now, and no other test process is given while this one runs. */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < MAX_TRIES; tries += 1) {
    const port = randomInt(FIRST_PORT, LAST_PORT + 1)
    if ((await claim(port)) && (await isFree(port))) return port
  }
  throw new Error(`no free port between ${FIRST_PORT} and ${LAST_PORT}`)
}

/**
 * A datagram socket on the same number, kept until the process ends, is how other test processes know that the
 * port is taken: whoever asked for it listens on it only a while later.
 */
function claim(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createSocket('udp4').unref()
    socket.once('error', () => resolve(false))
    socket.bind({ port, address: '127.0.0.1', exclusive: true }, () => resolve(true))
  })
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
}

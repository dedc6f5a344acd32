/** Opens event streams and holds them, idle, until told to let go. */
import net from 'node:net'
import { once } from 'node:events'
import type { Endpoint } from './connection.ts'

/** Streams being opened at a time: below every listen backlog. */
const OPENING_AT_ONCE = 32
/** A stream whose head has not come by then counts as refused. */
const HEAD_TIMEOUT_MS = 5000
const OK_HEAD = Buffer.from('HTTP/1.1 200')

/** Streams held open; `refused` counts those that did not open. */
export type IdleStreams = { readonly opened: number; readonly refused: number; close(): void }

/** Where to open streams, and with what. */
export type IdleStreamsPlan = {
  readonly endpoint: Endpoint
  /** One per stream. */
  readonly requests: readonly Buffer[]
}

/** Opens one stream per request, a few at a time; resolves when each is open or refused. */
export async function openIdleStreams(plan: IdleStreamsPlan): Promise<IdleStreams> {
  const sockets: net.Socket[] = []
  let refused = 0
  const queue = plan.requests.values()
  const worker = async (): Promise<void> => {
    for (const request of queue) {
      const socket = await openStream(plan.endpoint, request)
      if (socket === undefined) refused++
      else sockets.push(socket)
    }
  }
  await Promise.all(Array.from({ length: OPENING_AT_ONCE }, worker))
  return {
    opened: sockets.length,
    refused,
    close: () => {
      for (const socket of sockets) socket.destroy()
    },
  }
}

async function openStream(
  { host, port }: Endpoint,
  request: Buffer,
): Promise<net.Socket | undefined> {
  const socket = net.connect({ host, port, noDelay: true })
  socket.setTimeout(HEAD_TIMEOUT_MS, () => socket.destroy(new Error('no answer head')))
  socket.write(request)
  try {
    const [first] = (await once(socket, 'data')) as [Buffer]
    if (!first.subarray(0, OK_HEAD.length).equals(OK_HEAD)) throw new Error('stream refused')
  } catch {
    socket.destroy()
    return undefined
  }
  socket.setTimeout(0)
  socket.on('error', () => socket.destroy())
  socket.resume()
  return socket
}

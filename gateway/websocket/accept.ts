import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { WebSocketServer } from 'ws'

import { CLOSE_MS, MAX_FRAGMENTS, Wire } from './wire.ts'

/** A request to upgrade, as `node:http` hands it over; nothing has been answered. */
export type Upgrade = {
  readonly request: IncomingMessage
  readonly socket: Duplex
  /** What the client sent behind its request. */
  readonly head: Buffer
}

/**
 * Answers with 101 and the subprotocol, which must be among those offered. Without compression,
 * which would let one message inflate past its bound.
 *
 * Rejects when the handshake is no handshake (RFC 6455 §4.2.1) or the client has left; it has been
 * answered then.
 *
 * @param options.maxFrameBytes A larger message closes the connection with 1009.
 * @param options.tick Monotonic milliseconds.
 */
export async function accept(
  { request, socket, head }: Upgrade,
  options: {
    readonly subprotocol: string
    readonly maxFrameBytes: number
    readonly tick: () => number
  },
): Promise<Wire> {
  const settings = {
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    maxPayload: options.maxFrameBytes,
    maxFragments: MAX_FRAGMENTS,
    closeTimeout: CLOSE_MS,
    handleProtocols: () => options.subprotocol,
  }
  const acceptor = new WebSocketServer(settings)
  return await new Promise<Wire>((resolve, reject) => {
    acceptor.on('wsClientError', (error, refused) => {
      refused.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n')
      reject(error)
    })
    if (!socket.readable || !socket.writable) {
      socket.destroy()
      reject(new Error('the client has left'))
      return
    }
    acceptor.handleUpgrade(request, socket, head, (opened) =>
      resolve(new Wire(opened, options.tick)),
    )
  })
}

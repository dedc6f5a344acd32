/** A balancer without affinity: each request goes to the next gateway, or to the one its header names. */
import { createServer, request as forward } from 'node:http'
import type { AddressInfo } from 'node:net'

/** Header with the index of the gateway that a request is for. */
export const WHICH = 'x-test-which'

export type Balancer = {
  readonly origin: string
  /** Ports of the gateways behind it. */
  readonly ports: number[]
  stop(): Promise<void>
}

/** @param host What the gateways are told was asked for, where TLS ends before them; as it came by default. */
export async function startBalancer(host?: string): Promise<Balancer> {
  const ports: number[] = []
  let turn = 0
  const server = createServer((incoming, outgoing) => {
    const { [WHICH]: which, ...headers } = incoming.headers
    turn += 1
    const port = ports[Number(which ?? turn) % ports.length]
    const sent = host === undefined ? headers : { ...headers, host }
    const { method, url: path } = incoming
    const options = { host: '127.0.0.1', port, method, path, headers: sent }
    const up = forward({ ...options, agent: false }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.rawHeaders)
      answer.pipe(outgoing)
    })
    up.on('error', () => outgoing.destroy())
    incoming.pipe(up)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    ports,
    stop: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

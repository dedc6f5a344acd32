/** A loopback HTTP server for handlers that are written with the types of `fetch`. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'

export type FetchServer = { readonly url: string; stop(): Promise<void> }

export type FetchHandler = (request: Request) => Promise<Response>

/**
 * Starts it at `/mcp` of a loopback port.
 *
 * @param port Fixed port; a free one by default.
 */
export async function startFetchServer(handler: FetchHandler, port = 0): Promise<FetchServer> {
  const http = createServer((request, response) => {
    serve(request, response, handler).catch(() => response.destroy())
  })
  await new Promise<void>((resolve) => http.listen(port, '127.0.0.1', resolve))
  const { port: chosen } = http.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${chosen}/mcp`,
    stop: async () => {
      http.closeAllConnections()
      await new Promise((resolve) => http.close(resolve))
    },
  }
}

async function serve(
  request: IncomingMessage,
  response: ServerResponse,
  handler: FetchHandler,
): Promise<void> {
  const gone = new AbortController()
  response.on('close', () => gone.abort())
  const headers = Object.entries(request.headersDistinct).flatMap(([name, values]) =>
    (values ?? []).map((value): [string, string] => [name, value]),
  )
  const body = request.method === 'POST' ? await collect(request) : undefined
  const answered = await handler(
    new Request(`http://${request.headers.host ?? 'localhost'}${request.url ?? '/'}`, {
      method: request.method ?? 'GET',
      headers,
      signal: gone.signal,
      ...(body === undefined ? {} : { body }),
    }),
  )
  response.writeHead(answered.status, [...answered.headers].flat())
  if (answered.body === null) {
    response.end()
    return
  }
  // Its head goes out before the first event does.
  response.flushHeaders()
  Readable.fromWeb(answered.body).pipe(response)
}

async function collect(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}

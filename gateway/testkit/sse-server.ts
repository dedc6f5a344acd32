/** A recording server that speaks HTTP+SSE (2024-11-05): answers come on the stream, whatever was POSTed. */
import type { ServerResponse } from 'node:http'

import type { RecordingServer, Seen } from './recording-server.ts'
import { resultFor, startRecordingServer } from './recording-server.ts'

export type SseServer = RecordingServer & {
  /** URL of its stream. */
  readonly sse: string
  /** Streams that are open, by session. */
  readonly streams: ReadonlyMap<string, ServerResponse>
  /** Messages POSTed to a session, oldest first. */
  posts(): readonly Seen[]
}

/** @param endpointOf What the first event of a stream says; a relative URL by default. */
export async function startSseServer(
  endpointOf = (session: string): string => `/messages?session=${session}`,
): Promise<SseServer> {
  const streams = new Map<string, ServerResponse>()
  let sessions = 0
  const server = await startRecordingServer(({ method, target, json }, response) => {
    if (method === 'GET' && target === '/sse') {
      const session = `s${(sessions += 1)}`
      streams.set(session, response)
      response.on('close', () => streams.delete(session))
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      response.write(`event: endpoint\ndata: ${endpointOf(session)}\n\n`)
      return true
    }
    const session = new URL(target, 'http://sse.test').searchParams.get('session') ?? ''
    const stream = streams.get(session)
    if (method !== 'POST' || stream === undefined) {
      response.writeHead(404).end('no such session')
      return true
    }
    response.writeHead(202).end('Accepted')
    const result = resultFor(json)
    if (json?.id !== undefined && json.method !== undefined) {
      const message = { jsonrpc: '2.0', id: json.id, result }
      stream.write(`event: message\ndata: ${JSON.stringify(message)}\n\n`)
    }
    return true
  })
  return Object.assign(server, {
    sse: `${server.origin}/sse`,
    streams,
    posts: () => server.seen.filter(({ method }) => method === 'POST'),
  })
}

/** Event streams that stay open beside a load, and count what they are told. */
import { get, type ClientRequest, type IncomingMessage } from 'node:http'
import type { World } from '../scenarios/scenario.ts'
import type { StreamsSeen } from './report.ts'

/** Streams being opened at a time. */
const OPENING_AT_ONCE = 32

/** A stream without an answer by then is none, in milliseconds. */
const OPENING_MS = 10_000

export type Streams = {
  /** @param dueEvents What each stream must have been told at least. */
  seen(dueEvents: number): StreamsSeen
  close(): void
}

type Stream = { readonly request: ClientRequest; isOpen: boolean; events: number }

/** Opens streams, of one caller after another. */
export async function openStreams(world: World, count: number): Promise<Streams> {
  const streams: Stream[] = []
  const waiting = Array.from({ length: count }, (_, at) => at).values()
  const work = async (): Promise<void> => {
    for (const at of waiting) streams.push(await openStream(world, at))
  }
  await Promise.all(Array.from({ length: OPENING_AT_ONCE }, work))
  return {
    seen: (dueEvents) => ({
      asked: count,
      open: streams.filter(({ isOpen }) => isOpen).length,
      fewestEvents: Math.min(...streams.map(({ events }) => events)),
      dueEvents,
    }),
    close: () => {
      for (const { request } of streams) request.destroy()
    },
  }
}

function openStream({ url, tokens }: World, at: number): Promise<Stream> {
  const headers = {
    authorization: `Bearer ${tokens[at % tokens.length]}`,
    accept: 'text/event-stream',
    'mcp-protocol-version': '2025-11-25',
  }
  return new Promise((resolve) => {
    const request = get(url, { headers, agent: false })
    const stream: Stream = { request, isOpen: false, events: 0 }
    const late = setTimeout(() => request.destroy(), OPENING_MS)
    const onEnd = (): void => {
      clearTimeout(late)
      stream.isOpen = false
      resolve(stream)
    }
    request.on('error', onEnd)
    request.on('close', onEnd)
    request.on('response', (response: IncomingMessage) => {
      clearTimeout(late)
      stream.isOpen = response.statusCode === 200
      response.on('error', onEnd)
      response.on('data', (chunk: Buffer) => {
        // Each event has one line of data, and is written at once.
        for (
          let from = chunk.indexOf('data:');
          from !== -1;
          from = chunk.indexOf('data:', from + 5)
        )
          stream.events += 1
      })
      resolve(stream)
    })
  })
}

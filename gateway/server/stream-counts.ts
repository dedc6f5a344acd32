import type { HttpVisit } from './http-visit.ts'

export type StreamCount = { readonly server: string; readonly kind: string; readonly open: number }

/** Open streams by server and by how they were opened, for the metrics. */
export function countStreams(answering: Iterable<HttpVisit>): readonly StreamCount[] {
  const counts = new Map<string, StreamCount>()
  for (const { journey, streaming } of answering) {
    if (!streaming) continue
    const kind = journey.calls[0]?.call.kind === 'open_stream' ? 'get' : 'post'
    const server = journey.server ?? ''
    const key = `${server} ${kind}`
    counts.set(key, { server, kind, open: (counts.get(key)?.open ?? 0) + 1 })
  }
  return [...counts.values()]
}

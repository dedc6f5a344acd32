/** An event of a stream. Fields that did not occur are absent; `data: ''` is an empty `data` field. */
export type SseEvent = {
  readonly kind: 'event'
  readonly event?: string
  readonly id?: string
  readonly retry?: number
  readonly data: string | undefined
}

export type SseComment = { readonly kind: 'comment'; readonly text: string }

/** The stream held an event larger than allowed. It is the last item ever returned. */
export type SseOverflow = { readonly kind: 'overflow' }

export type SseItem = SseEvent | SseComment | SseOverflow

export type SseFramer = {
  /** Items completed by this chunk, in order. */
  push(chunk: Uint8Array): readonly SseItem[]
}

/** Bytes one event may have, its field names included. */
export const MAX_EVENT_BYTES = 1_048_576

/** A framer for one stream. */
export function createSseFramer(options: { readonly maxEventBytes?: number } = {}): SseFramer {
  const max = options.maxEventBytes ?? MAX_EVENT_BYTES
  let rest = ''
  return {
    push(chunk) {
      rest += Buffer.from(chunk).toString('utf8')
      if (rest.length > max) return [{ kind: 'overflow' }]
      const blocks = rest.split('\n\n')
      rest = blocks.pop() ?? ''
      return blocks.map((block) => ({ kind: 'event', data: block.replace(/^data: /, '') }))
    },
  }
}

/** The bytes of an event or comment. */
export function formatSse(item: SseEvent | SseComment): string {
  return item.kind === 'comment' ? `:${item.text}\n\n` : `data: ${item.data ?? ''}\n\n`
}

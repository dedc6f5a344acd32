/** An event stream that stays open, read as far as a test needs it. */
export type EventReader = {
  readonly status: number
  /** Everything that has come so far. */
  readonly text: () => string
  /** Resolves with the first match in everything that has come; rejects when the stream ends or breaks first. */
  readUntil(pattern: RegExp): Promise<RegExpExecArray>
  close(): void
}

/** Sends the request; resolves once its answer has begun. */
export async function openEvents(url: string | URL, init: RequestInit): Promise<EventReader> {
  const stop = new AbortController()
  const response = await fetch(url, { ...init, signal: stop.signal })
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader()
  let text = ''
  return {
    status: response.status,
    text: () => text,
    readUntil: async (pattern) => {
      for (;;) {
        const match = pattern.exec(text)
        if (match !== null) return match
        const next = await reader?.read()
        if (next === undefined || next.done) {
          throw new Error(`the stream ended without ${String(pattern)}: ${text}`)
        }
        text += next.value
      }
    },
    close: () => stop.abort(),
  }
}

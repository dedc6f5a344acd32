/** Reads answers that may break off, and tells whether they did. */
export type ReadAnswer = {
  /** 0 when the connection broke before there was a status. */
  readonly status: number
  readonly headers: Headers
  /** What arrived of the body. */
  readonly text: string
  /** `broken`: the connection was cut before the end that HTTP framing demands. */
  readonly end: 'clean' | 'broken'
}

/**
 * Sends a request and reads its answer as far as it comes.
 *
 * @param begun Is told when there is a status.
 */
export async function readAnswer(
  url: string,
  init: RequestInit,
  begun?: () => void,
): Promise<ReadAnswer> {
  let response: Response
  try {
    response = await fetch(url, init)
  } catch (error) {
    if (!(error instanceof TypeError)) throw error
    return { status: 0, headers: new Headers(), text: '', end: 'broken' }
  }
  begun?.()
  const { status, headers } = response
  const chunks: Uint8Array[] = []
  let end: ReadAnswer['end'] = 'clean'
  try {
    for await (const chunk of response.body ?? []) chunks.push(chunk)
  } catch (error) {
    if (!(error instanceof TypeError)) throw error
    end = 'broken'
  }
  return { status, headers, text: Buffer.concat(chunks).toString('utf8'), end }
}

/** The JSON-RPC messages in the `data` lines of an event stream. */
export function messagesIn(events: string): readonly {
  readonly id?: unknown
  readonly method?: string
  readonly result?: unknown
  readonly error?: { readonly code: number }
}[] {
  const lines = events.split('\n').filter((line) => line.startsWith('data: '))
  return lines.map((line) => JSON.parse(line.slice('data: '.length)))
}

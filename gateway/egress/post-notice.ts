/** Notices to webhooks that operators configured: JSON goes out, and only the status of the answer counts. */
import { Agent, request } from 'undici'

/** Bytes of an answer that are thrown away before its connection is closed instead of used again. */
const MAX_ANSWER_BYTES = 16 * 1024

/** Idle connections are kept this long, in milliseconds. */
const KEEP_ALIVE_MS = 30_000

/** One notice. */
export type Notice = {
  readonly url: string
  /** JSON. */
  readonly body: string
  readonly headers: Readonly<Record<string, string>>
  /** From the start to the head of the answer. */
  readonly timeoutMs: number
}

/** What became of a notice. Neither says where it went: the address may be a secret. */
export type Delivery =
  | { readonly ok: true }
  | { readonly ok: false; readonly why: string; readonly mayRetry: boolean }

export type PostNotice = {
  /**
   * Sends one notice; every 2xx is a delivery. Redirects are a status like any other. Another try may help
   * where nothing answered in time, and after 408, 429 and 5xx. Never rejects.
   */
  (notice: Notice): Promise<Delivery>
  /** Ends what is still running. */
  close(): Promise<void>
}

/**
 * Returns a way to send notices, with connections of its own.
 *
 * @param connections At most as many to one origin.
 */
export function createPostNotice(connections: number): PostNotice {
  const agent = new Agent({ connections, allowH2: false, keepAliveTimeout: KEEP_ALIVE_MS })
  const post = async ({ url, body, headers, timeoutMs }: Notice): Promise<Delivery> => {
    const signal = AbortSignal.timeout(timeoutMs)
    try {
      const { statusCode, body: answer } = await request(url, {
        dispatcher: agent,
        method: 'POST',
        headers: { ...headers, 'content-type': 'application/json' },
        body,
        signal,
      })
      await answer.dump({ limit: MAX_ANSWER_BYTES, signal }).catch(() => undefined)
      return judge(statusCode)
    } catch {
      const why = signal.aborted ? `no answer within ${timeoutMs} ms` : 'it cannot be reached'
      return { ok: false, why, mayRetry: true }
    }
  }
  return Object.assign(post, { close: () => agent.destroy() })
}

function judge(status: number): Delivery {
  if (status >= 200 && status < 300) return { ok: true }
  const mayRetry = status === 408 || status === 429 || status >= 500
  return { ok: false, why: `it answered with status ${status}`, mayRetry }
}

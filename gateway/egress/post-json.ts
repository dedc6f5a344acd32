/** Questions to services that operators configured, asked in JSON and answered in JSON. */
import { Agent, request } from 'undici'
import { FetchError } from './fetch-json.ts'

/** Bytes of an answer that are read: a decision and a few words about it. */
const MAX_ANSWER_BYTES = 64 * 1024

/** Idle connections are kept this long, in milliseconds. */
const KEEP_ALIVE_MS = 30_000

/** One question. */
export type Question = {
  readonly url: string
  readonly body: string
  /** Beside those of JSON, by name. */
  readonly headers: Readonly<Record<string, string>>
  /** From the start to the last byte. */
  readonly timeoutMs: number
}

export type PostJson = {
  /**
   * Returns the JSON object a service answers with.
   *
   * @throws {FetchError} for anything but status 200 and one JSON object within the limits. Redirects are
   *   a status like any other: what is asked goes where the operator said and nowhere else.
   */
  (question: Question): Promise<Readonly<Record<string, unknown>>>
  /** Closes idle connections; running questions end by themselves. */
  close(): Promise<void>
}

/**
 * Returns a way to ask, with connections of its own.
 *
 * @param connections At most as many to one origin.
 */
export function createPostJson(connections: number): PostJson {
  const agent = new Agent({ connections, allowH2: false, keepAliveTimeout: KEEP_ALIVE_MS })
  const post = async ({ url, body, headers, timeoutMs }: Question) => {
    const signal = AbortSignal.timeout(timeoutMs)
    try {
      const response = await request(url, {
        dispatcher: agent,
        method: 'POST',
        headers: { ...headers, 'content-type': 'application/json', accept: 'application/json' },
        body,
        signal,
      })
      // Without a listener, leaving the body early raises an error that nobody could catch.
      response.body.on('error', () => {})
      if (response.statusCode !== 200) {
        response.body.destroy()
        const what = `answered with status ${response.statusCode}`
        throw new FetchError('status', url, { what })
      }
      return await readObject(response.body, url)
    } catch (cause) {
      if (cause instanceof FetchError) throw cause
      throw signal.aborted
        ? new FetchError('timeout', url, { what: `did not answer within ${timeoutMs} ms`, cause })
        : new FetchError('unreachable', url, { what: 'cannot be reached', cause })
    }
  }
  return Object.assign(post, { close: () => agent.close() })
}

async function readObject(
  body: AsyncIterable<unknown>,
  url: string,
): Promise<Readonly<Record<string, unknown>>> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of body) {
    if (!Buffer.isBuffer(chunk)) continue
    size += chunk.length
    if (size > MAX_ANSWER_BYTES) {
      throw new FetchError('too_large', url, { what: `is larger than ${MAX_ANSWER_BYTES} bytes` })
    }
    chunks.push(chunk)
  }
  const value = parse(Buffer.concat(chunks))
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new FetchError('not_a_json_object', url, { what: 'did not answer with a JSON object' })
  }
  return { ...value }
}

function parse(bytes: Buffer): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch {
    return undefined
  }
}

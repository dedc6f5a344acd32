/** One question of our own to a server, asked with its own credential or none, and what comes back. */
import { Refusal } from '../model/refusal.ts'
import type { McpServer } from '../model/server.ts'
import type { Answer } from '../upstream/answer.ts'
import { OWN_STREAM, UNREAD } from '../upstream/collect.ts'
import { emptyHead } from './admit.ts'
import type { Asking } from './list-on-stream.ts'
import { hearOut } from './negotiation.ts'
import { responseIn } from './response-in.ts'
import { credentialHeaders } from './swap.ts'
import { upHeaders } from './up-headers.ts'

/** For one question; a deadline is noticed within a second. */
const TIMEOUT_MS = 4_000

const ID = '"gatehouse-probe"'

type Head = Parameters<typeof upHeaders>[0]['head']
type Call = Parameters<typeof upHeaders>[0]['call']

/** The status of an answer, or why there was none. */
export type Heard = number | string

/** What questions go out with, and who listens besides. */
export type Hearing = Asking & { readonly hear?: (what: Heard) => void }

/** A JSON-RPC request; its id is always the same. */
export type Question = {
  readonly era: 'modern' | 'legacy'
  readonly method: string
  readonly params: object
  /** The headers of its era; none by default. */
  readonly head?: Partial<Head>
}

/** What there is of an answer. */
export type Reply = {
  readonly status: number
  readonly sessionId: string | undefined
  /** The JSON-RPC response, parsed; undefined where there is none. */
  readonly response: unknown
}

/** The answer, whatever its status; undefined when there was none. Never rejects. */
export async function ask(
  server: McpServer,
  conversations: Hearing,
  { era, method, params, head }: Question,
): Promise<Reply | undefined> {
  const call = { era, kind: 'request', method } as const
  const request = {
    method: 'POST',
    headers: headersFor(server, call, { ...emptyHead(), ...head }),
    body: message(method, params),
    collect: OWN_STREAM,
    whenGone: 'abort',
    timeoutMs: TIMEOUT_MS,
  } as const
  try {
    const answer = await hearOut(await conversations.send(server, request).answer, { id: ID })
    const { status, sessionId, body } = answer
    if (body.kind === 'stream') body.source.abort(new Error('heard out'))
    conversations.hear?.(status)
    return { status, sessionId, response: parse(answer) }
  } catch (error) {
    conversations.hear?.((error instanceof Refusal && error.extra.detail) || String(error))
    return undefined
  }
}

/** Best effort: a server may have sessions and no way to end them. */
export async function endSession(
  server: McpServer,
  conversations: Asking,
  session: Pick<Head, 'sessionId' | 'protocolVersion'>,
): Promise<void> {
  if (session.sessionId === undefined) return
  const head = { ...emptyHead(), ...session }
  const call = { era: 'legacy', kind: 'end_session', method: '' } as const
  const request = {
    method: 'DELETE',
    headers: headersFor(server, call, head, 'DELETE'),
    body: undefined,
    collect: UNREAD,
    whenGone: 'abort',
    timeoutMs: TIMEOUT_MS,
  } as const
  await conversations.send(server, request).answer.catch(() => undefined)
}

function parse(answer: Answer): unknown {
  const bytes = responseIn(answer, ID)
  try {
    return bytes && JSON.parse(Buffer.from(bytes).toString('utf8'))
  } catch {
    // A page of its framework.
    return undefined
  }
}

function message(method: string, params: object): Uint8Array {
  const text = `{"jsonrpc":"2.0","id":${ID},"method":"${method}","params":${JSON.stringify(params)}}`
  return Buffer.from(text)
}

function headersFor(server: McpServer, call: Call, head: Head, method?: 'DELETE'): string[] {
  return upHeaders({
    method: method ?? 'POST',
    call,
    head,
    traceparent: undefined,
    tracestate: undefined,
    credential: credentialHeaders(server),
  })
}

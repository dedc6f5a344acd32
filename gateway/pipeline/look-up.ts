/**
 * Asks a server for its list when a permitted call names a tool or prompt that no list has shown yet,
 * in the caller's own session. One look-up at a time per session, and at most one a second, so that
 * made-up names cost a server next to nothing.
 */
import { ANSWER_BOUNDS } from '../mcp/bounds.ts'
import { filterAnswer } from '../mcp/list.ts'
import { scan } from '../mcp/scan.ts'
import { createSseFramer } from '../mcp/sse.ts'
import type { Call } from '../model/call.ts'
import { Refusal } from '../model/refusal.ts'
import type { Answer } from '../upstream/answer.ts'
import { mediaType } from '../upstream/answer.ts'
import type { Conversations } from '../upstream/conversations.ts'
import type { Catalogue, ListedKind } from './catalogue.ts'
import { MAX_LIST_BYTES } from './forward.ts'
import type { Seat } from './frame.ts'
import { credentialHeaders } from './swap.ts'
import { upHeaders } from './up-headers.ts'

/** A look-up takes no longer; the call is then refused as `upstream_unavailable`. */
const TIMEOUT_MS = 2_000

/** A list seen this recently is not asked for again. */
const FRESH_MS = 1_000

/** Pages of one list; a server with more has names that only its callers' own listing teaches. */
const MAX_PAGES = 50

/** Look-ups remembered; the oldest are forgotten. */
const MAX_REMEMBERED = 1_000

export type Wanted = {
  readonly kind: ListedKind
  readonly name: string
  readonly call: Call
  readonly seat: Seat
}

/**
 * Whether the server lists this name. True also when the server will not list for this session at all:
 * it will then refuse the call in its own words.
 */
export type LookUp = (wanted: Wanted) => Promise<boolean>

type Memory = { readonly running: Promise<'listed' | 'refused'>; readonly atTick: number }

/** @param tick Monotonic milliseconds. */
export function createLookUp(options: {
  readonly conversations: Conversations
  readonly catalogue: Catalogue
  readonly tick: () => number
}): LookUp {
  const { catalogue, conversations, tick } = options
  const remembered = new Map<string, Memory>()
  return async ({ kind, name, call, seat }) => {
    const key = [seat.server.name, kind, call.era, seat.head?.sessionId ?? ''].join('\n')
    let memory = remembered.get(key)
    if (memory === undefined || tick() - memory.atTick > FRESH_MS) {
      memory = { running: list({ kind, call, seat }, conversations, catalogue), atTick: tick() }
      remembered.delete(key)
      remembered.set(key, memory)
      const [oldest] = remembered.keys()
      if (remembered.size > MAX_REMEMBERED && oldest !== undefined) remembered.delete(oldest)
    }
    const outcome = await memory.running
    return outcome === 'refused' || catalogue.knows(seat.server.name, kind, name)
  }
}

async function list(
  { kind, call, seat }: Omit<Wanted, 'name'>,
  conversations: Conversations,
  catalogue: Catalogue,
): Promise<'listed' | 'refused'> {
  const method = kind === 'tool' ? 'tools/list' : 'prompts/list'
  let cursor: string | undefined
  for (let page = 0; page < MAX_PAGES; page++) {
    // In a legacy session ids may not repeat; a random one cannot meet the client's own.
    const id = `"gatehouse-${crypto.randomUUID()}"`
    const exchange = conversations.send(seat.server, {
      method: 'POST',
      headers: headersFor(method, call, seat),
      body: Buffer.from(listBody(id, method, call, cursor)),
      collect: { maxBytes: MAX_LIST_BYTES, above: 'refuse', events: 'collect' },
      whenGone: 'abort',
      timeoutMs: TIMEOUT_MS,
    })
    const answer = await exchange.answer
    if (answer.status >= 400 && answer.status < 500) return 'refused'
    cursor = learn(answer, id, seat, catalogue)
    if (cursor === undefined) return 'listed'
  }
  return 'listed'
}

function headersFor(method: string, call: Call, seat: Seat): string[] {
  const { head } = seat
  if (head === undefined)
    throw new Refusal('internal', { detail: 'look-up without a request head' })
  const own = {
    ...head,
    params: [],
    name: undefined,
    method: call.era === 'modern' ? method : undefined,
  }
  return upHeaders({
    method: 'POST',
    era: call.era,
    head: own,
    traceparent: undefined,
    tracestate: undefined,
    credential: credentialHeaders(seat.server),
  })
}

function listBody(id: string, method: string, call: Call, cursor: string | undefined): string {
  const meta = {
    'io.modelcontextprotocol/protocolVersion': call.version,
    'io.modelcontextprotocol/clientCapabilities': {},
    'io.modelcontextprotocol/clientInfo': { name: 'gatehouse', version: '1' },
  }
  const params = {
    ...(cursor === undefined ? {} : { cursor }),
    ...(call.era === 'modern' ? { _meta: meta } : {}),
  }
  return `{"jsonrpc":"2.0","id":${id},"method":"${method}","params":${JSON.stringify(params)}}`
}

/** @returns the cursor of the next page. */
function learn(answer: Answer, id: string, seat: Seat, catalogue: Catalogue): string | undefined {
  const response = responseIn(answer, id)
  const read = response && filterAnswer(response, { id, show: () => true })
  if (read?.ok !== true) throw new Refusal('upstream_unavailable', { detail: 'unreadable list' })
  catalogue.learn(seat.server.name, read.listed)
  return read.nextCursor
}

/** The response to this request; on a stream it may stand among other messages. */
function responseIn({ body, contentType }: Answer, id: string): Uint8Array | undefined {
  if (body.kind !== 'whole') return undefined
  if (mediaType(contentType) !== 'text/event-stream') return body.bytes
  for (const item of createSseFramer({ maxEventBytes: MAX_LIST_BYTES }).push(body.bytes)) {
    if (item.kind !== 'event' || !item.data) continue
    const bytes = Buffer.from(item.data)
    const scanned = scan(bytes, ANSWER_BOUNDS)
    const messages = scanned.ok ? scanned.messages : []
    const own = messages.find((message) => message.kind === 'response' && message.id?.text === id)
    if (own !== undefined) return bytes.subarray(own.span.start, own.span.end)
  }
  return undefined
}

/** Lists the names of a server in the session and with the credential of a caller, for a look-up of our own. */
import { filterAnswer } from '../mcp/list.ts'
import type { Call } from '../model/call.ts'
import { Refusal } from '../model/refusal.ts'
import type { Answer } from '../upstream/answer.ts'
import { OWN_LIST } from '../upstream/collect.ts'
import type { Catalogue, ListedKind } from './catalogue.ts'
import type { Desk } from './desk.ts'
import type { Seat } from './frame.ts'
import { learnList } from './learn-list.ts'
import type { Asking } from './list-on-stream.ts'
import { listOnStream } from './list-on-stream.ts'
import { observePage, type Pins, preparePage } from './pins.ts'
import { responseIn } from './response-in.ts'
import { type Injected, swapForOwn } from './swap.ts'
import { upHeaders } from './up-headers.ts'

/**
 * For all pages of a look-up together; a deadline is noticed within a second. The call is then refused
 * as `upstream_timeout`.
 */
const TIMEOUT_MS = 2_000

/** Pages of one list; a server with more has names that only its callers' own listing teaches. */
const MAX_PAGES = 50

/** What is listed, and the call for whose sake. */
export type Asked = { readonly kind: ListedKind; readonly call: Call; readonly seat: Seat }

export type ListNamesOptions = {
  readonly conversations: Asking
  readonly catalogue: Catalogue
  readonly swaps: Desk['swaps']
  readonly pins: Pins
  /** Monotonic milliseconds. */
  readonly tick: () => number
}

/** `session_unknown`: the server does not know the legacy session that the call is in. */
export type Outcome = 'listed' | 'session_unknown'

/**
 * Asks for all pages; what they name is in the catalogue afterwards, of the earlier ones also when it rejects.
 *
 * @throws {Refusal} `upstream_unavailable`, `upstream_timeout`, and what finding the credential throws.
 */
export async function listNames(
  { kind, call, seat }: Asked,
  { conversations, catalogue, pins, swaps, tick }: ListNamesOptions,
): Promise<Outcome> {
  const { caller } = seat.journey
  if (caller !== undefined) await preparePage(pins, { server: seat.server, caller, call })
  const method = kind === 'tool' ? 'tools/list' : 'prompts/list'
  if (seat.server.upstream.transport === 'sse') {
    await listOnStream(seat.server, conversations, {
      method,
      maxPages: MAX_PAGES,
      timeoutMs: TIMEOUT_MS,
      learn: (response, id) => learnNames(response, { id, call, seat, catalogue, pins }),
    })
    return 'listed'
  }
  const deadlineTick = tick() + TIMEOUT_MS
  const injected = await swapForOwn(seat, { swaps })
  let cursor: string | undefined
  for (let page = 0; page < MAX_PAGES; page++) {
    const timeoutMs = deadlineTick - tick()
    if (timeoutMs <= 0) throw new Refusal('upstream_timeout', { detail: 'look-up' })
    // In a legacy session ids may not repeat; a random one cannot meet the client's own.
    const id = `"gatehouse-${crypto.randomUUID()}"`
    const exchange = conversations.send(seat.server, {
      method: 'POST',
      headers: headersFor(method, { call, seat, injected }),
      body: Buffer.from(listBody(id, method, call, cursor)),
      collect: OWN_LIST,
      whenGone: 'abort',
      timeoutMs,
    })
    const answer = await exchange.answer
    if (isSessionUnknown(answer, call, seat)) return 'session_unknown'
    if (answer.status >= 300) {
      throw new Refusal('upstream_unavailable', { detail: `status ${answer.status} for a list` })
    }
    cursor = learnNames(responseIn(answer, id), { id, call, seat, catalogue, pins })
    if (cursor === undefined) return 'listed'
  }
  return 'listed'
}

/** A legacy server answers 404 for a session that has ended; some answer 400 (transports, "Session Management"). */
function isSessionUnknown({ status }: Answer, { era }: Call, { head }: Seat): boolean {
  return era === 'legacy' && head?.sessionId !== undefined && (status === 404 || status === 400)
}

function headersFor(
  method: string,
  { call, seat, injected }: Pick<Asked, 'call' | 'seat'> & { readonly injected: Injected },
): string[] {
  const { head } = seat
  if (head === undefined)
    throw new Refusal('internal', { detail: 'look-up without a request head' })
  return upHeaders({
    method: 'POST',
    call: { era: call.era, kind: 'request', method },
    head: { ...head, method },
    traceparent: undefined,
    tracestate: undefined,
    credential: injected,
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

type Page = Pick<Asked, 'call' | 'seat'> & {
  readonly id: string
  readonly catalogue: Catalogue
  readonly pins: Pins
}

/** @returns the cursor of the next page. */
function learnNames(
  response: Uint8Array | undefined,
  { id, call, seat, catalogue, pins }: Page,
): string | undefined {
  const read = response && filterAnswer(response, { id, show: () => true })
  if (read?.ok !== true) throw new Refusal('upstream_unavailable', { detail: 'unreadable list' })
  const { name } = seat.server
  const { caller } = seat.journey
  if (response !== undefined && read.tools !== undefined && caller !== undefined) {
    observePage(pins, { server: seat.server, caller, call }, { bytes: response, page: undefined })
  }
  learnList(catalogue, name, { ...read, era: call.era })
  return read.nextCursor
}

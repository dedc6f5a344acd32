/**
 * Asks a server for its list when a permitted call names a tool or prompt that no list has shown yet,
 * in the caller's own session. One look-up at a time per session and at most one a second; sessions can
 * be made up as names can, so a caller has a bound over all of them too.
 */
import { filterAnswer } from '../mcp/list.ts'
import type { Call } from '../model/call.ts'
import { Refusal } from '../model/refusal.ts'
import type { Answer } from '../upstream/answer.ts'
import { OWN_LIST } from '../upstream/collect.ts'
import type { Catalogue, ListedKind } from './catalogue.ts'
import type { Seat } from './frame.ts'
import type { Desk } from './desk.ts'
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

/** A list seen this recently is not asked for again. */
const FRESH_MS = 1_000

/** Look-ups at one server that a caller may cause in `FRESH_MS`, in whatever sessions. */
const MAX_PER_CALLER = 5

/** Pages of one list; a server with more has names that only its callers' own listing teaches. */
const MAX_PAGES = 50

/** Look-ups remembered, and callers; the oldest are forgotten. */
const MAX_REMEMBERED = 1_000

export type Wanted = {
  readonly kind: ListedKind
  readonly name: string
  readonly call: Call
  readonly seat: Seat
}

/**
 * Whether the server lists this name. True also when it does not know the legacy session the call is in:
 * the call then learns that from the server itself, and its client begins a new session.
 *
 * Throws a `Refusal` when that cannot be known: `upstream_unavailable`, `upstream_timeout`.
 */
export type LookUp = (wanted: Wanted) => Promise<boolean>

type Outcome = 'listed' | 'session_unknown'

type Memory = { readonly running: Promise<Outcome>; endedTick: number | undefined }

/** What one caller has had looked up at one server since `sinceTick`. */
type Spent = { readonly sinceTick: number; count: number; newest: Promise<unknown> | undefined }

export type LookUpOptions = {
  readonly conversations: Asking
  readonly catalogue: Catalogue
  readonly swaps: Desk['swaps']
  readonly pins: Pins
  /** Monotonic milliseconds. */
  readonly tick: () => number
}

/** Remembers look-ups for `FRESH_MS`, bounded. */
export function createLookUp(options: LookUpOptions): LookUp {
  const { catalogue, tick } = options
  const remembered = new Map<string, Memory>()
  const spent = new Map<string, Spent>()
  return async ({ kind, name, call, seat }) => {
    const server = seat.server.name
    const party = partyOf(seat)
    const session = call.era === 'legacy' ? seat.head?.sessionId : undefined
    const key = JSON.stringify([party, kind, call.era, session])
    let memory = recent(remembered.get(key))
    if (memory === undefined) {
      // What another session of this caller is being told may name it already.
      const newest = spent.get(party)?.newest
      if (newest !== undefined) await newest.catch(() => undefined)
      if (catalogue.knows(server, kind, name)) return true
      memory = recent(remembered.get(key)) ?? begin(key, party, { kind, call, seat })
    }
    try {
      if ((await memory.running) === 'session_unknown') return true
    } catch (error) {
      // An earlier page may have named it.
      if (!catalogue.knows(server, kind, name)) throw error
    }
    return catalogue.knows(server, kind, name)
  }

  function recent(memory: Memory | undefined): Memory | undefined {
    const endedTick = memory?.endedTick
    return endedTick !== undefined && tick() - endedTick > FRESH_MS ? undefined : memory
  }

  function begin(key: string, party: string, asked: Asked): Memory {
    const account = spend(party)
    const memory: Memory = { running: list(asked, options), endedTick: undefined }
    const end = (): void => void (memory.endedTick = tick())
    void memory.running.then(end, end)
    account.newest = memory.running
    remember(remembered, key, memory)
    return memory
  }

  function spend(party: string): Spent {
    let account = spent.get(party)
    if (account === undefined || tick() - account.sinceTick > FRESH_MS) {
      account = { sinceTick: tick(), count: 0, newest: undefined }
      remember(spent, party, account)
    }
    if (account.count >= MAX_PER_CALLER) {
      const message = 'Too many calls of names that no list shows'
      throw new Refusal('upstream_unavailable', { message, detail: 'look-ups of one caller' })
    }
    account.count += 1
    return account
  }
}

type Asked = Omit<Wanted, 'name'>

/** A caller at a server. Another token of the same party is the same caller. */
function partyOf({ journey, server }: Seat): string {
  const { caller } = journey
  return JSON.stringify([
    server.name,
    caller?.tenant,
    caller?.issuer,
    caller?.subject,
    caller?.client,
  ])
}

function remember<T>(map: Map<string, T>, key: string, value: T): void {
  map.delete(key)
  map.set(key, value)
  const [oldest] = map.keys()
  if (map.size > MAX_REMEMBERED && oldest !== undefined) map.delete(oldest)
}

async function list(
  { kind, call, seat }: Asked,
  { conversations, catalogue, pins, swaps, tick }: LookUpOptions,
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

/**
 * An event stream from a server, read frame by frame: each message a server sends down is judged like
 * any other, lists are filtered by their shape whatever they answer, and what may not pass is left out.
 * Frames keep their order; comments, ids and retry hints are relayed.
 */
import { ANSWER_BOUNDS } from '../mcp/bounds.ts'
import type { Message } from '../mcp/message.ts'
import { scan } from '../mcp/scan.ts'
import type { SseEvent, SseItem } from '../mcp/sse.ts'
import { createSseFramer, formatSse } from '../mcp/sse.ts'
import type { Permit } from '../model/permit.ts'
import { Queue } from '../model/queue.ts'
import { Refusal } from '../model/refusal.ts'
import type { Sink, Source } from '../upstream/answer.ts'
import { MAX_ANSWER_BYTES } from '../upstream/exchange.ts'
import { type Declined, decline } from './decline.ts'
import type { Desk } from './desk.ts'
import { showEndpoint } from './endpoint.ts'
import { judge } from './judge.ts'
import { judgeInputs, showInputs } from './judge-inputs.ts'
import { ownerOf } from './handles.ts'
import { createPace, type Pace } from './pace.ts'
import { sealIds } from './request-ids.ts'
import { settleDown } from './settle-down.ts'
import { owedTo, takeOwed } from './show-batch.ts'
import type { Answered } from './show-message.ts'
import { showMessage } from './show-message.ts'
import { readTold } from './tell-on-stream.ts'
import type { LastWords, StreamEnding } from './visit.ts'

/** Items waiting to be judged before the server is told to wait. */
const MAX_WAITING = 64

/**
 * Replies to refused requests that one stream has open at once. A server that asks faster than it takes
 * them waits: nobody owes it more.
 */
const MAX_DECLINING = 16

export class FilteredStream implements Source, Sink {
  /** A request is owed a response, so that its caller need not wait for a time-out. */
  readonly ending: StreamEnding
  readonly #inner: Source
  readonly #answered: Answered
  readonly #desk: Desk
  readonly #framer = createSseFramer({ maxEventBytes: MAX_ANSWER_BYTES })
  #outer: Sink | undefined
  readonly #waiting = new Queue<SseItem>()
  #working = false
  #readerReady = true
  #innerEnded = false
  /** The caller's requests whose response has not come yet. */
  readonly #owed: Permit[]
  readonly #declining = new Set<Promise<void>>()
  #pace: Pace | undefined

  constructor(inner: Source, answered: Answered, desk: Desk) {
    this.#owed = owedTo(answered.permit)
    const lastWords = (error: unknown): LastWords => this.#lastWords(error)
    this.ending = this.#owed.length === 0 ? 'clean' : { lastWords }
    this.#inner = inner
    this.#answered = answered
    this.#desk = desk
  }

  pipe(sink: Sink): void {
    this.#outer = sink
    this.#inner.pipe(this)
  }

  pause(): void {
    this.#inner.pause()
  }

  resume(): void {
    this.#readerReady = true
    this.#inner.resume()
  }

  abort(reason: unknown): void {
    // A message that is being judged may come after this: it has nowhere to go.
    this.fail(reason)
    this.#inner.abort(reason)
  }

  write(chunk: Uint8Array): boolean {
    for (const item of this.#framer.push(chunk)) this.#waiting.add(item)
    if (!this.#working) void this.#work()
    return this.#readerReady && this.#waiting.size < MAX_WAITING
  }

  end(): void {
    this.#innerEnded = true
    if (!this.#working) this.#outer?.end()
  }

  fail(error: unknown): void {
    this.#waiting.clear()
    const outer = this.#outer
    this.#outer = undefined
    outer?.fail(error)
  }

  /** Judges waiting items one after the other; a failure ends the stream as broken, never as whole. */
  async #work(): Promise<void> {
    this.#working = true
    try {
      for (let item = this.#waiting.take(); item !== undefined; item = this.#waiting.take()) {
        const text = await this.#pass(item)
        if (text !== undefined) this.#deliver(text)
      }
    } catch (error) {
      this.#inner.abort(error)
      this.fail(error)
    }
    this.#working = false
    if (this.#innerEnded) this.#outer?.end()
    else if (this.#readerReady) this.#inner.resume()
  }

  #deliver(text: string): void {
    if (this.#outer?.write(Buffer.from(text)) === false) {
      this.#readerReady = false
      this.#inner.pause()
    }
  }

  /** What goes on of one item; undefined when nothing does. */
  async #pass(read: SseItem): Promise<string | undefined> {
    const item = this.#withOwnId(read)
    if (item.kind === 'comment') return formatSse(item)
    if (item.kind === 'overflow')
      throw new Refusal('upstream_unavailable', { detail: 'event too large' })
    const { permit, seat } = this.#answered
    const desk = this.#desk.latest()
    if (item.event === 'endpoint') {
      const data = showEndpoint(item.data ?? '', { seat, caller: permit.caller }, desk)
      return formatSse({ ...item, data })
    }
    if (item.data === undefined || item.data === '') return formatSse(item)
    if (permit.server.upstream.transport === 'sse') {
      // Clients of this era read messages only; what else is sent keeps the connection alive.
      if (!isMessage(item)) return formatSse({ ...item, data: undefined })
      const told = readTold(item.data, permit, desk)
      if (told !== undefined) return formatSse({ ...item, data: told })
    }
    return await this.#passMessages(item, Buffer.from(item.data))
  }

  /**
   * An event id resumes a stream, so it is a handle: sealed for the caller and server of this one, with the
   * key that is current now, which may have changed since the stream began.
   */
  #withOwnId(item: SseItem): SseItem {
    const { call, caller, server } = this.#answered.permit
    if (item.kind !== 'event' || !item.id || call.era !== 'legacy') return item
    const { seals } = this.#desk.latest()
    return { ...item, id: seals.seal('event', ownerOf(caller, server), item.id) }
  }

  async #passMessages(item: SseEvent, bytes: Uint8Array): Promise<string | undefined> {
    const scanned = scan(bytes, ANSWER_BOUNDS)
    if (!scanned.ok) throw new Refusal('upstream_unavailable', { detail: scanned.problem.message })
    const kept: string[] = []
    for (const message of scanned.messages) {
      const text = await this.#show(message, bytes)
      if (text !== undefined) kept.push(text)
    }
    if (kept.length === 0) return undefined
    const data = scanned.batch ? `[${kept.join(',')}]` : kept.join('')
    return formatSse({ ...item, data })
  }

  async #show(message: Message, bytes: Uint8Array): Promise<string | undefined> {
    const { permit, seat } = this.#answered
    const desk = this.#desk.latest()
    const own = bytes.subarray(message.span.start, message.span.end)
    if (message.kind === 'request' && !this.#keepsPace()) {
      await this.#decline(message.id?.text ?? 'null', 'rate_limited')
      return undefined
    }
    try {
      await judge(
        { seat, direction: 'down', content: { kind: 'message', message } },
        permit.caller,
        desk,
      )
    } catch (error) {
      if (!(error instanceof Refusal) || message.kind === 'response') throw error
      if (message.id !== undefined) await this.#decline(message.id.text, 'policy_denied')
      return undefined
    } finally {
      settleDown(seat.journey, this.#desk)
    }
    if (message.kind !== 'response') {
      if (!(await this.#mayAsk(message))) return undefined
      if (message.method === 'notifications/subscriptions/acknowledged') {
        seat.hears = message.params?.listening?.lists
      }
      return textOf(sealIds(own, message, { permit, seat, desk }))
    }
    const asked = takeOwed(this.#owed, message.id)
    // An array is told what it asked for and no more.
    if (asked === undefined && permit.elements !== undefined) return undefined
    const answers = asked === undefined ? 'any_call' : 'this_call'
    // Any id: a stream of a legacy session may carry responses to other requests of it.
    const showing = { bytes: own, id: undefined, permit: asked ?? permit, seat, answers } as const
    const shown = showMessage(showing, desk)
    if (!shown.ok) {
      if (asked !== undefined) this.#owed.push(asked)
      throw new Refusal('upstream_unavailable', { detail: shown.problem.message })
    }
    const { inputs } = shown
    if (inputs === undefined) return textOf(shown.bytes)
    return textOf(await showInputs({ bytes: shown.bytes, inputs }, this.#answered, desk))
  }

  /** A server that asks too fast is told so, and nothing of it is recorded. */
  #keepsPace(): boolean {
    const { tick, emit } = this.#desk
    this.#pace ??= createPace({ server: this.#answered.permit.server.name, tick, emit })
    return this.#pace()
  }

  /** Whether what a task asks for may be asked; who may not know it can still ask about the task. */
  async #mayAsk({ method, params }: Message): Promise<boolean> {
    const inputs = params?.inputs
    if (inputs === undefined || method !== 'notifications/tasks') return true
    if (inputs.unfit !== undefined) return false
    try {
      await judgeInputs(inputs.asked, this.#answered, this.#desk.latest())
      return true
    } catch (error) {
      if (error instanceof Refusal) return false
      throw error
    }
  }

  /** Tells the server that its request was refused; in the modern era there is no way up for that. */
  async #decline(id: string, why: Declined): Promise<void> {
    const { permit, seat } = this.#answered
    if (permit.call.era === 'modern') return
    if (this.#declining.size >= MAX_DECLINING) await Promise.race(this.#declining)
    const declined = decline(seat, { id, why }, this.#desk.conversations).finally(() =>
      this.#declining.delete(declined),
    )
    this.#declining.add(declined)
  }

  #lastWords(reason: unknown): LastWords {
    // A request has one response: after it, an error with its id would be a second one.
    const [first] = this.#owed
    if (first === undefined) return { text: ': the server broke off\n\n', after: 'cut' }
    const { id, method } = first.call
    if (method === 'subscriptions/listen' && isOurDoing(reason)) {
      // The polite end of a subscription is its result (MCP 2026-07-28, "Subscriptions").
      const meta = `{"io.modelcontextprotocol/subscriptionId":${id}}`
      const result = `{"resultType":"complete","_meta":${meta}}`
      return { text: `data: {"jsonrpc":"2.0","id":${id},"result":${result}}\n\n`, after: 'end' }
    }
    const error = '{"code":1003,"message":"The server broke off its answer"}'
    const words = this.#owed.map(
      ({ call }) => `data: {"jsonrpc":"2.0","id":${call.id},"error":${error}}\n\n`,
    )
    return { text: words.join(''), after: 'cut' }
  }
}

/** Whether the gateway ends the stream: its caller may not have it any longer, or the process ends. */
function isOurDoing(reason: unknown): boolean {
  return (
    reason instanceof Refusal &&
    (reason.code === 'invalid_token' || reason.code === 'shutting_down')
  )
}

/** The type of an event without one is `message` (WHATWG HTML, "Server-sent events"). */
function isMessage({ event }: SseEvent): boolean {
  return event === undefined || event === '' || event === 'message'
}

function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8')
}

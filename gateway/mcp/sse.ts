/**
 * Server-sent events (WHATWG HTML, "Server-sent events"): an incremental framer for any chunking and any
 * line ends, and the way back. Comments and events without data are kept, for a relay must not lose a
 * keep-alive, a priming event (an id and empty data) or a retry hint.
 */

/** An event of a stream; a field that did not occur is undefined. */
export type SseEvent = {
  readonly kind: 'event'
  readonly event?: string | undefined
  readonly id?: string | undefined
  /** Milliseconds to wait before connecting again. */
  readonly retry?: number | undefined
  /** The lines joined by LF; empty when there was only an empty `data` field. */
  readonly data: string | undefined
}

/** A comment line, without its colon. It may have stood between the lines of the event after it. */
export type SseComment = { readonly kind: 'comment'; readonly text: string }

/** The stream held more than `maxEventBytes` without finishing an event. Always the last item. */
export type SseOverflow = { readonly kind: 'overflow' }

export type SseItem = SseEvent | SseComment | SseOverflow

export type SseFramer = {
  /**
   * The items this chunk completes, in order. An event counts when its blank line has arrived: what the
   * stream ends in the middle of is never returned. After an overflow nothing is returned any more.
   */
  push(chunk: Uint8Array): readonly SseItem[]
}

/** Bytes an event may have, field names included, before it is an overflow. */
export const MAX_EVENT_BYTES = 1_048_576

const LF = 0x0a
const CR = 0x0d

/** A framer for one stream. `maxEventBytes` also bounds what it keeps between chunks. */
export function createSseFramer(options: { readonly maxEventBytes?: number } = {}): SseFramer {
  const framer: Framer = {
    maxBytes: options.maxEventBytes ?? MAX_EVENT_BYTES,
    rest: Buffer.alloc(0),
    restBytes: 0,
    eventBytes: 0,
    event: emptyEvent(),
    isFirstLine: true,
    afterCr: false,
    overflowed: false,
  }
  return { push: (chunk) => push(framer, chunk) }
}

/** The event whose lines are arriving. */
type PendingEvent = {
  event: string | undefined
  id: string | undefined
  retry: number | undefined
  readonly data: string[]
}

type Framer = {
  readonly maxBytes: number
  /** The start of a line that has not ended yet, in the first `restBytes` bytes. */
  rest: Buffer
  restBytes: number
  /** Bytes of the lines of `event`. */
  eventBytes: number
  event: PendingEvent
  isFirstLine: boolean
  /** The line before ended in CR: a LF that follows belongs to that line end. */
  afterCr: boolean
  overflowed: boolean
}

function emptyEvent(): PendingEvent {
  return { event: undefined, id: undefined, retry: undefined, data: [] }
}

function push(framer: Framer, chunk: Uint8Array): readonly SseItem[] {
  const items: SseItem[] = []
  if (framer.overflowed || chunk.length === 0) return items
  const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)
  let at = framer.afterCr && bytes[0] === LF ? 1 : 0
  framer.afterCr = false
  let lf = bytes.indexOf(LF, at)
  let cr = bytes.indexOf(CR, at)
  while (lf !== -1 || cr !== -1) {
    const end = cr === -1 || (lf !== -1 && lf < cr) ? lf : cr
    if (!endLine(framer, bytes.subarray(at, end), items)) return items
    at = end + 1
    if (end === cr) {
      framer.afterCr = at === bytes.length
      if (bytes[at] === LF) at += 1
      cr = bytes.indexOf(CR, at)
    }
    if (lf !== -1 && lf < at) lf = bytes.indexOf(LF, at)
  }
  keepRest(framer, bytes.subarray(at), items)
  return items
}

/** Whether `bytes` more still fit into the event; if not, the stream is at its end for us. */
function fits(framer: Framer, bytes: number, items: SseItem[]): boolean {
  if (framer.restBytes + framer.eventBytes + bytes <= framer.maxBytes) return true
  framer.overflowed = true
  framer.rest = Buffer.alloc(0)
  framer.event = emptyEvent()
  items.push({ kind: 'overflow' })
  return false
}

/** Copies what a chunk ends with. The room for it doubles, so that single bytes cost no more. */
function keepRest(framer: Framer, piece: Buffer, items: SseItem[]): void {
  if (piece.length === 0 || !fits(framer, piece.length, items)) return
  const needed = framer.restBytes + piece.length
  if (needed > framer.rest.length) {
    const larger = Buffer.alloc(Math.max(needed, framer.rest.length * 2))
    framer.rest.copy(larger, 0, 0, framer.restBytes)
    framer.rest = larger
  }
  piece.copy(framer.rest, framer.restBytes)
  framer.restBytes = needed
}

function endLine(framer: Framer, piece: Buffer, items: SseItem[]): boolean {
  if (!fits(framer, piece.length, items)) return false
  const line =
    framer.restBytes === 0
      ? piece
      : Buffer.concat([framer.rest.subarray(0, framer.restBytes), piece])
  const text = line.toString('utf8', framer.isFirstLine && startsWithMark(line) ? 3 : 0)
  framer.isFirstLine = false
  framer.restBytes = 0
  if (text.startsWith(':')) {
    items.push({ kind: 'comment', text: text.slice(1) })
  } else if (text !== '') {
    framer.eventBytes += line.length
    addField(framer.event, text)
  } else {
    const item = finishEvent(framer.event)
    if (item !== undefined) items.push(item)
    framer.event = emptyEvent()
    framer.eventBytes = 0
    framer.rest = Buffer.alloc(0)
  }
  return true
}

function startsWithMark(line: Buffer): boolean {
  return line[0] === 0xef && line[1] === 0xbb && line[2] === 0xbf
}

function addField(event: PendingEvent, line: string): void {
  const colon = line.indexOf(':')
  const name = colon === -1 ? line : line.slice(0, colon)
  const start = line[colon + 1] === ' ' ? colon + 2 : colon + 1
  const value = colon === -1 ? '' : line.slice(start)
  switch (name) {
    case 'data':
      event.data.push(value)
      break
    case 'event':
      event.event = value
      break
    case 'id':
      if (!value.includes('\0')) event.id = value
      break
    case 'retry':
      event.retry = readRetry(value) ?? event.retry
      break
    default:
  }
}

/** ASCII digits only, and no more than a number holds exactly. */
function readRetry(value: string): number | undefined {
  const number = Number(value)
  const isDigits = /^[0-9]+$/.test(value)
  return isDigits && Number.isSafeInteger(number) ? number : undefined
}

function finishEvent({ event, id, retry, data }: PendingEvent): SseEvent | undefined {
  if (data.length > 0) return { kind: 'event', event, id, retry, data: data.join('\n') }
  const isEmpty = event === undefined && id === undefined && retry === undefined
  return isEmpty ? undefined : { kind: 'event', event, id, retry, data: undefined }
}

/**
 * The text of an event or comment, blank line included. No value can forge a line: data and comments are
 * cut at every CR and LF into lines of their own, other values lose them, an `id` with NUL is left out.
 */
export function formatSse(item: SseEvent | SseComment): string {
  if (item.kind === 'comment') return `${prefixLines(':', item.text)}\n`
  let text = ''
  if (item.event !== undefined) text += `event: ${oneLine(item.event)}\n`
  if (item.id !== undefined && !item.id.includes('\0')) text += `id: ${oneLine(item.id)}\n`
  if (item.retry !== undefined) text += `retry: ${item.retry}\n`
  if (item.data !== undefined) text += prefixLines('data: ', item.data)
  return text === '' ? '' : `${text}\n`
}

function prefixLines(prefix: string, text: string): string {
  const lines = hasLineEnd(text) ? text.split(/\r\n|\r|\n/) : [text]
  return lines.map((line) => `${prefix}${line}\n`).join('')
}

function oneLine(text: string): string {
  return hasLineEnd(text) ? text.replaceAll(/[\r\n]/g, '') : text
}

function hasLineEnd(text: string): boolean {
  return text.includes('\n') || text.includes('\r')
}

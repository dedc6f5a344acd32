/**
 * Reads the head of the answers that nearly every server gives: whole in the first piece, HTTP/1.1, plain ASCII, a
 * length or chunks. Any other is odd and left to node:http, so that there is no second opinion on it; what is
 * read here, node:http reads the same (a fuzz test holds the two against each other).
 */

import { FIELD, HEAD_END } from '../model/http-fields.ts'

/** Of an answer head, in bytes; above it the answer is refused (R-HTTP-7). */
export const MAX_HEAD_BYTES = 16_384

/** 1xx are followed by another head. */
const STATUS_LINE = /^HTTP\/1\.1 ([2-5]\d\d) [\t -~]*$/

const LENGTH = /^(?:0|[1-9]\d{0,14})$/

/** `Keep-Alive: timeout=5`, in seconds. */
const TIMEOUT = /(?:^|[,\s])timeout=(\d{1,6})(?:$|[,\s])/i

const KEPT = 'keep-alive'

/** Says more of the connection or of the body than is understood here. */
const ODD_FIELDS = new Set(['trailer', 'upgrade', 'proxy-connection'])

/** Read by somebody; two of one are odd. */
const READ_FIELDS = new Set([
  'allow',
  'connection',
  'content-encoding',
  'content-length',
  'content-type',
  'keep-alive',
  'mcp-session-id',
  'retry-after',
  'transfer-encoding',
  'www-authenticate',
])

export type AnswerHead = {
  readonly status: number
  /** Those that are read, by lower-case name. */
  readonly headers: Readonly<Record<string, string>>
  /** Where the body begins, in these bytes. */
  readonly bodyStart: number
  /** Bytes of the body; undefined when it comes in chunks. */
  readonly length: number | undefined
  /** Whether the connection can be used again. */
  readonly isKept: boolean
  /** For how long when nobody uses it, in milliseconds, where the server says it. */
  readonly keptMs: number | undefined
}

/** The head that these bytes begin with; undefined when it is odd. */
export function readAnswerHead(bytes: Buffer): AnswerHead | undefined {
  const end = bytes.indexOf(HEAD_END)
  if (end === -1 || end > MAX_HEAD_BYTES) return undefined
  const lines = bytes.toString('latin1', 0, end).split('\r\n')
  const status = Number(STATUS_LINE.exec(lines[0] ?? '')?.[1])
  if (Number.isNaN(status)) return undefined
  const headers: Record<string, string> = {}
  for (let at = 1; at < lines.length; at += 1) {
    const field = FIELD.exec(lines[at] ?? '')
    if (field === null) return undefined
    const [, name = '', value = ''] = field
    const known = name.toLowerCase()
    if (ODD_FIELDS.has(known)) return undefined
    if (!READ_FIELDS.has(known)) continue
    if (headers[known] !== undefined) return undefined
    headers[known] = value
  }
  const length = readLength(status, headers)
  const connection = headers['connection']?.toLowerCase() ?? KEPT
  if (length === undefined || (connection !== KEPT && connection !== 'close')) return undefined
  const seconds = TIMEOUT.exec(headers['keep-alive'] ?? '')?.[1]
  return {
    status,
    headers,
    bodyStart: end + HEAD_END.length,
    length: length === 'chunked' ? undefined : length,
    isKept: connection === KEPT,
    keptMs: seconds === undefined ? undefined : Number(seconds) * 1_000,
  }
}

/** RFC 9112 §6.3, where there is only one way to read it. */
function readLength(
  status: number,
  headers: Readonly<Record<string, string>>,
): number | 'chunked' | undefined {
  const length = headers['content-length'] ?? ''
  const encoding = headers['transfer-encoding']?.toLowerCase() ?? ''
  if (status === 204 || status === 304)
    return encoding === '' && (length === '' || length === '0') ? 0 : undefined
  if (encoding !== '') return encoding === 'chunked' && length === '' ? 'chunked' : undefined
  return LENGTH.test(length) ? Number(length) : undefined
}

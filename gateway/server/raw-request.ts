/**
 * Reads the one form of request that nearly every call has: a POST that is there whole, with a length, plain
 * ASCII and nothing that asks the connection for something. Everything else is left to node:http, so that
 * there is no second opinion on what is odd; what is read here, node:http reads the same (a fuzz test holds
 * the two against each other).
 */
import { FIELD, HEAD_END } from '../model/http-fields.ts'

/** Of a request head, in bytes; node:http refuses longer ones. */
export const MAX_HEAD_BYTES = 16_384

const REQUEST_LINE = /^POST (\/[!-~]*) HTTP\/1\.1$/

const LENGTH = /^(?:0|[1-9]\d{0,7})$/

/** What asks something of the connection, or says where the body ends in another way. */
const NOT_HERE = new Set([
  'expect',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])

/** A request as its bytes say it; nothing of it is decoded. */
export type RawRequest = {
  readonly target: string
  /** Name, value, name, value, as they came. */
  readonly rawHeaders: readonly string[]
  readonly contentLength: string
  readonly forwardedFor: string | undefined
  readonly body: Uint8Array
}

/** The request that these bytes are, all of them and nothing more; undefined when they are anything else. */
export function readRawRequest(bytes: Buffer): RawRequest | undefined {
  const headEnd = bytes.indexOf(HEAD_END)
  if (headEnd === -1 || headEnd > MAX_HEAD_BYTES) return undefined
  const lines = bytes.toString('latin1', 0, headEnd).split('\r\n')
  const target = REQUEST_LINE.exec(lines[0] ?? '')?.[1]
  if (target === undefined) return undefined
  const rawHeaders: string[] = []
  let hosts = 0
  let contentLength: string | undefined
  let forwardedFor: string | undefined
  for (let at = 1; at < lines.length; at += 1) {
    const field = FIELD.exec(lines[at] ?? '')
    if (field === null) return undefined
    const [, name = '', value = ''] = field
    const known = name.toLowerCase()
    if (NOT_HERE.has(known)) return undefined
    if (known === 'host') hosts += 1
    else if (known === 'connection' && value.toLowerCase() !== 'keep-alive') return undefined
    else if (known === 'x-forwarded-for')
      forwardedFor = forwardedFor === undefined ? value : `${forwardedFor}, ${value}`
    else if (known === 'content-length') {
      if (contentLength !== undefined || !LENGTH.test(value)) return undefined
      contentLength = value
    }
    rawHeaders.push(name, value)
  }
  if (hosts !== 1 || contentLength === undefined) return undefined
  const bodyStart = headEnd + HEAD_END.length
  if (bytes.length - bodyStart !== Number(contentLength)) return undefined
  const body = bytes.subarray(bodyStart)
  return { target, rawHeaders, contentLength, forwardedFor, body }
}

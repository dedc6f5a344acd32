import { isUtf8 } from '../model/charset.ts'
import { Refusal } from '../model/refusal.ts'
import type { Head } from './admit.ts'

/**
 * Step 1c: a POST must say `application/json` in UTF-8 and be uncoded (R-PARSE-1). This also keeps out
 * every request a browser sends across sites without asking first (R-PARSE-7).
 * @throws {Refusal} `unsupported_media_type`.
 */
export function checkMediaType(head: Head): void {
  if (head.contentType === 'application/json' && head.contentEncoding === undefined) return
  if (head.contentEncoding !== undefined && head.contentEncoding.toLowerCase() !== 'identity') {
    throw new Refusal('unsupported_media_type', { message: 'Content-Encoding is not supported' })
  }
  const type = (head.contentType ?? '').split(';', 1)[0] ?? ''
  if (type.trim().toLowerCase() !== 'application/json') throw new Refusal('unsupported_media_type')
  if (!isUtf8(head.contentType ?? '')) {
    throw new Refusal('unsupported_media_type', { message: 'charset must be utf-8' })
  }
}

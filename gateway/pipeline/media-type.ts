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
  const [type = '', ...parameters] = (head.contentType ?? '').split(';')
  if (type.trim().toLowerCase() !== 'application/json') throw new Refusal('unsupported_media_type')
  for (const parameter of parameters) {
    const [name = '', value = ''] = parameter.split('=')
    if (name.trim().toLowerCase() !== 'charset') continue
    const charset = value.trim().replaceAll('"', '').toLowerCase()
    if (charset !== 'utf-8' && charset !== 'utf8') {
      throw new Refusal('unsupported_media_type', { message: 'charset must be utf-8' })
    }
  }
}

/** The head of a request as it goes over the wire. */
import { NOT_IN_A_FIELD } from '../model/http-fields.ts'
import type { Dispatch } from './dispatch.ts'

const NOT_A_NAME = /[^!#$%&'*+\-.^_`|~0-9A-Za-z]/

const NOT_IN_A_TARGET = /[^!-~]/

/**
 * Latin-1, up to and with its blank line.
 *
 * @param host Value of `Host`.
 * @throws {TypeError} When it could be read as something else than it says.
 */
export function requestHead({ method, path, headers, body }: Dispatch, host: string): string {
  if (NOT_IN_A_TARGET.test(path)) throw new TypeError('the path cannot be sent')
  let head = `${method} ${path} HTTP/1.1\r\nhost: ${host}\r\nconnection: keep-alive\r\n`
  for (let at = 0; at + 1 < headers.length; at += 2) {
    const [name = '', value = ''] = [headers[at], headers[at + 1]]
    if (name === '' || NOT_A_NAME.test(name) || NOT_IN_A_FIELD.test(value))
      throw new TypeError(`the header ${JSON.stringify(name)} cannot be sent`)
    head += `${name}: ${value}\r\n`
  }
  const length =
    body === null && method !== 'POST' ? '' : `content-length: ${body?.length ?? 0}\r\n`
  return `${head}${length}\r\n`
}

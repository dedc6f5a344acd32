/**
 * Preload (`node --import`) for programs that call a server and cannot be told to send a header: adds
 * `GATEHOUSE_TEST_AUTHORIZATION` as `Authorization` to every request to the origin in
 * `GATEHOUSE_TEST_ORIGIN` that has none, made with fetch, undici or `node:http`.
 */
import { subscribe } from 'node:diagnostics_channel'
import type { ClientRequest } from 'node:http'

/** What undici publishes before it sends a request; fetch is undici too. */
type UndiciRequest = {
  readonly origin: unknown
  readonly headers: readonly string[] | string
  addHeader(name: string, value: string): void
}

const { GATEHOUSE_TEST_AUTHORIZATION: authorization = '', GATEHOUSE_TEST_ORIGIN: origin } =
  process.env

subscribe('undici:request:create', (message) => {
  const { request } = message as { readonly request: UndiciRequest }
  if (String(request.origin) !== origin) return
  if (/^authorization(:|$)/im.test([request.headers].flat().join('\n'))) return
  request.addHeader('authorization', authorization)
})

subscribe('http.client.request.created', (message) => {
  const { request } = message as { readonly request: ClientRequest }
  if (`${request.protocol}//${String(request.getHeader('host'))}` !== origin) return
  if (!request.hasHeader('authorization')) request.setHeader('authorization', authorization)
})

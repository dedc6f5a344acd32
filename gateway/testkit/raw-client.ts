/** A client that sends good calls byte by byte, and bad ones by changing a single thing about them. */
import type { Exchanged, Expected, RawRequest } from './raw-http.ts'
import { exchangeRaw, requestText } from './raw-http.ts'
import { callTool } from './rpc.ts'

export type Header = readonly [name: string, value: string]

/** What is not as in a good call. */
export type Sent = Partial<RawRequest> & {
  /** A token in place of the good one; `none` sends none. */
  readonly bearer?: string
  /** A Host in place of the right one; `none` sends none. */
  readonly host?: string
  /** Added behind the others; framing among them replaces the right length. */
  readonly more?: readonly Header[]
}

export type RawClient = {
  /** The bytes of a request. */
  text(sent: Sent): string
  /** Sends it on a connection of its own. */
  send(sent: Sent, expected?: Expected): Promise<Exchanged>
}

/** The body of a good call. */
export const OK = JSON.stringify(callTool('echo'))

/** @param url Public URL of a server. */
export function createRawClient(url: string, token: string): RawClient {
  const { origin, host, pathname } = new URL(url)
  const text = ({ bearer = token, host: named = host, more = [], ...request }: Sent): string => {
    const body = request.body ?? OK
    const framed = more.some(([name]) => /^(content-length|transfer-encoding)$/i.test(name))
    const headers: Header[] = [
      ...(named === 'none' ? [] : [['Host', named] as const]),
      ...(bearer === 'none' ? [] : [['Authorization', `Bearer ${bearer}`] as const]),
      ['Content-Type', 'application/json'],
      ['Accept', 'application/json, text/event-stream'],
      ...more,
      ...(framed ? [] : [['Content-Length', String(Buffer.byteLength(body))] as const]),
    ]
    return requestText({ target: pathname, headers, ...request, body })
  }
  return { text, send: (sent, expected) => exchangeRaw(origin, text(sent), expected) }
}

/** A body as one chunk. */
export function chunked(body: string): string {
  return `${Buffer.byteLength(body).toString(16)}\r\n${body}\r\n0\r\n\r\n`
}

/** A GET that asks to change the protocol. */
export function upgradeTo(protocol: string): Sent {
  return {
    method: 'GET',
    more: [
      ['Connection', 'Upgrade, HTTP2-Settings'],
      ['Upgrade', protocol],
      ['HTTP2-Settings', 'AAMAAABkAARAAAAAAAIAAAAA'],
      ['Sec-WebSocket-Key', 'x3JJHMbDL1EzLkh9GBhXDw=='],
      ['Sec-WebSocket-Version', '13'],
      ['Content-Length', '0'],
    ],
    body: '',
  }
}

/** Requests bent in ways that two HTTP parsers might read differently. Each mutation is plain data, so that a case can be printed and played again. */
import * as fc from 'fast-check'

export type Mutation =
  | { readonly kind: 'insert'; readonly at: number; readonly text: string }
  | { readonly kind: 'replace'; readonly at: number; readonly text: string }
  | { readonly kind: 'delete'; readonly at: number; readonly length: number }
  | { readonly kind: 'add_line'; readonly at: number; readonly text: string }
  | { readonly kind: 'repeat_line'; readonly at: number; readonly to: number }
  | { readonly kind: 'drop_line'; readonly at: number }
  | { readonly kind: 'end_lines'; readonly text: string }
  | { readonly kind: 'first_line'; readonly text: string }
  | { readonly kind: 'length'; readonly by: number }
  | { readonly kind: 'chunk'; readonly size: string; readonly text: string }
  | { readonly kind: 'append'; readonly request: number }
  | { readonly kind: 'embed'; readonly request: number; readonly at: number }
  | { readonly kind: 'swap_word'; readonly from: string; readonly to: string }

const BYTES = [
  ...Array.from('\0\t\n\v\f\r "#%\',./:;=?@\\_-{}\u007f\u0080\u00a0\u00ff'),
  '%00',
  '%0d%0a',
  '%2e',
  '%2f',
  '..',
  '//',
  '\r\n',
  '\r\n\r\n',
  '\n\n',
  '\r\r',
  'GET / HTTP/1.1\r\n\r\n',
  '0\r\n\r\n',
]

const LINES = [
  'Transfer-Encoding: chunked',
  'Transfer-Encoding: xchunked',
  'Transfer-Encoding : chunked',
  'Transfer-Encoding:\tchunked',
  'Transfer-Encoding: chunked, identity',
  'Transfer-Encoding: identity',
  'transfer_encoding: chunked',
  'Content-Length: 0',
  'Content-Length: 5',
  'Content-Length: +5',
  'Content-Length: 5, 5',
  'Content-Length: 0x5',
  'content_length: 5',
  'Expect: 100-continue',
  'Connection: close',
  'Connection: keep-alive, authorization, content-length',
  'Connection: Upgrade',
  'Upgrade: websocket',
  'Upgrade: h2c',
  'Host: evil.example',
  'Host:',
  'X-Forwarded-Host: evil.example',
  'X-HTTP-Method-Override: DELETE',
  'X-Original-URL: /admin',
  'Authorization: Bearer x',
  'Cookie: a=b',
  'Content-Type: text/plain',
  'Content-Encoding: gzip',
  'Mcp-Name: delete_all',
  'Mcp-Method: tools/list',
  'Mcp-Param-X: \u00e9\u00ff',
  'MCP-Protocol-Version: 2026-07-28',
  'MCP-Protocol-Version: 2025-11-25',
  'Mcp-Session-Id: abc\u00e9',
  'Last-Event-ID: a b',
  'traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
  'tracestate: a=\u00ff,b',
  'Trailer: Authorization',
  ' folded',
  ': no name',
  'no colon',
  '__proto__: x',
]

const FIRST_LINES = [
  'POST /mcp HTTP/1.0',
  'POST /mcp HTTP/2.0',
  'POST /mcp HTTP/1.1 ',
  'POST  /mcp HTTP/1.1',
  'POST\t/mcp\tHTTP/1.1',
  'POST /mcp',
  'post /mcp HTTP/1.1',
  'POST /mcp/../mcp HTTP/1.1',
  'POST //mcp HTTP/1.1',
  'POST /mcp%20 HTTP/1.1',
  'POST /mcp?access_token=x HTTP/1.1',
  'POST /mcp#x HTTP/1.1',
  'POST http://evil.example/mcp HTTP/1.1',
  'POST * HTTP/1.1',
  'GET /mcp HTTP/1.1',
  'DELETE /mcp HTTP/1.1',
  'PUT /mcp HTTP/1.1',
  'OPTIONS /mcp HTTP/1.1',
  'CONNECT evil.example:80 HTTP/1.1',
  'TRACE /mcp HTTP/1.1',
  'GET /.well-known/oauth-protected-resource HTTP/1.1',
  '',
  'PRI * HTTP/2.0',
]

const WORDS = [
  'echo',
  'delete_all',
  'tools/call',
  'tools/list',
  'name',
  'method',
  'params',
  '/pub/',
  '/priv/',
]

const CHUNK_SIZES = [
  '%x',
  '0%x',
  '%X',
  '%x;a=b',
  '%x ',
  ' %x',
  '0x%x',
  '+%x',
  '-1',
  '%x\n',
  'fffffffffffffffff',
  '',
]

const anywhere = fc.nat({ max: 65_535 })
const oneOf = (texts: readonly string[]) => fc.constantFrom(...texts)

/** One mutation. Positions are taken modulo what there is. */
export const mutation: fc.Arbitrary<Mutation> = fc.oneof(
  fc.record({ kind: fc.constant('insert' as const), at: anywhere, text: oneOf(BYTES) }),
  fc.record({ kind: fc.constant('replace' as const), at: anywhere, text: oneOf(BYTES) }),
  fc.record({ kind: fc.constant('delete' as const), at: anywhere, length: fc.nat({ max: 20 }) }),
  fc.record({ kind: fc.constant('add_line' as const), at: anywhere, text: oneOf(LINES) }),
  fc.record({ kind: fc.constant('add_line' as const), at: anywhere, text: oneOf(LINES) }),
  fc.record({ kind: fc.constant('repeat_line' as const), at: anywhere, to: anywhere }),
  fc.record({ kind: fc.constant('drop_line' as const), at: anywhere }),
  fc.record({
    kind: fc.constant('end_lines' as const),
    text: oneOf(['\n', '\r', '\r\r\n', '\r\n ']),
  }),
  fc.record({ kind: fc.constant('first_line' as const), text: oneOf(FIRST_LINES) }),
  fc.record({ kind: fc.constant('length' as const), by: fc.integer({ min: -60, max: 400 }) }),
  fc.record({
    kind: fc.constant('chunk' as const),
    size: oneOf(CHUNK_SIZES),
    text: oneOf(['', '0\r\n\r\n', '0\r\nHost: x\r\n\r\n', '0\n\n', '00;x\r\n\r\n', '1\r\n']),
  }),
  fc.record({ kind: fc.constant('append' as const), request: anywhere }),
  fc.record({ kind: fc.constant('embed' as const), request: anywhere, at: anywhere }),
  fc.record({ kind: fc.constant('swap_word' as const), from: oneOf(WORDS), to: oneOf(WORDS) }),
)

const HEAD_END = '\r\n\r\n'

/** Applies a mutation to the bytes of a request, as latin1 text. `requests` are those it may bring in. */
export function mutate(text: string, change: Mutation, requests: readonly string[]): string {
  const other = (index: number): string => requests[index % requests.length] ?? ''
  const within = (at: number): number => at % (text.length + 1)
  switch (change.kind) {
    case 'insert':
      return splice(text, within(change.at), 0, change.text)
    case 'replace':
      return splice(text, within(change.at), 1, change.text)
    case 'delete':
      return splice(text, within(change.at), change.length, '')
    case 'append':
      return text + other(change.request)
    case 'embed':
      return splice(text, within(change.at), 0, other(change.request))
    case 'swap_word':
      return text.replace(change.from, change.to)
    default: {
      const end = text.indexOf(HEAD_END)
      if (end === -1) return text
      return mutateHead(text.slice(0, end).split('\r\n'), text.slice(end + HEAD_END.length), change)
    }
  }
}

type HeadMutation = Extract<
  Mutation,
  {
    kind: 'add_line' | 'repeat_line' | 'drop_line' | 'end_lines' | 'first_line' | 'length' | 'chunk'
  }
>

function mutateHead(lines: readonly string[], body: string, change: HeadMutation): string {
  const [first = '', ...headers] = lines
  const join = (all: readonly string[], rest = body): string => all.join('\r\n') + HEAD_END + rest
  const line = (at: number): number => at % (headers.length + 1)
  switch (change.kind) {
    case 'add_line':
      return join([first, ...headers.toSpliced(line(change.at), 0, change.text)])
    case 'repeat_line':
      return join([
        first,
        ...headers.toSpliced(line(change.to), 0, headers[change.at % headers.length] ?? ''),
      ])
    case 'drop_line':
      return join([first, ...headers.toSpliced(line(change.at), 1)])
    case 'first_line':
      return join([change.text, ...headers])
    case 'end_lines':
      return lines.join(change.text) + change.text + change.text + body
    case 'length':
      return join([first, ...unframed(headers), `Content-Length: ${body.length + change.by}`])
    case 'chunk': {
      const size = change.size
        .replace('%x', body.length.toString(16))
        .replace('%X', body.length.toString(16).toUpperCase())
      const framed = `${size}\r\n${body}\r\n${change.text}`
      return join([first, ...unframed(headers), 'Transfer-Encoding: chunked'], framed)
    }
  }
}

function unframed(headers: readonly string[]): readonly string[] {
  return headers.filter((header) => !/^(content-length|transfer-encoding):/i.test(header))
}

function splice(text: string, at: number, length: number, insert: string): string {
  return text.slice(0, at) + insert + text.slice(at + length)
}

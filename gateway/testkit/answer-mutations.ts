/** Answers of servers, bent in ways that two HTTP parsers might read differently. */
import * as fc from 'fast-check'

import type { Mutation } from './http-mutations.ts'
import { mutate, mutation } from './http-mutations.ts'

const STATUS_LINES = [
  'HTTP/1.0 200 OK',
  'HTTP/1.1 200',
  'HTTP/1.1 200 ',
  'HTTP/1.1 200 \t',
  'HTTP/1.1  200 OK',
  'HTTP/1.1 200 \u00e9',
  'HTTP/1.1 0200 OK',
  'HTTP/1.1 20 OK',
  'HTTP/1.1 100 Continue',
  'HTTP/1.1 101 Switching',
  'HTTP/1.1 103 Early',
  'HTTP/1.1 202 Accepted',
  'HTTP/1.1 204 No Content',
  'HTTP/1.1 205 Reset',
  'HTTP/1.1 206 Partial',
  'HTTP/1.1 304 Not Modified',
  'HTTP/1.1 599 Odd',
  'HTTP/1.1 600 Odd',
  'HTTP/2.0 200 OK',
  'ICY 200 OK',
  ' HTTP/1.1 200 OK',
  '',
]

const LINES = [
  'Connection: close',
  'Connection: keep-alive, close',
  'Connection: keep-alive',
  'Connection: Upgrade',
  'Connection: keep-alive, x',
  'Proxy-Connection: close',
  'Keep-Alive: timeout=0',
  'Keep-Alive: timeout=5, max=0',
  'Upgrade: h2c',
  'Trailer: Content-Length',
  'Transfer-Encoding: gzip, chunked',
  'Transfer-Encoding: Chunked',
  'Transfer-Encoding: chunked;q=1',
  'Content-Length: 1',
  'Content-Length: 00',
  'Content-Length: 1e1',
  'Content-Length: 999999999999999',
  'Content-Length: 9999999999999999',
  'Content-Length:\t5',
  'Content-Encoding: gzip',
  'Content-Type: text/event-stream',
  'Mcp-Session-Id: b',
  'Retry-After: 1',
  'Allow: GET',
  'WWW-Authenticate: Basic',
  'Set-Cookie: a=b',
  'X-Empty:',
  'X-Space: a ',
  'X-Many:  a',
  'constructor: x',
  '\ttab',
]

/** Behind the last chunk, or in place of it. */
const ENDS = [
  '0\r\n\r\n',
  '000\r\n\r\n',
  '0;x\r\n\r\n',
  '0\r\nX: y\r\n\r\n',
  '0\r\nContent-Length: 2\r\n\r\n',
  '0\r\n x\r\n\r\n',
  '0\n\n',
  '0\r\n\n',
  '0\r\n\r',
  '1\r\nx\r\n0\r\n\r\n',
  '00000000000000001\r\nx\r\n0\r\n\r\n',
  '',
]

const SIZES = ['%x', '0%x', '%X', '%x;a=b', '%x; a', '%x ', '%x\t', '0x%x', '-%x', '1', 'fffffffff']

const anywhere = fc.nat({ max: 65_535 })

const answerMutation: fc.Arbitrary<Mutation> = fc.oneof(
  { weight: 2, arbitrary: mutation },
  fc.record({
    kind: fc.constant('first_line' as const),
    text: fc.constantFrom(...STATUS_LINES),
  }),
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('add_line' as const),
      at: anywhere,
      text: fc.constantFrom(...LINES),
    }),
  },
  fc.record({ kind: fc.constant('length' as const), by: fc.integer({ min: -3, max: 3 }) }),
  fc.record({
    kind: fc.constant('chunk' as const),
    size: fc.constantFrom(...SIZES),
    text: fc.constantFrom(...ENDS),
  }),
  fc.record({ kind: fc.constant('append' as const), request: anywhere }),
)

const BODY = '{"jsonrpc":"2.0","id":7,"result":{}}'

const ANSWERS = [
  answer('200 OK', [`Content-Length: ${BODY.length}`], BODY),
  answer(
    '200 OK',
    ['Transfer-Encoding: chunked', 'Connection: keep-alive', 'Keep-Alive: timeout=5'],
    `${(10).toString(16)}\r\n${BODY.slice(0, 10)}\r\n${(BODY.length - 10).toString(16)}\r\n${BODY.slice(10)}\r\n0\r\n\r\n`,
  ),
  answer('202 Accepted', ['Content-Length: 0'], ''),
  answer('204 No Content', [], ''),
]

function answer(status: string, lines: readonly string[], body: string): string {
  const head = [`HTTP/1.1 ${status}`, 'Content-Type: application/json', ...lines]
  return `${head.join('\r\n')}\r\n\r\n${body}`
}

/** Mutations of one answer; more leave little that anybody can read. */
const MAX_MUTATIONS = 3

/** The bytes of an answer, in the pieces that they come in. */
export const bentAnswer: fc.Arbitrary<readonly Buffer[]> = fc
  .record({
    straight: fc.constantFrom(...ANSWERS),
    changes: fc.array(answerMutation, { maxLength: MAX_MUTATIONS }),
    // More of them lie behind the head, which is read in one piece or elsewhere.
    cuts: fc.array(fc.oneof(fc.nat({ max: 60 }), anywhere), { maxLength: 4 }),
  })
  .map(({ straight, changes, cuts }) => {
    const bent = changes.reduce((text, change) => mutate(text, change, ANSWERS), straight)
    return cutFromEnd(Buffer.from(bent, 'latin1'), cuts)
  })

/** @param cuts Positions, counted from the end. */
function cutFromEnd(bytes: Buffer, cuts: readonly number[]): readonly Buffer[] {
  const inner = cuts.map((cut) => bytes.length - (cut % (bytes.length + 1)))
  const ends = [...new Set([0, ...inner, bytes.length])].toSorted((one, other) => one - other)
  return ends.slice(1).map((end, at) => bytes.subarray(ends[at], end))
}

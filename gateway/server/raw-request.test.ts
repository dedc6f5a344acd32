import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readRawRequest } from './raw-request.ts'

const HEADERS = ['Host: gw.test', 'Content-Type: application/json', 'Content-Length: 2']

function bytes({ line = 'POST /mcp HTTP/1.1', headers = HEADERS, body = '{}' } = {}): Buffer {
  return Buffer.from([line, ...headers, '', body].join('\r\n'), 'latin1')
}

test('a whole plain call is read as it came', () => {
  const headers = ['Host: gw.test', 'X-Forwarded-For: 192.0.2.1', 'content-length: 2']
  const read = readRawRequest(bytes({ line: 'POST /mcp?a=1 HTTP/1.1', headers }))
  assert.equal(read?.target, '/mcp?a=1')
  assert.deepEqual(read.rawHeaders, [
    'Host',
    'gw.test',
    'X-Forwarded-For',
    '192.0.2.1',
    'content-length',
    '2',
  ])
  assert.equal(read.forwardedFor, '192.0.2.1')
  assert.equal(Buffer.from(read.body).toString(), '{}')
  assert.ok(readRawRequest(bytes({ headers: [...HEADERS, 'Connection: Keep-Alive'] })))
})

test('another method, version or form of target is not read here', () => {
  const lines = [
    'GET /mcp HTTP/1.1',
    'post /mcp HTTP/1.1',
    'POST /mcp HTTP/1.0',
    'POST /mcp HTTP/1.1 ',
    'POST  /mcp HTTP/1.1',
    'POST http://gw.test/mcp HTTP/1.1',
    'POST * HTTP/1.1',
    'POST /mc p HTTP/1.1',
    'POST /mcp\u00e9 HTTP/1.1',
    'POST /mcp',
  ]
  for (const line of lines) assert.equal(readRawRequest(bytes({ line })), undefined, line)
})

test('whatever asks something of the connection, or frames a body in another way, is not read here', () => {
  const more = [
    'Transfer-Encoding: chunked',
    'Expect: 100-continue',
    'Upgrade: websocket',
    'Connection: close',
    'Connection: keep-alive, x-api-key',
    'Keep-Alive: timeout=5',
    'TE: trailers',
    'Trailer: x',
    'Content-Length: 2',
    'Host: other.test',
  ]
  for (const line of more) {
    assert.equal(readRawRequest(bytes({ headers: [...HEADERS, line] })), undefined, line)
  }
})

test('a field that two readers could see differently is not read here', () => {
  const odd = [
    'X : a',
    ' X: a',
    'X:a',
    'X:  a',
    'X: a ',
    'X: ',
    'X',
    'X: a\rb',
    'X: a\nY: b',
    'X: \u0000',
    'X: \u00e9',
    'X\u00e9: a',
    'X_(: a',
  ]
  for (const line of odd) {
    assert.equal(
      readRawRequest(bytes({ headers: [...HEADERS, line] })),
      undefined,
      JSON.stringify(line),
    )
  }
})

test('a request without a host or a length, or with more or less than that, is not read here', () => {
  const [host = '', type = '', length = ''] = HEADERS
  assert.equal(readRawRequest(bytes({ headers: [type, length] })), undefined)
  assert.equal(readRawRequest(bytes({ headers: [host, type] })), undefined)
  for (const body of ['{', '{} ', '{}POST / HTTP/1.1\r\n\r\n', '']) {
    assert.equal(readRawRequest(bytes({ body })), undefined, body)
  }
  for (const written of ['02', '+2', '2.0', '0x2', '2,2', '999999999']) {
    const headers = [host, `Content-Length: ${written}`]
    assert.equal(readRawRequest(bytes({ headers })), undefined, written)
  }
  const long = `X: ${'a'.repeat(16_384)}`
  assert.equal(readRawRequest(bytes({ headers: [...HEADERS, long] })), undefined)
})

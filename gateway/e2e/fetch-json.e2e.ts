/** Fetching operator-configured documents, against a real server on loopback. */
import assert from 'node:assert/strict'
import type { RequestListener } from 'node:http'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, test } from 'node:test'
import type { FetchProblem } from '../egress/fetch-json.ts'
import { createFetchJson, FetchError } from '../egress/fetch-json.ts'

/** What answers has this long; what does not is waited for a little only. */
const TIMEOUT_MS = 20_000
const HASTY_MS = 300
const MAX_BYTES = 1024

let answer: RequestListener = (_, response) => response.end()
const seen: string[] = []
const uncaught: unknown[] = []
const server = createServer((request, response) => {
  seen.push(request.url ?? '')
  answer(request, response)
})
const fetchJson = createFetchJson({ timeoutMs: TIMEOUT_MS, maxBytes: MAX_BYTES })
const note = (error: unknown) => uncaught.push(error)
let base = ''

before(async () => {
  process.on('uncaughtException', note)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})

after(async () => {
  await fetchJson.close()
  server.closeAllConnections()
  await new Promise((resolve) => server.close(resolve))
  process.off('uncaughtException', note)
  assert.deepEqual(uncaught, [], 'no answer may raise an error outside of the fetch')
})

async function problem(url: string, by = fetchJson): Promise<FetchProblem | 'fetched'> {
  try {
    await by(url)
    return 'fetched'
  } catch (error) {
    assert.ok(error instanceof FetchError)
    return error.code
  }
}

test('a JSON object is fetched', async () => {
  answer = (_, response) => response.end('{"keys":[]}')
  assert.deepEqual(await fetchJson(`${base}/jwks`), { keys: [] })
})

test('a redirect is not followed and its target not contacted', async () => {
  answer = (_, response) => response.writeHead(302, { location: `${base}/canary` }).end()
  assert.equal(await problem(`${base}/jwks`), 'status')
  assert.ok(!seen.includes('/canary'))
})

test('another status than 200 is a problem, with an empty, a small and an endless body', async () => {
  answer = (_, response) => response.writeHead(503).end()
  assert.equal(await problem(base), 'status')
  answer = (_, response) => response.writeHead(500).end('oops!')
  assert.equal(await problem(base), 'status')
  answer = (_, response) => {
    response.writeHead(404)
    response.write('x'.repeat(100_000))
  }
  assert.equal(await problem(base), 'status')
})

test('a body above the limit is given up, whether or not its length is announced', async () => {
  const large = JSON.stringify({ a: 'x'.repeat(MAX_BYTES) })
  answer = (_, response) => response.end(large)
  assert.equal(await problem(base), 'too_large')
  answer = (_, response) => {
    response.write(large)
  }
  assert.equal(await problem(base), 'too_large')
})

test('what is not one JSON object is a problem', async () => {
  for (const body of ['', '[]', 'null', '"a"', '{', '<html>', '{"a":1}{}']) {
    answer = (_, response) => response.end(body)
    assert.equal(await problem(base), 'not_a_json_object', body)
  }
  answer = (_, response) => response.end(Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]))
  assert.equal(await problem(base), 'not_a_json_object')
})

test('a server that never answers, or drips its body, is given up in time', async () => {
  const hasty = createFetchJson({ timeoutMs: HASTY_MS, maxBytes: MAX_BYTES })
  answer = () => {}
  assert.equal(await problem(base, hasty), 'timeout')
  answer = (_, response) => {
    const drip = setInterval(() => response.write(' '), 20)
    response.on('close', () => clearInterval(drip))
  }
  assert.equal(await problem(base, hasty), 'timeout')
  await hasty.close()
})

test('a connection reset before or within the answer is a problem and no crash', async () => {
  answer = (request) => request.socket.destroy()
  assert.equal(await problem(base), 'unreachable')
  answer = (request, response) => {
    response.writeHead(200, { 'content-length': '100' })
    response.write('{"a":')
    setTimeout(() => request.socket.resetAndDestroy(), 20)
  }
  assert.equal(await problem(base), 'unreachable')
})

test('a URL that may not be fetched is never contacted', async () => {
  const before = seen.length
  const port = new URL(base).port
  assert.equal(await problem(`http://user:secret@127.0.0.1:${port}/`), 'bad_url')
  assert.equal(await problem('http://127.0.0.1.issuer.invalid/'), 'bad_url')
  assert.equal(seen.length, before)
})

test('who cannot be reached is told apart by the code of the system', async () => {
  const closed = createServer()
  await new Promise<void>((resolve) => closed.listen(0, '127.0.0.1', resolve))
  const { port } = closed.address() as AddressInfo
  await new Promise((resolve) => closed.close(resolve))
  await assert.rejects(fetchJson(`http://127.0.0.1:${port}/jwks`), {
    message: `http://127.0.0.1:${port}/jwks: cannot be reached (ECONNREFUSED)`,
  })
})

/**
 * What the raw front reads, node:http reads the same: held against each other over bent requests. The other
 * way round nothing is promised; what the raw front does not read is handed over.
 */
import assert from 'node:assert/strict'
import { createServer, type IncomingMessage } from 'node:http'
import { Duplex } from 'node:stream'
import { test } from 'node:test'

import * as fc from 'fast-check'

import { fuzzOptions } from '../testkit/fuzz.ts'
import { mutate, mutation } from '../testkit/http-mutations.ts'
import { readRawRequest } from './raw-request.ts'

const RUNS = fuzzOptions({
  what: 'requests read by the raw front and by node:http',
  test: 5_000,
  prove: 200_000,
})

/** Mutations of one request; more leave little that anybody can read. */
const MAX_MUTATIONS = 3

const REQUESTS = [
  request(
    ['Host: gw.test', 'Content-Type: application/json', 'Content-Length: 15'],
    '{"jsonrpc":"2"}',
  ),
  request(
    [
      'Host: gw.test',
      'Connection: keep-alive',
      'Authorization: Bearer a.b.c',
      'Mcp-Param-Region: eu \t west',
      'X-Forwarded-For: 192.0.2.1, 192.0.2.2',
      'Content-Length: 2',
    ],
    '{}',
  ),
  request(['host: gw.test', 'content-length: 0'], ''),
]

function request(lines: readonly string[], body: string): string {
  return `POST /mcp?x=1 HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n${body}`
}

type Read = {
  readonly method: string | undefined
  readonly target: string | undefined
  readonly rawHeaders: readonly string[]
  readonly body: string
}

/** All that node:http makes of these bytes; undefined where it refuses them. */
async function readByNode(bytes: Buffer): Promise<readonly Read[] | undefined> {
  const server = createServer({ maxHeaderSize: 16_384 })
  server.maxHeadersCount = 256
  const reads: Promise<Read>[] = []
  let isRefused = false
  const connection = new Duplex({
    read: () => undefined,
    write: (_chunk, _encoding, done) => done(),
  })
  server.on('clientError', () => (isRefused = true))
  server.on('checkContinue', () => (isRefused = true))
  server.on('upgrade', () => (isRefused = true))
  server.on('request', (read: IncomingMessage, response) => {
    reads.push(collect(read))
    response.end()
  })
  server.emit('connection', connection)
  connection.push(bytes)
  connection.push(null)
  await new Promise<void>((resolve) => connection.once('close', resolve))
  return isRefused ? undefined : await Promise.all(reads)
}

async function collect(read: IncomingMessage): Promise<Read> {
  const chunks: Buffer[] = []
  for await (const chunk of read) chunks.push(chunk as Buffer)
  const { method, url: target, rawHeaders } = read
  return { method, target, rawHeaders, body: Buffer.concat(chunks).toString('latin1') }
}

test('what the raw front takes for a request is that request to node:http, and nothing besides', async () => {
  let taken = 0
  const bent = fc.tuple(
    fc.constantFrom(...REQUESTS),
    fc.array(mutation, { maxLength: MAX_MUTATIONS }),
  )
  await fc.assert(
    fc.asyncProperty(bent, async ([text, mutations]) => {
      const sent = mutations.reduce((bent, each) => mutate(bent, each, REQUESTS), text)
      const bytes = Buffer.from(sent, 'latin1')
      const read = readRawRequest(bytes)
      if (read === undefined) return
      taken += 1
      const { target, rawHeaders, body } = read
      const expected = {
        method: 'POST',
        target,
        rawHeaders,
        body: Buffer.from(body).toString('latin1'),
      }
      assert.deepEqual(await readByNode(bytes), [expected])
    }),
    RUNS,
  )
  assert.ok(taken > RUNS.numRuns / 20, `${taken} were read at all`)
})

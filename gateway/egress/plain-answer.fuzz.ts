/**
 * What the plain reader takes for an answer, node:http reads the same: held against each other over bent
 * answers that come in pieces. The other way round nothing is promised; what is odd is read by node:http.
 */
import assert from 'node:assert/strict'
import { request, type IncomingMessage } from 'node:http'
import { Duplex } from 'node:stream'
import { test } from 'node:test'

import * as fc from 'fast-check'

import { bentAnswer } from '../testkit/answer-mutations.ts'
import { fuzzOptions } from '../testkit/fuzz.ts'
import { readPlainly, type AnswerRead } from '../testkit/read-plainly.ts'
import { MAX_HEAD_BYTES } from './answer-head.ts'

const RUNS = fuzzOptions({
  what: 'answers read by us and by node:http',
  test: 20_000,
  prove: 500_000,
})

type NodeRead = AnswerRead & { readonly isKept: boolean }

/** What node:http makes of these bytes, behind which the connection ends. */
async function readByNode(pieces: readonly Buffer[]): Promise<NodeRead> {
  const wire = new Duplex({ read: () => {}, write: (_bytes, _encoding, taken) => taken() })
  const asked = request({
    method: 'POST',
    host: 'server.invalid',
    headers: { connection: 'keep-alive', 'content-length': 0 },
    maxHeaderSize: MAX_HEAD_BYTES,
    createConnection: () => wire,
  })
  let read: NodeRead = { status: 0, headers: {}, body: '', end: 'cut', isKept: false }
  await new Promise<void>((resolve) => {
    const over = (end: AnswerRead['end']) => (): void => {
      read = { ...read, end, isKept: asked.shouldKeepAlive }
      resolve()
    }
    asked.on('error', over('refused'))
    asked.on('upgrade', over('refused'))
    asked.on('response', (answer: IncomingMessage) => {
      const { statusCode: status = 0, headers } = answer
      read = { ...read, status, headers }
      answer.on('data', (piece: Buffer) => {
        read = { ...read, body: read.body + piece.toString('latin1') }
      })
      answer.on('end', over('whole'))
      answer.on('error', over('cut'))
    })
    asked.end()
    for (const piece of pieces) wire.push(piece)
    wire.push(null)
  })
  wire.destroy()
  return read
}

test('what the plain reader takes for an answer is that answer to node:http, from its first byte to its last', async () => {
  const ends = { whole: 0, cut: 0, refused: 0 }
  await fc.assert(
    fc.asyncProperty(bentAnswer, async (pieces) => {
      const plain = readPlainly(pieces)
      if (plain === undefined) return
      ends[plain.end] += 1
      // The connection ends here, whatever node:http would make of it.
      if (plain.end === 'refused') return
      const all = Buffer.concat(pieces)
      // What it would read beyond the end comes next, and is read if it does not see that end.
      const parts = [all.subarray(0, plain.bytes), all.subarray(plain.bytes)]
      const node = await readByNode(parts.filter(({ length }) => length > 0))
      const { status, headers, body, end, head } = plain
      const names = Object.keys(headers)
      assert.deepEqual(
        { ...node, headers: Object.fromEntries(names.map((name) => [name, node.headers[name]])) },
        // Where it is kept is asked of whole answers only.
        { status, headers, body, end, isKept: end === 'whole' ? head.isKept : node.isKept },
      )
    }),
    RUNS,
  )
  for (const [end, count] of Object.entries(ends))
    assert.ok(count > RUNS.numRuns / 100, `${count} answers were ${end}`)
})

/**
 * A stub MCP server: answers `tools/call` and `tools/list` with fixed bytes, echoing nothing but the
 * id, and a GET with an event stream that stays open and silent. Arguments: the port to listen on, and how
 * many tools it has.
 */
import http from 'node:http'
import { CALL_ANSWER, LIST_ANSWER, listAnswer } from '../traffic.ts'

/** Connections that may wait to be accepted while thousands of streams are opened. */
const BACKLOG = 4096

const port = Number(process.argv[2])
const tools = process.argv[3]
const list = tools === undefined ? LIST_ANSWER : listAnswer(Number(tools))
const server = http.createServer((request, response) => {
  if (request.method === 'GET') {
    request.resume()
    response.writeHead(200, {
      'content-type': 'text/event-stream',
      'cache-control': 'no-cache',
      'x-accel-buffering': 'no',
    })
    response.write(': open\n\n')
    return
  }
  const chunks: Buffer[] = []
  request.on('data', (chunk: Buffer) => chunks.push(chunk))
  request.on('end', () => {
    const body = answerTo(Buffer.concat(chunks).toString())
    response.writeHead(200, {
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(body),
    })
    response.end(body)
  })
})
server.keepAliveTimeout = 0
server.listen({ host: '127.0.0.1', port, backlog: BACKLOG })

function answerTo(body: string): string {
  const answer = body.includes('"method":"tools/list"') ? list : CALL_ANSWER
  const id = /"id":("[^"]*"|\d+)/.exec(body)?.[1]
  return id === undefined || id === '1' ? answer : answer.replace('"id":1', `"id":${id}`)
}

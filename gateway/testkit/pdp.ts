/**
 * A small policy decision point of its own process: the access evaluation endpoint of AuthZEN 1.0 over a
 * file of permitted (subject, action, resource id) triples, read anew for every question, so that a test
 * changes its mind by writing the file. `*` stands for anything. A resource named `fault:…` is answered with
 * that fault. Every question is a line of its output.
 */
import { readFile } from 'node:fs/promises'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { type Child, NODE, ROOT, startChild } from './child.ts'
import { freePort } from './free-port.ts'

export type Pdp = {
  readonly url: string
  readonly child: Child
  /** The questions so far: body, authorization, request id. */
  readonly asked: () => readonly PdpQuestion[]
}

export type PdpQuestion = {
  readonly body: {
    readonly subject: Readonly<Record<string, unknown>>
    readonly action: { readonly name: string }
    readonly resource: { readonly type: string; readonly id: string }
    readonly context: Readonly<Record<string, unknown>>
  }
  readonly authorization: string | undefined
  readonly requestId: string | undefined
}

/** Starts one. @param file JSON: a list of `[subject, action, resource id]`. */
export async function startPdp(file: string): Promise<Pdp> {
  const port = await freePort()
  const script = join(ROOT, 'gateway/testkit/pdp.ts')
  const child = startChild({ command: NODE, args: [script, String(port), file] })
  await child.waitFor(/pdp listens/)
  const asked = (): readonly PdpQuestion[] =>
    child
      .output()
      .split('\n')
      .filter((line) => line.startsWith('{'))
      .map((line) => JSON.parse(line) as PdpQuestion)
  return { url: `http://127.0.0.1:${port}/access/v1/evaluation`, child, asked }
}

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const chunks: Buffer[] = []
  for await (const chunk of request) if (Buffer.isBuffer(chunk)) chunks.push(chunk)
  if (request.method !== 'POST' || request.url !== '/access/v1/evaluation')
    return send(response, 404)
  const body = JSON.parse(Buffer.concat(chunks).toString('utf8')) as PdpQuestion['body']
  const { authorization } = request.headers
  const requestId = request.headers['x-request-id']
  process.stdout.write(`${JSON.stringify({ body, authorization, requestId })}\n`)
  const { subject, action, resource } = body
  switch (resource.id) {
    case 'fault:silence':
      return
    case 'fault:status':
      return send(response, 500, { decision: true })
    case 'fault:text':
      return send(response, 200, 'yes')
    case 'fault:word':
      return send(response, 200, { decision: 'true' })
    case 'fault:obligation':
      return send(response, 200, { decision: true, context: { obligations: [{ id: 'mfa' }] } })
  }
  const permits = JSON.parse(await readFile(process.argv[3] ?? '', 'utf8')) as readonly string[][]
  const names = [String(subject['id']), action.name, resource.id]
  const decision = permits.some((one) =>
    one.every((text, at) => text === '*' || text === names[at]),
  )
  const context = decision ? undefined : { reason_admin: { en: `not for ${names[0]}` } }
  send(response, 200, { decision, context })
}

function send(response: ServerResponse, status: number, body: unknown = {}): void {
  response.writeHead(status, { 'content-type': 'application/json' })
  response.end(JSON.stringify(body))
}

if (import.meta.main) {
  const server = createServer((request, response) => {
    answer(request, response).catch(() => response.destroy())
  })
  server.listen(Number(process.argv[2]), '127.0.0.1', () => process.stdout.write('pdp listens\n'))
  process.on('SIGTERM', () => process.exit(0))
}

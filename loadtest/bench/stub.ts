/**
 * The upstream everything is measured against, cheap enough never to be the limit: nginx answering
 * from its configuration, and a Node program for event streams (and for all, where nginx is missing).
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { LOAD_CORE, PORTS } from './constants.ts'
import type { Target } from './generator/job.ts'
import type { Processes, Started } from './processes.ts'
import type { Toolbox } from './tools.ts'
import { CALL_ANSWER, LIST_ANSWER, LIST_BODY } from './traffic.ts'
import { startNginx } from './variants/nginx-config.ts'
import { MCP_PATH, targetOn } from './variants/variant.ts'

const PROGRAM = fileURLToPath(new URL('programs/stub.ts', import.meta.url))

/** Where the stubs listen, and who answers calls. */
export type Stubs = {
  readonly calls: Target
  readonly streams: Target
  readonly callsAreAnsweredBy: 'nginx' | 'node'
}

/** What the stubs are started with. */
export type StubOptions = {
  readonly directory: string
  readonly processes: Processes
  readonly tools: Toolbox
}

/** Starts both; they end with `processes.stopAll`. */
export async function startStubs({ directory, processes, tools }: StubOptions): Promise<Stubs> {
  const streams = await startNodeStub(processes, PORTS.streamStub)
  if (!tools.has('nginx')) {
    return { calls: streams.target, streams: streams.target, callsAreAnsweredBy: 'node' }
  }
  const own = path.join(directory, 'stub')
  mkdirSync(own, { recursive: true })
  writeFileSync(path.join(own, 'list.json'), LIST_ANSWER)
  await startNginx({
    name: 'stub',
    directory: own,
    core: LOAD_CORE,
    port: PORTS.stub,
    http: stubServer(own),
    processes,
  })
  return {
    calls: targetOn(PORTS.stub),
    streams: streams.target,
    callsAreAnsweredBy: 'nginx',
  }
}

/** The Node stub alone: answers calls, lists and streams. @param tools How many it lists; 100 by default. */
export async function startNodeStub(
  processes: Processes,
  port: number,
  tools?: number,
): Promise<{ readonly started: Started; readonly target: Target }> {
  const started = await processes.start({
    name: `stub-${port}`,
    command: process.execPath,
    args: [PROGRAM, String(port), ...(tools === undefined ? [] : [String(tools)])],
    core: LOAD_CORE,
    port,
  })
  return { started, target: targetOn(port) }
}

/** nginx cannot read a body before it answers, so the length tells a `tools/list` from a call. */
function stubServer(directory: string): string {
  return `
    server {
      listen 127.0.0.1:${PORTS.stub} backlog=4096;
      location = ${MCP_PATH} {
        if ($content_length = ${LIST_BODY.length}) { rewrite ^ /list.json last; }
        return 200 '${CALL_ANSWER}';
      }
      location = /list.json {
        internal;
        root ${directory};
        error_page 405 =200 /list.json;
      }
    }`
}

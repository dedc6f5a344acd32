/**
 * The load generator: a process of its own on the generator's core, alive for a whole bench so that
 * its code is warm. Takes one job at a time over the channel to its parent and answers each.
 */
import { readFileSync } from 'node:fs'
import { runClosedLoop } from './closed-loop.ts'
import { openIdleStreams } from './idle-streams.ts'
import type { IdleStreams } from './idle-streams.ts'
import type { Job, JobResults } from './job.ts'
import { runOpenLoop } from './open-loop.ts'
import { callRequests, streamRequest } from './requests.ts'

let streams: IdleStreams | undefined
const prepared = new Map<string, Buffer[]>()

process.on('message', (job: Job) => {
  run(job).then(
    (result) => process.send?.({ result }),
    (error: unknown) => process.send?.({ error: String(error) }),
  )
})
process.on('disconnect', () => process.exit())

async function run(job: Job): Promise<JobResults[keyof JobResults]> {
  if (job.kind === 'open_loop') {
    return runOpenLoop({ ...job.plan, endpoint: job.target, requests: calls(job) })
  }
  if (job.kind === 'closed_loop') {
    return runClosedLoop({ ...job.plan, endpoint: job.target, requests: calls(job) })
  }
  streams?.close()
  streams = undefined
  if (job.kind === 'release_streams') return {}
  streams = await openIdleStreams({ endpoint: job.target, requests: streamRequests(job) })
  return { opened: streams.opened, refused: streams.refused }
}

/** Requests are kept between runs: preparing a thousand takes longer than a round's pause. */
function calls(job: Extract<Job, { kind: 'open_loop' | 'closed_loop' }>): Buffer[] {
  if ('requestsFile' in job) return readRequests(job.requestsFile)
  const { target, tokensFile } = job
  const key = `${target.port} ${target.path} ${tokensFile} ${job.body}`
  const known = prepared.get(key)
  if (known !== undefined) return known
  const authority = `${target.host}:${target.port}`
  const requests = callRequests({
    authority,
    path: target.path,
    body: job.body,
    tokens: readTokens(tokensFile),
  })
  prepared.set(key, requests)
  return requests
}

function streamRequests(job: Extract<Job, { kind: 'hold_streams' }>): Buffer[] {
  const { target, count } = job
  const tokens = readTokens(job.tokensFile)
  const authority = `${target.host}:${target.port}`
  return Array.from({ length: count }, (_, at) =>
    streamRequest({ authority, path: target.path }, tokens[at % tokens.length] ?? ''),
  )
}

function readRequests(file: string): Buffer[] {
  const texts = JSON.parse(readFileSync(file, 'utf8')) as readonly string[]
  return texts.map((text) => Buffer.from(text))
}

function readTokens(file: string): string[] {
  return readFileSync(file, 'utf8').trim().split('\n')
}

/** The bench's end of the channel to its load generator. */
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { LOAD_CORE } from './constants.ts'
import type { Job, JobResults, Reply } from './generator/job.ts'
import type { Processes } from './processes.ts'

const PROGRAM = fileURLToPath(new URL('generator/main.ts', import.meta.url))

/** The load generator as the bench sees it. */
export type Generator = {
  /** Does one job at a time; rejects when the job or the generator fails. */
  run<Kind extends Job['kind']>(job: Extract<Job, { kind: Kind }>): Promise<JobResults[Kind]>
}

/** Starts a generator on the load core; it ends with `processes.stopAll`. */
export async function startGenerator(processes: Processes, name = 'generator'): Promise<Generator> {
  const { child, log } = await processes.start({
    name,
    command: process.execPath,
    args: [PROGRAM],
    core: LOAD_CORE,
    channel: true,
  })
  const ended = once(child, 'exit').then(() => {
    throw new Error(`the load generator ended; see ${log}`)
  })
  // Only a job under way minds.
  ended.catch(() => undefined)
  return {
    run: async <Kind extends Job['kind']>(job: Extract<Job, { kind: Kind }>) => {
      const answered = once(child, 'message')
      child.send(job)
      const [reply] = (await Promise.race([answered, ended])) as [Reply<Kind>]
      if ('error' in reply) throw new Error(`load generator, ${job.kind}: ${reply.error}`)
      return reply.result
    },
  }
}

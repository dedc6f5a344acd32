/** `gatehouse serve`: runs until a signal, reloads on SIGHUP, drains on SIGTERM and SIGINT. */
import { availableParallelism } from 'node:os'

import { formatProblem, loadAll } from '../server/load-all.ts'
import type { Log } from '../server/log.ts'
import { createLog } from '../server/log.ts'
import { WORKER_VARIABLE } from '../server/membership.ts'
import type { Gatehouse, StartOptions } from '../server/start.ts'
import { start } from '../server/start.ts'
import type { Io } from './io.ts'
import { describeStartError } from './start-error.ts'
import { tellProblems } from './tell-problems.ts'
import { misused, readArgs } from './usage.ts'
import { readVersion } from './version.ts'

const HELP = `Usage: gatehouse serve -c FILE

Runs the gateway.

  -c, --config FILE   configuration file (YAML)
  -h, --help          show this text

Signals: SIGHUP reads the configuration and policies again and reopens the audit log, SIGTERM and
SIGINT finish running calls and stop. Exit code: 0 stopped, 1 not started (nothing listens), 70 internal fault.`

/** Told to a supervisor when a fault of our own ended the process (sysexits.h EX_SOFTWARE). */
const EXIT_FAULT = 70

/** After a fault, running calls get this long. */
const FAULT_DRAIN_MS = 5_000

/** Resolves with the exit code, when a signal or a fault has ended the gateway, or it did not start. */
export async function serve(args: readonly string[], io: Io): Promise<number> {
  const given = readArgs(
    args,
    { usage: HELP, options: { config: { type: 'string', short: 'c' } } },
    io,
  )
  if (given === undefined) return 0
  const { values } = given
  if (values.config === undefined) return misused(io, 'serve: -c FILE is missing', HELP)
  const source = { file: values.config, env: io.env, now: Date.now }
  const loaded = await loadAll(source)
  if (!loaded.ok) {
    tellProblems(loaded.problems, io)
    return say(io.err, 'gatehouse: not started', 1)
  }
  const { settings } = loaded
  const worker = process.send === undefined ? undefined : io.env[WORKER_VARIABLE]
  const log = createLog((line) => io.err(line.trimEnd()), Date.now, {
    ...(worker !== undefined && { worker }),
  })
  // The supervisor has told already.
  if (worker === undefined)
    for (const warning of loaded.warnings) log('warn', formatProblem(warning))
  const version = await readVersion()
  const workers = settings.workers === 'auto' ? availableParallelism() : settings.workers
  let gatehouse: Running
  try {
    gatehouse = await begin({ source, loaded, version, log }, { worker, workers })
  } catch (error) {
    io.err(await describeStartError(error, values.config))
    return say(io.err, 'gatehouse: not started', 1)
  }
  // Signals are listened for before anybody can know that it is up.
  const stopped = untilStopped(gatehouse, log)
  const listening = { version, public: settings.publicUrl, port: gatehouse.port }
  const config = settings.version
  if (worker === undefined) {
    const ops = `${settings.ops.host}:${gatehouse.opsPort}`
    log('info', 'gatehouse listens', { ...listening, ops, config, ...(workers > 1 && { workers }) })
  } else {
    log('info', 'a worker listens', { ...listening, config })
  }
  return await stopped
}

type Running = Pick<Gatehouse, 'port' | 'opsPort' | 'reopenLogs' | 'stop'> & {
  reload(): Promise<unknown>
}

/** All in this process, unless there are to be several or this is one of them. */
async function begin(
  options: StartOptions,
  { worker, workers }: { readonly worker: string | undefined; readonly workers: number },
): Promise<Running> {
  if (worker !== undefined) return await (await import('../server/worker.ts')).startWorker(options)
  if (workers === 1) return await start(options)
  return await (await import('../server/supervise.ts')).supervise({ ...options, workers })
}

function untilStopped(gatehouse: Running, log: Log): Promise<number> {
  return new Promise((resolve) => {
    const stop = (why: string): void => {
      log('info', 'stopping', { why })
      gatehouse.stop().then(
        () => resolve(why === 'fault' ? EXIT_FAULT : 0),
        (error: unknown) => {
          log('error', 'stopped with an error', { detail: String(error) })
          resolve(EXIT_FAULT)
        },
      )
    }
    let faulted = false
    const fault = (thrown: unknown): void => {
      // What goes wrong on the way out must not begin it again.
      if (faulted) return
      faulted = true
      const detail = thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown)
      log('error', 'fault', { detail })
      setTimeout(resolve, FAULT_DRAIN_MS, EXIT_FAULT)
      stop('fault')
    }
    process.on('SIGHUP', () => void hangUp(gatehouse, log))
    process.once('SIGTERM', () => stop('SIGTERM'))
    process.once('SIGINT', () => stop('SIGINT'))
    // Whoever read the log may be gone: its lines are lost then, and nothing else.
    process.stderr.on('error', () => undefined)
    process.on('uncaughtException', fault)
    process.on('unhandledRejection', fault)
  })
}

async function hangUp(gatehouse: Running, log: Log): Promise<void> {
  try {
    await gatehouse.reopenLogs()
  } catch (error) {
    log('error', 'the audit log stays the old file', { detail: String(error) })
  }
  await gatehouse.reload()
}

function say(write: (line: string) => void, text: string, code: number): number {
  write(text)
  return code
}

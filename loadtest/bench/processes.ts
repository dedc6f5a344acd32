/** Starts programs pinned to a core and ends every one of them by its process id. */
import { spawn } from 'node:child_process'
import type { ChildProcess, StdioOptions } from 'node:child_process'
import { closeSync, openSync, readFileSync, rmSync } from 'node:fs'
import net from 'node:net'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { pinned } from './cores.ts'
import type { Cores } from './cores.ts'
import { START_TIMEOUT_MS, STOP_TIMEOUT_MS } from './constants.ts'

/** What to start, where and how. */
export type Program = {
  /** Names its log file. */
  readonly name: string
  readonly command: string
  readonly args: readonly string[]
  /** Place in the list of cores. */
  readonly core: number
  /** Port it will listen on; `start` returns once it accepts connections. */
  readonly port?: number
  readonly env?: Readonly<Record<string, string>>
  /** Opens a message channel (`process.send`). */
  readonly channel?: true
}

/** A program under way. */
export type Started = {
  readonly pid: number
  readonly child: ChildProcess
  /** Where its output goes. */
  readonly log: string
  readonly stop: () => Promise<void>
}

/** Starts programs and remembers them, so that none outlives the bench. */
export type Processes = {
  start(program: Program): Promise<Started>
  /** Everything running now. */
  pids(): number[]
  stopAll(): Promise<void>
}

/** Where logs go, and whether programs are pinned to their core. */
export type ProcessesOptions = {
  /** Where logs go. */
  readonly directory: string
  /** Empty: nothing is pinned. */
  readonly cores: Cores
}

/** Makes a starter that remembers what it started. */
export function createProcesses({ directory, cores }: ProcessesOptions): Processes {
  const running = new Set<Started>()
  // However this process ends, a closed pipe included, none of the others stays behind.
  process.once('exit', () => {
    for (const { child } of running) child.kill('SIGTERM')
  })

  const start = async (program: Program): Promise<Started> => {
    if (program.port !== undefined && (await accepts(program.port))) {
      throw new Error(`port ${program.port} (${program.name}) is taken: is another bench running?`)
    }
    const log = path.join(directory, `${program.name}.log`)
    // Appending, so that a log can be emptied while it is written to.
    rmSync(log, { force: true })
    const output = openSync(log, 'a')
    const stdio: StdioOptions = ['ignore', output, output]
    if (program.channel) stdio.push('ipc')
    const [command, ...args] = pinned(cores, program.core, [program.command, ...program.args])
    const child = spawn(command ?? '', args, {
      stdio,
      cwd: directory,
      env: { ...process.env, PATH: `${process.env['PATH']}:/usr/sbin:/sbin`, ...program.env },
    })
    closeSync(output)
    const ended = new Promise<void>((resolve) => {
      child.once('exit', () => resolve())
      child.once('error', () => resolve())
    })
    const started: Started = {
      pid: child.pid ?? 0,
      child,
      log,
      stop: async () => {
        running.delete(started)
        await end(child, ended)
      },
    }
    running.add(started)
    if (program.port !== undefined) await untilAccepting(program, child, log)
    return started
  }

  const stopAll = async (): Promise<void> => {
    await Promise.all([...running].toReversed().map((started) => started.stop()))
  }
  return { start, pids: () => [...running].map(({ pid }) => pid), stopAll }
}

async function end(child: ChildProcess, ended: Promise<void>): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return
  child.kill('SIGTERM')
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS)
  await ended
  clearTimeout(timer)
}

async function untilAccepting(program: Program, child: ChildProcess, log: string): Promise<void> {
  const deadline = Date.now() + START_TIMEOUT_MS
  while (program.port !== undefined && !(await accepts(program.port))) {
    if (child.exitCode !== null || child.pid === undefined || Date.now() > deadline) {
      child.kill('SIGKILL')
      throw new Error(`it did not start: ${complaint(log)} (see ${log})`)
    }
    await sleep(50)
  }
}

/** The line of a log that most likely says what is wrong. */
function complaint(file: string): string {
  const lines = readFileSync(file, 'utf8').trim().split('\n')
  return lines.find((line) => /error|emerg|alert/i.test(line)) ?? lines.at(-1) ?? ''
}

/** Whether something accepts connections on that port of 127.0.0.1. */
export function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect({ host: '127.0.0.1', port })
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}

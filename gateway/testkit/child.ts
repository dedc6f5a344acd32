/** Child processes of tests: started, waited for by what they print, and ended by their own pid. */
import type { ChildProcess } from 'node:child_process'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as pause } from 'node:timers/promises'

export type Child = {
  readonly pid: number
  /** Everything printed so far, both streams. */
  readonly output: () => string
  /** Resolves with the exit code (-1 for a signal) once all it has printed is in `output`. */
  readonly exited: Promise<number>
  /** Resolves when the output matches; rejects with the output when it does not in time. */
  waitFor(pattern: RegExp, timeoutMs?: number): Promise<RegExpMatchArray>
  signal(signal: NodeJS.Signals): void
  /** Stops reading what it prints, for good: its next line has nowhere to go. */
  deafen(): void
  /** SIGTERM, then SIGKILL after `graceMs`. Resolves with the exit code (-1 for a signal). */
  stop(graceMs?: number): Promise<number>
}

export type ChildOptions = {
  readonly command: string
  readonly args: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  /** Names of our own variables that the child gets besides `env`; all of them by default. */
  readonly inherit?: readonly string[]
  readonly cwd?: string
}

/** How long a program may take to print what it is waited for: on a busy machine starting alone takes long. */
const START_MS = 60_000

/** How long what a program has printed is waited for after its end: one it left behind may hold its output. */
const LAST_WORDS_MS = 250

/** The Node that runs the tests. */
export const NODE = process.execPath

/** Checkout root. */
export const ROOT = new URL('../..', import.meta.url).pathname

export function startChild({ command, args, env, inherit, cwd = ROOT }: ChildOptions): Child {
  const child = spawn(command, args, {
    cwd,
    env: { ...inherited(inherit), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let text = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (piece: string) => (text += piece))
  }
  let over = false
  const exited = exitOf(child).finally(() => (over = true))
  return {
    pid: child.pid ?? -1,
    output: () => text,
    exited,
    waitFor: (pattern, timeoutMs = START_MS) =>
      new Promise((resolve, reject) => {
        const started = performance.now()
        const look = setInterval(() => {
          const match = pattern.exec(text)
          const late = performance.now() - started > timeoutMs
          if (match === null && !late && !over) return
          clearInterval(look)
          if (match !== null) resolve(match)
          else
            reject(
              new Error(
                `no ${String(pattern)} in the output of ${command} ${args.join(' ')}:\n${text}`,
              ),
            )
        }, 20)
      }),
    signal: (signal) => void child.kill(signal),
    deafen: () => {
      child.stdout.destroy()
      child.stderr.destroy()
    },
    stop: async (graceMs = 5_000) => {
      if (child.exitCode !== null || child.signalCode !== null) return await exited
      child.kill('SIGTERM')
      const kill = setTimeout(() => child.kill('SIGKILL'), graceMs)
      const code = await exited
      clearTimeout(kill)
      return code
    },
  }
}

function inherited(names: readonly string[] | undefined): NodeJS.ProcessEnv {
  if (names === undefined) return process.env
  return Object.fromEntries(names.map((name) => [name, process.env[name]]))
}

async function exitOf(child: ChildProcess): Promise<number> {
  const closed = once(child, 'close')
  const [code] = (await once(child, 'exit')) as [number | null]
  await Promise.race([closed, pause(LAST_WORDS_MS, undefined, { ref: false })])
  return code ?? -1
}

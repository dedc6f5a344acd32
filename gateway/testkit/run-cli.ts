/** Runs the `gatehouse` command to its end, as an operator would. */
import { spawn } from 'node:child_process'
import { join } from 'node:path'

import { NODE, ROOT } from './child.ts'

export type CliResult = { readonly code: number; readonly out: string; readonly err: string }

export type CliOptions = {
  /** Added to the environment of the tests; undefined takes a variable away. */
  readonly env?: Readonly<Record<string, string | undefined>>
  readonly cwd?: string
  /** A command that runs longer is killed, and its code is -1. */
  readonly timeoutMs?: number
}

export function runCli(args: readonly string[], options: CliOptions = {}): Promise<CliResult> {
  const { env = {}, cwd = ROOT, timeoutMs = 100_000 } = options
  const child = spawn(NODE, [join(ROOT, 'gateway/cli/main.ts'), ...args], {
    cwd,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: timeoutMs,
    killSignal: 'SIGKILL',
  })
  let out = ''
  let err = ''
  child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString('utf8')))
  child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString('utf8')))
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code) => resolve({ code: code ?? -1, out, err }))
  })
}

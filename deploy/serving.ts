/** Starts a gateway by a given command, as an installation would, and stops it. */
import assert from 'node:assert/strict'
import type { ChildProcess } from 'node:child_process'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

/** Ports of their own, everything that is written in one folder, and nobody who would be called. */
const CONFIG = `
version: 1
public_url: http://127.0.0.1:8787
listen: { port: 0 }
ops: { port: 0 }
servers:
  nobody: { upstream: http://127.0.0.1:1/mcp }
audit: { sink: audit.jsonl }
state: { driver: sqlite, file: gatehouse.db }
`

/** Writes a configuration that needs nothing, and returns its path. */
export function writeConfig(folder: string): string {
  const file = join(folder, 'gatehouse.yaml')
  writeFileSync(file, CONFIG)
  return file
}

/**
 * Runs Node.js with `args`, which must serve, calls `ask` with the address of the operators' port, then
 * ends the gateway by SIGTERM and holds it to exit status 0.
 */
export async function whileServing(
  args: readonly string[],
  cwd: string,
  ask: (ops: string) => Promise<void> | void,
): Promise<void> {
  const child = spawn(process.execPath, args, { cwd, stdio: ['ignore', 'ignore', 'pipe'] })
  try {
    await ask(await opsAddress(child))
    const stopped = once(child, 'exit')
    child.kill('SIGTERM')
    assert.deepEqual(await stopped, [0, null])
  } finally {
    child.kill('SIGKILL')
  }
}

/** Reads the log until it says where the gateway listens. */
async function opsAddress(child: ChildProcess): Promise<string> {
  let log = ''
  for await (const line of createInterface({ input: child.stderr! })) {
    log += `${line}\n`
    if (line.includes('"gatehouse listens"')) return (JSON.parse(line) as { ops: string }).ops
  }
  throw new Error(`the gateway ended without listening:\n${log}`)
}

/** Starts one of the Node proxies of `programs/`. */
import { fileURLToPath } from 'node:url'
import { PROXY_CORE } from '../constants.ts'
import { targetOn } from './variant.ts'
import type { Place, Running } from './variant.ts'

/** What every program of `programs/` but the stub gets, as JSON in its first argument. */
export type ProgramSettings = {
  readonly port: number
  readonly upstream: { readonly host: string; readonly port: number }
  /** Set where tokens are to be verified. */
  readonly verify?: {
    readonly jwksFile: string
    readonly issuer: string
    readonly audience: string
  }
}

/** Which program, and what it is told. */
export type NodeProgram = {
  readonly name: string
  /** File name in `programs/`. */
  readonly program: string
  readonly settings: ProgramSettings
}

/** Starts it on the proxy's core, with this very Node. */
export async function startNodeProgram(
  place: Place,
  { name, program, settings }: NodeProgram,
): Promise<Running> {
  const file = fileURLToPath(new URL(`../programs/${program}`, import.meta.url))
  const started = await place.processes.start({
    name,
    command: process.execPath,
    args: [...(place.nodeArguments ?? []), file, JSON.stringify(settings)],
    core: PROXY_CORE,
    port: settings.port,
  })
  return {
    target: targetOn(settings.port),
    pids: [started.pid],
    growing: [],
    log: started.log,
    stop: started.stop,
  }
}

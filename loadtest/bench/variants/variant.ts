/** One way of standing between a client and the stub upstream. */
import type { Target } from '../generator/job.ts'
import type { Processes } from '../processes.ts'
import type { ToolName } from '../tools.ts'

/** One row of the table: how it is called, what it needs and how it starts. */
export type Variant = {
  /** Names it in tables, logs and ratios. */
  readonly name: string
  readonly needs: readonly ToolName[]
  /**
   * What it must refuse, tried before anything is measured: a forged token, a forbidden tool, or
   * nothing. A gate that stands open is not worth measuring.
   */
  readonly refuses: 'nothing' | 'tokens' | 'tokens_and_tools'
  start(place: Place): Promise<Running>
}

/** What a variant is given to start with. */
export type Place = {
  /** Its own, empty directory. */
  readonly directory: string
  /** The first of `PORTS_PER_VARIANT` ports it may listen on. */
  readonly port: number
  readonly upstream: Target
  readonly processes: Processes
  readonly keys: Keys
  /** Further arguments for its Node process, before the program. */
  readonly nodeArguments?: readonly string[]
}

/** Files that verifying variants read. */
export type Keys = {
  readonly jwksFile: string
  readonly rsaPublicPemFile: string
  /** Audience of every token. */
  readonly audience: string
}

/** A variant that is up. */
export type Running = {
  readonly target: Target
  /** Roots of its process trees; empty for a process that is not ours to watch. */
  readonly pids: readonly number[]
  /** Files it writes to without end, to be emptied between rounds. */
  readonly growing: readonly string[]
  /** Its output; empty for a process that is not ours. */
  readonly log: string
  readonly stop: () => Promise<void>
}

/** Public port, second process or operators' port, and one to spare. */
export const PORTS_PER_VARIANT = 3

/** Public path of the MCP endpoint, the same everywhere. */
export const MCP_PATH = '/mcp'

/** The MCP endpoint on that port of this machine. */
export function targetOn(port: number): Target {
  return { host: '127.0.0.1', port, path: MCP_PATH }
}

/** All that one run found out. */
import type { ColdToken } from './measure/cold-tokens.ts'
import type { Garbage } from './measure/garbage.ts'
import type { StreamMemory } from './measure/idle-streams.ts'
import type { Latency } from './measure/latency.ts'
import type { Throughput } from './measure/throughput.ts'

/** By variant name, where there is one figure per variant. */
export type Results = {
  /** Variants measured, in table order. */
  readonly variants: readonly string[]
  readonly throughput: ReadonlyMap<string, Throughput>
  readonly latency: ReadonlyMap<string, Latency>
  readonly streams: ReadonlyMap<string, StreamMemory>
  /** A `tools/list` of 100 tools. */
  readonly lists: ReadonlyMap<string, Throughput>
  /** A call with a swap from the vault and without one. */
  readonly swaps: ReadonlyMap<string, Throughput>
  /** Gatehouse only. */
  readonly garbage: Garbage | undefined
  readonly coldTokens: readonly ColdToken[]
}

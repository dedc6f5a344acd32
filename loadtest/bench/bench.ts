/** Everything the measurements share: what was set up once for the whole run. */
import type { Cores } from './cores.ts'
import type { Durations } from './constants.ts'
import type { Generator } from './generator-client.ts'
import type { Processes } from './processes.ts'
import type { Random } from './random.ts'
import type { Stubs } from './stub.ts'
import type { TokenMint } from './tokens.ts'
import type { Toolbox } from './tools.ts'
import type { Keys, Running, Variant } from './variants/variant.ts'

/** One prepared run: tools, processes, tokens and questions, alive until the end. */
export type Bench = {
  readonly directory: string
  readonly tools: Toolbox
  /** Empty where nothing can be pinned. */
  readonly cores: Cores
  readonly durations: Durations
  readonly random: Random
  readonly processes: Processes
  readonly generator: Generator
  readonly stubs: Stubs
  readonly mint: TokenMint
  readonly keys: Keys
  /** A token per line, used in turn. */
  readonly tokensFile: string
  readonly call: Question
  readonly list: Question
  /** Prints what is going on. */
  say(line: string): void
}

/** A request body, and how long the upstream's answer to it is. */
export type Question = {
  readonly body: string
  readonly bodyFile: string
  readonly answerBytes: number | undefined
}

/** A variant that passed its check and is up. */
export type Contender = { readonly variant: Variant; readonly running: Running }

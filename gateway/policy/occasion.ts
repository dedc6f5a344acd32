/** What a decision may depend on beside the rules, the caller and the call. All of it is handed in. */
import type { Caller } from '../model/caller.ts'
import type { ApprovalTerms } from '../model/terms.ts'
import type { ToolTraits } from '../model/tool-traits.ts'

/** One occasion to decide at. */
export type Occasion = {
  readonly server: string
  /** Epoch milliseconds; windows of time and expressions are held against it. */
  readonly nowMs: number
  /** The caller's address; empty where there is none. */
  readonly address: string
  /**
   * The frame that `call.arguments` is a span of, which the strict scanner has passed; undefined where
   * nothing was sent. It is parsed when the first rule reads the arguments, and only then.
   */
  readonly frame: Uint8Array | undefined
  readonly facts: Facts
}

/** What is known of the world, answered at once: from memory, never by asking anybody. */
export type Facts = {
  /** The caller's best grant for a rule with `grant`. */
  readonly grant: (rule: string, caller: Caller) => GrantState
  /** Whether the approval that a rule with `require.approval` asks for is there for the call. */
  readonly approved: (rule: string, terms: ApprovalTerms) => boolean
  /**
   * What the server says a tool does: the traits of each definition of it that is known, of which there may be
   * several, since servers may list to every caller something else. Empty for a tool that no list has shown.
   */
  readonly traits: (server: string, tool: string) => readonly ToolTraits[]
}

/** `used_up`: it lives, but has no uses left. What it was used for may still be asked about. */
export type GrantState = 'live' | 'used_up' | 'none'

/** Facts where nothing was granted, nothing approved and nothing listed. */
export const NO_FACTS: Facts = { grant: () => 'none', approved: () => false, traits: () => [] }

/** An occasion without a call that was sent: for questions, lists and tests. */
export function occasionAt(server: string, parts: Partial<Occasion> = {}): Occasion {
  return { server, nowMs: 0, address: '', frame: undefined, facts: NO_FACTS, ...parts }
}

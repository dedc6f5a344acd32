import type { CallerKind } from './caller.ts'

/** How much may be spent: `burst` at once, and `perSecond` for ever. */
export type Budget = { readonly perSecond: number; readonly burst: number }

/** What is limited in one configuration; undefined is not limited. */
export type Limits = {
  /** Calls of one caller on all servers, by its kind. */
  readonly callers: Readonly<Record<CallerKind, Budget | undefined>>
  /** Calls of one OAuth client or API key client on all servers, whoever it acts for. */
  readonly clients: Budget | undefined
  /** `initialize` of one caller: each opens a session at a server. */
  readonly initialize: Budget | undefined
  /** The same tool with the same arguments by one caller. */
  readonly sameCall: Budget | undefined
  /** By name; servers without limits of their own are not in it. */
  readonly servers: ReadonlyMap<string, ServerLimits>
}

export type ServerLimits = {
  /** Calls of one caller on this server. */
  readonly caller: Budget | undefined
  /** Calls of everybody together on this server. */
  readonly everybody: Budget | undefined
  /** What a call of a tool counts for; 1 where it is not here. */
  readonly costs: ReadonlyMap<string, number>
}

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
  /** Whether all gateways on one state store spend from the same budgets. */
  readonly shared: boolean
}

export type ServerLimits = {
  /** Calls of one caller on this server. */
  readonly caller: Budget | undefined
  /** Calls of everybody together on this server. */
  readonly everybody: Budget | undefined
  /** What a call of a tool counts for; 1 where it is not here. */
  readonly costs: ReadonlyMap<string, number>
}

/** What a process asks of one budget that it shares with others. */
export type Draw = {
  readonly key: string
  readonly budget: Budget
  /** With less than this nothing is given. At least 0. */
  readonly need: number
  /** Given as far as it is there: for calls to come. At least `need`. */
  readonly want: number
}

/** Each draw gets at least what it needs, or none gets anything. */
export type Drawn =
  | { readonly ok: true; readonly granted: readonly number[] }
  | {
      readonly ok: false
      /** Which draw is not there. */
      readonly at: number
      /** Milliseconds after which it would be, if nobody else drew. */
      readonly waitMs: number
    }

/** Where processes keep the budgets they share. What does not answer in `SHARED_ANSWER_MS` counts as away. */
export type SharedBudgets = {
  /** One step, whoever else draws. Rejects when it cannot be said in time. */
  draw(draws: readonly Draw[]): Promise<Drawn>
  /** Says that this process is one of them, and resolves with how many there are. Rejects when away. */
  attend(): Promise<number>
  /** Takes leave of the others. */
  close(): Promise<void>
}

/** How long one of them may take to answer, in milliseconds: a call may wait for it. */
export const SHARED_ANSWER_MS = 100

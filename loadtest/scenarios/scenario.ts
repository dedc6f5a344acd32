/**
 * One kind of load, written once for both drivers: k6 and Node. A visit yields what it asks and is handed
 * what came back, so that a driver may wait as it likes. Nothing here imports what only one of them has.
 */

/** One HTTP request. */
export type Ask = {
  /** What it is counted as. */
  readonly name: string
  readonly method: 'GET' | 'POST' | 'DELETE'
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string
  /** Whether the answer is the right one; a refusal may be HTTP 200, so a status alone does not say. */
  readonly isGood: (got: Got) => boolean
}

/** Its answer. */
export type Got = {
  /** 0 when there was none. */
  readonly status: number
  readonly body: string
  /** @param name In lower case. */
  readonly header: (name: string) => string | undefined
}

export type Visit = Generator<Ask, void, Got>

/** What a load is aimed at. Lists may be long: they are read an element at a time. */
export type World = {
  /** The MCP endpoint. */
  readonly url: string
  /** Access tokens for it; that at `n` is of the client `CALLER` + n. */
  readonly tokens: { readonly length: number; readonly [at: number]: string }
  /** `Authorization` of OAuth clients at the token endpoint (RFC 6749 §2.3.1). */
  readonly clients: { readonly length: number; readonly [at: number]: string }
  /** Legacy sessions that are open, each as `TOKEN SESSION`; none but for scenarios that hold some. */
  readonly sessions: { readonly length: number; readonly [at: number]: string }
  /** A tool that all may call, and its arguments as JSON. */
  readonly tool: string
  readonly arguments: string
  /** Initial access token for the registration endpoint (RFC 7591 §3). */
  readonly registrationToken: string
  /** Origin of the operators' port, and the admin credential. */
  readonly ops: string
  readonly adminToken: string
}

/** How callers are named, before their number. */
export const CALLER = 'caller-'

export type Scenario = {
  readonly name: string
  /** One line for people. */
  readonly about: string
  /** Visits that begin in a second, whether or not earlier ones have ended. */
  readonly perSecond: number
  readonly seconds: number
  /** Event streams that are open meanwhile; only the Node driver opens them. */
  readonly streams?: number
  /** Legacy sessions that are open meanwhile, each of another caller. */
  readonly sessions?: number
  /** What 95 and 99 % of the answers must stay under, in milliseconds: loose, for machines with neighbours. */
  readonly p95Ms: number
  readonly p99Ms: number
  /** @param turn Counts visits from 0. */
  visit(turn: number, world: World): Visit
}

/** Share of answers that must be the right ones, in every scenario. */
export const GOOD_SHARE = 0.999

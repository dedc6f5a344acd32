/** The fixed figures of the bench, in one place, each with its reason. */

/**
 * Places in the list of allowed cores. The proxy under test has one core to itself; everything that makes
 * or answers load shares another.
 */
export const PROXY_CORE = 1
/** The core of generator, stub and the bench itself. */
export const LOAD_CORE = 0

/** Keep-alive connections of the load, as busy clients hold them; the pool upstream has as many. */
export const CONNECTIONS = 64

/** Different tokens in turn, so that a cache of one token gains nothing. */
export const TOKENS = 1000

/** Text length, within a byte, of an RS256 access token with the claims of RFC 9068 and a few scopes. */
export const TOKEN_BYTES = 788

/** Rules in Gatehouse's policy. */
export const POLICY_RULES = 200

/** Rate of the latency runs, and the one used where a proxy or the machine cannot hold it. */
export const RATE_PER_SECOND = 2000
/** Taken where 2,000/s is not held: a quarter, which every variant holds on one core. */
export const FALLBACK_RATE_PER_SECOND = 500

/** Rate at which the garbage collector is watched. */
export const GARBAGE_RATE_PER_SECOND = 5000

/** Event streams held open at once. */
export const IDLE_STREAMS = 2000

/**
 * Where the stubs and variants listen: fixed, so that a `--peer` can be configured beforehand, and below
 * the range from which Linux takes ports for outgoing connections.
 */
export const PORTS = {
  stub: 29_100,
  streamStub: 29_101,
  firstVariant: 29_110,
} as const

/** How long a started program may take to accept connections, and to end after SIGTERM. */
export const START_TIMEOUT_MS = 15_000
/** After SIGTERM; then SIGKILL. Nothing measured here has anything to finish. */
export const STOP_TIMEOUT_MS = 4000

/** How long each part of a run takes. Together a full run takes some six minutes. */
export type Durations = {
  readonly rounds: number
  /** One closed-loop round of one variant; whole seconds, since wrk knows no others. */
  readonly closedSeconds: number
  /** One open-loop round of one variant, of which the first `openWarmupSeconds` do not count. */
  readonly openSeconds: number
  readonly openWarmupSeconds: number
  readonly latencyRounds: number
  readonly garbageSeconds: number
  /** New tokens verified per round of the cold-token measurement. */
  readonly coldTokens: number
  readonly coldRounds: number
}

/** A full run, for figures to be kept. */
export const FULL: Durations = {
  rounds: 7,
  closedSeconds: 2,
  openSeconds: 1.6,
  openWarmupSeconds: 0.4,
  latencyRounds: 5,
  garbageSeconds: 8,
  coldTokens: 2000,
  coldRounds: 5,
}

/** For trying the bench itself; its figures are not to be quoted. */
export const QUICK: Durations = {
  rounds: 3,
  closedSeconds: 1,
  openSeconds: 1.2,
  openWarmupSeconds: 0.3,
  latencyRounds: 3,
  garbageSeconds: 3,
  coldTokens: 1000,
  coldRounds: 3,
}

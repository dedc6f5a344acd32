/** The fixed figures of `make bench-tokens`, each with its reason. */

/** Agents that get tokens: what the authorization server is built for. */
export const AGENTS = 1_000

/** Token requests of each in a minute: a token of five minutes, fetched anew for every server and restart. */
export const REQUESTS_PER_MINUTE = 10

/** All of them together, for every second. */
export const TOKENS_PER_SECOND = (AGENTS * REQUESTS_PER_MINUTE) / 60

/** One process should have ten times that in it (RFC 9068 tokens, ES256). */
export const HEADROOM = 10

/** Registrations beside the calls of others: a fleet that starts all at once. */
export const REGISTRATIONS_PER_SECOND = 500

/** Calls whose latency is watched meanwhile; what one core holds beside the registrations. */
export const CALLS_PER_SECOND = 200

/** What registrations may add to the p99 of those calls, milliseconds. */
export const MAX_ADDED_P99_MS = 5

/** At once, while the agents of the bench register. */
export const REGISTERING_AT_ONCE = 20

/** Connections of the token requests: agents do not share theirs. */
export const TOKEN_CONNECTIONS = 64

/** Connections of the registrations. */
export const REGISTRATION_CONNECTIONS = 32

/** Share of requests that must be answered as wanted for a rate to count as held. */
export const HELD_SHARE = 0.99

/** How long each part takes, seconds; together with the start a full run is below two minutes. */
export type Durations = {
  readonly warmupSeconds: number
  /** At the rate of the agents. */
  readonly steadySeconds: number
  /** As many tokens as there are. */
  readonly fullSeconds: number
  /** Calls alone, then calls beside registrations, so often. */
  readonly pairs: number
  readonly pairSeconds: number
}

export const FULL: Durations = {
  warmupSeconds: 2,
  steadySeconds: 20,
  fullSeconds: 8,
  pairs: 4,
  pairSeconds: 6,
}

/** For trying the bench itself. */
export const QUICK: Durations = {
  warmupSeconds: 1,
  steadySeconds: 4,
  fullSeconds: 2,
  pairs: 2,
  pairSeconds: 2.5,
}

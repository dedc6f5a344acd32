import type { StepUpTerms } from './terms.ts'

/**
 * Every way the gateway says no, in one table. `status` is the HTTP status when there is no judged
 * call to answer; `rpc` the JSON-RPC code; `judged` means: once a call has been read and judged, it is
 * refused with HTTP 200 and that code, because stock clients take a 4xx on a POST for a broken
 * transport. Codes of our own are positive, outside the range JSON-RPC and MCP reserve.
 * `docs/errors.md` lists them for operators; a test compares.
 */
export const REFUSALS = {
  bad_target: { status: 400, rpc: -32600, text: 'Bad request target' },
  bad_header: { status: 400, rpc: -32600, text: 'Bad request header' },
  head_too_large: { status: 431, rpc: -32600, text: 'Too many request headers' },
  bad_credential: { status: 400, rpc: 1000, text: 'More than one credential, or a malformed one' },
  not_found: { status: 404, rpc: 1000, text: 'Not found' },
  session_unknown: { status: 404, rpc: 1000, text: 'Session not found' },
  method_not_allowed: { status: 405, rpc: -32600, text: 'Method not allowed' },
  upgrade_required: { status: 426, rpc: -32600, text: 'This server is served by WebSocket' },
  misdirected: { status: 421, rpc: 1000, text: 'This host is not served here' },
  origin_forbidden: { status: 403, rpc: 1000, text: 'Origin not allowed' },
  http_version: { status: 505, rpc: -32600, text: 'HTTP/1.1 required' },
  unauthenticated: { status: 401, rpc: 1000, text: 'Authentication required' },
  invalid_token: { status: 401, rpc: 1000, text: 'The access token is not valid here' },
  bad_proof: { status: 401, rpc: 1000, text: 'The DPoP proof is not valid here' },
  insufficient_scope: { status: 403, rpc: 1001, text: 'Insufficient scope' },
  insufficient_user_authentication: { status: 401, rpc: 1001, text: 'Sign in anew for this' },
  unsupported_media_type: {
    status: 415,
    rpc: -32600,
    text: 'Content-Type must be application/json',
  },
  too_large: { status: 413, rpc: -32600, text: 'Request body too large' },
  body_broken_off: { status: 400, rpc: -32600, text: 'The request body broke off' },
  parse_error: { status: 400, rpc: -32700, text: 'Parse error' },
  invalid_request: { status: 400, rpc: -32600, text: 'Invalid request' },
  invalid_params: { status: 400, rpc: -32602, text: 'Invalid params' },
  header_mismatch: { status: 400, rpc: -32020, text: 'Headers and body disagree' },
  unsupported_version: { status: 400, rpc: -32022, text: 'Unsupported protocol version' },
  no_initialize: { status: 404, rpc: -32601, text: 'This server has no initialize' },
  unknown_method: { status: 404, rpc: -32601, text: 'Method not found' },
  unknown_name: { status: 400, rpc: -32602, text: 'Unknown name', judged: true },
  state_unknown: { status: 400, rpc: -32602, text: 'Unknown requestState', judged: true },
  policy_denied: { status: 403, rpc: 1001, text: 'Denied by policy', judged: true },
  state_unavailable: {
    status: 503,
    rpc: 1003,
    text: 'What this call depends on cannot be looked up right now',
    judged: true,
  },
  rate_limited: { status: 429, rpc: 1002, text: 'Too many requests' },
  over_budget: { status: 429, rpc: 1002, text: 'Too many calls in a short time', judged: true },
  upstream_unavailable: {
    status: 502,
    rpc: 1003,
    text: 'The server is not available',
    judged: true,
  },
  upstream_timeout: {
    status: 504,
    rpc: 1003,
    text: 'The server did not answer in time',
    judged: true,
  },
  credential_missing: {
    status: 502,
    rpc: 1004,
    text: 'The credential for this server is missing',
    judged: true,
  },
  credential_unavailable: {
    status: 503,
    rpc: 1003,
    text: 'The credential for this server cannot be had right now',
    judged: true,
  },
  approval_required: { status: 403, rpc: 1005, text: 'Approval required', judged: true },
  keys_unavailable: { status: 503, rpc: 1000, text: 'Tokens cannot be verified right now' },
  audit_unavailable: { status: 503, rpc: 1000, text: 'The decision cannot be recorded right now' },
  overloaded: { status: 503, rpc: 1000, text: 'Overloaded' },
  shutting_down: { status: 503, rpc: 1000, text: 'Shutting down' },
  internal: { status: 500, rpc: -32603, text: 'Internal error' },
} as const satisfies Record<string, RefusalRow>

export type RefusalRow = {
  readonly status: number
  readonly rpc: number
  readonly text: string
  readonly judged?: true
}

export type RefusalCode = keyof typeof REFUSALS

export type RefusalExtra = {
  /** For audit and operators; must not hold a secret. Never sent. */
  readonly detail?: string
  /** What the caller reads instead of the table's text. */
  readonly message?: string
  /** JSON-RPC `error.data`. */
  readonly data?: Readonly<Record<string, unknown>>
  /** All scopes the operation needs, for `insufficient_scope` and what else is answered with a challenge. */
  readonly scopes?: readonly string[]
  /** How the person has to sign in, for `insufficient_user_authentication`. */
  readonly stepUp?: StepUpTerms
  readonly retryAfterSeconds?: number
  /** What a person can open to mend it; told in the caller's era. */
  readonly link?: { readonly url: string; readonly message: string; readonly purpose: string }
  /** The JSON-RPC id of the frame as its bytes read, when it could be read but no call came of it. */
  readonly id?: string
  /** Overrides the JSON-RPC code of the table (a legacy resource that is not found is -32002). */
  readonly rpc?: number
  /**
   * Of an array of messages: the requests in it that are refused themselves, by id as its bytes read.
   * Its other requests are told that they were not sent.
   */
  readonly each?: ReadonlyMap<string, Refusal>
  readonly cause?: unknown
}

/** A no. Steps throw it, `pipeline/refuse.ts` turns it into an answer, nothing in between reads it. */
export class Refusal extends Error {
  override readonly name = 'Refusal'
  readonly code: RefusalCode
  readonly extra: RefusalExtra

  constructor(code: RefusalCode, extra: RefusalExtra = {}) {
    super(extra.message ?? REFUSALS[code].text, { cause: extra.cause })
    this.code = code
    this.extra = extra
  }
}

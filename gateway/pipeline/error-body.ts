/** A refusal in the words of JSON-RPC, and of OAuth where no message was read. */
import { type Refusal, REFUSALS } from '../model/refusal.ts'

/**
 * The JSON-RPC error that tells a refusal.
 *
 * @param id Echoed as its bytes read; an error whose id is unknown has none (MCP 2025-11-25 schema).
 */
export function errorBody(refusal: Refusal, id: string | undefined): string {
  const { message, extra } = refusal
  const data = dataOf(extra.data, extra.retryAfterSeconds)
  const error = JSON.stringify({
    code: rpcOf(refusal),
    message,
    ...(data === undefined ? {} : { data }),
  })
  return `{"jsonrpc":"2.0"${id === undefined ? '' : `,"id":${id}`},"error":${error}}`
}

/**
 * What a 401 says: the token is the matter and no message was read, so nobody may take this for the
 * answer to one. The members are those of OAuth errors (RFC 6750 §3), as MCP servers send them.
 */
export function oauthBody({ code, message }: Refusal): string {
  const error = code === 'insufficient_user_authentication' ? code : 'invalid_token'
  return JSON.stringify({ error, error_description: message })
}

/** The code of the JSON-RPC error: that of its row in `docs/errors.md`, but for the few that say another. */
export function rpcOf({ code, extra }: Refusal): number {
  return extra.rpc ?? REFUSALS[code].rpc
}

function dataOf(
  data: Readonly<Record<string, unknown>> | undefined,
  retryAfterSeconds: number | undefined,
): Readonly<Record<string, unknown>> | undefined {
  if (retryAfterSeconds === undefined) return data
  return { ...data, retryAfterSeconds: Math.ceil(retryAfterSeconds) }
}

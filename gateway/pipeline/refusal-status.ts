/** The HTTP status of a refusal, and the methods that are allowed instead: clients of each era read them differently. */
import { LEGACY_VERSIONS } from '../mcp/spoken.ts'
import { MODERN_VERSIONS } from '../mcp/versions.ts'
import type { Call } from '../model/call.ts'
import { type Refusal, REFUSALS } from '../model/refusal.ts'
import type { Visit } from './visit.ts'

/** What of a visit the status depends on. */
export type Answered = Pick<Visit, 'head' | 'server' | 'batch' | 'side'>

/**
 * Once a request has been judged, stock clients need HTTP 200 to read the error: they take a 4xx on a
 * POST for a broken transport. A modern client reads 404 for an unknown method, as its revision says.
 */
export function statusOf(
  { code, extra }: Refusal,
  call: Call | undefined,
  visit: Answered,
): number {
  const row = REFUSALS[code]
  const batched = isBatched(visit)
  // Its requests are answered one by one, each with what is wrong with it.
  if (batched && extra.each !== undefined && !('judged' in row)) return 200
  if (code === 'unknown_method' && !isModern(visit)) {
    // A notification has no id to answer, and a 404 would tell a legacy client that its session ended.
    return extra.id === undefined ? REFUSALS.invalid_request.status : 200
  }
  // A 429 makes a client that tries the modern era first take the server for a legacy one.
  const isLimit = code === 'rate_limited' || (code === 'over_budget' && call?.kind !== 'request')
  if (isLimit && triesModern(visit)) return REFUSALS.overloaded.status
  const readable = (batched || call?.kind === 'request') && 'judged' in row
  // So does an error in place of what the server speaks; an HTTP status says that it could not be asked.
  if (!readable || call?.method === 'server/discover') return row.status
  const plain = visit.server?.refusals === 'http' && code !== 'unknown_name'
  return plain ? row.status : 200
}

/** The value of `Allow`. An HTTP+SSE server takes a POST only where it says on its stream. */
export function methodsOf(visit: Answered): string {
  if (visit.side !== undefined) return [...visit.side.methods].join(', ')
  if (visit.server?.upstream.transport === 'sse') return 'GET, OPTIONS'
  return isModern(visit) ? 'POST, OPTIONS' : 'POST, GET, DELETE, OPTIONS'
}

/** Under a modern version, or one that is not known yet: a client may begin with what it likes best. */
function triesModern(visit: Answered): boolean {
  const version = visit.head?.protocolVersion
  return version !== undefined && !LEGACY_VERSIONS.includes(version)
}

function isModern(visit: Answered): boolean {
  return MODERN_VERSIONS.includes(visit.head?.protocolVersion ?? '')
}

/** Whether it is an array of messages with requests in it, which are then answered with an array. */
export function isBatched({ batch }: Answered): boolean {
  return batch !== undefined && batch.length > 0
}

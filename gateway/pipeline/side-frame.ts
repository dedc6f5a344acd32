/** Step 4 for a part of a server that is not MCP: what the request line asks for. */
import type { Call } from '../model/call.ts'
import { Refusal } from '../model/refusal.ts'
import type { SideRoute } from '../model/server.ts'
import type { Frame } from './frame.ts'
import type { Seated } from './visit.ts'

/** Methods of HTTP whose requests have content; what others carry is thrown away. */
const BODY_METHODS: ReadonlySet<string> = new Set(['POST', 'PUT', 'PATCH'])

/**
 * Characters of a path that every reader takes for themselves (RFC 3986 §3.3): no escapes, and no `;`,
 * which some take for the end of a segment.
 */
const PLAIN_PATH = /^[A-Za-z0-9._~!$&'()*+,=:@/-]+$/

/** What is printable, but for `"`, `#` and `\`. */
const PLAIN_QUERY = /^[\x21\x24-\x5b\x5d-\x7e]*$/

/** Tokens in a query are not looked at here, so they must not go up either (RFC 6750 §2.3). */
const TOKEN_IN_QUERY = /(^|&)access_token(=|&|$)/i

/** Whether the body of a visit belongs to what it asks. */
export function hasBody({ httpMethod, side }: Pick<Seated, 'httpMethod' | 'side'>): boolean {
  if (side === undefined) return httpMethod === 'POST'
  return side.methods.has(httpMethod) && BODY_METHODS.has(httpMethod)
}

/** @throws {Refusal} `method_not_allowed`, `bad_target`. */
export function sideFrame(seat: Seated, { methods, policyMethod }: SideRoute): Frame {
  if (!methods.has(seat.httpMethod)) throw new Refusal('method_not_allowed')
  const { path, query } = splitTarget(seat.target)
  if (!PLAIN_PATH.test(path) || !PLAIN_QUERY.test(query) || TOKEN_IN_QUERY.test(query)) {
    throw new Refusal('bad_target')
  }
  const call: Call = {
    direction: 'up',
    kind: 'route',
    era: 'legacy',
    version: '',
    method: policyMethod,
    needs: 'method',
    targets: [{ kind: 'resource', name: new URL(path, seat.server.resource).href }],
    id: undefined,
    arguments: undefined,
    spans: {},
  }
  return { seat, direction: 'up', content: { kind: 'side', call } }
}

/** Path and query, without the `?` between them. */
export function splitTarget(target: string): { readonly path: string; readonly query: string } {
  const at = target.indexOf('?')
  if (at === -1) return { path: target, query: '' }
  return { path: target.slice(0, at), query: target.slice(at + 1) }
}

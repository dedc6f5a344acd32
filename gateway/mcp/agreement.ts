/**
 * Whether the headers that mirror a modern body agree with it (SEP-2243; 2026-07-28 transports, "Server
 * Validation"). Whoever reads the body must check, since others on the way may act on the headers. The
 * version header is checked in `era.ts`, where the version is decided.
 */
import type { Call } from '../model/call.ts'
import type { Message } from './message.ts'
import { type Asks, findMethod } from './methods.ts'
import { decodeMirrored } from './sentinel.ts'

/** What is asked for one at a time and by name, so that `Mcp-Name` can mirror it. */
const NAMED: ReadonlySet<Asks> = new Set(['tool', 'prompt', 'resource', 'task'])

/** Whether this modern call must have an `Mcp-Name`, which then has been compared with its body. */
export function mirrorsName({ kind, method }: Pick<Call, 'kind' | 'method'>): boolean {
  const row = kind === 'request' ? findMethod(method, 'up', 'modern') : undefined
  return row !== undefined && NAMED.has(row.asks)
}

/**
 * What disagrees about `Mcp-Method`; undefined when nothing does. Requests must have it; on a
 * notification the specification leaves it open, so there it must only not lie.
 */
export function methodDisagreement(
  message: Message,
  header: string | undefined,
): string | undefined {
  if (header === undefined) {
    return message.kind === 'request' ? 'Mcp-Method is missing' : undefined
  }
  return header === message.method ? undefined : 'Mcp-Method does not match the method'
}

/**
 * What disagrees about `Mcp-Name` of a request with these targets; undefined when nothing does. Methods
 * that ask for one thing by name, URI or task id must mirror it; on others the header has no meaning.
 */
export function nameDisagreement(
  asks: Asks,
  targets: Call['targets'],
  header: string | undefined,
): string | undefined {
  if (!NAMED.has(asks)) return undefined
  if (header === undefined) return 'Mcp-Name is missing'
  const named = decodeMirrored(header)
  if (named === undefined) return 'Mcp-Name is not a valid encoding'
  return named === targets[0]?.name ? undefined : 'Mcp-Name does not match the body'
}

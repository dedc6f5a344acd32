/**
 * A server may ask its client for what the client said it can do, and no more (MCP lifecycle; 2026-07-28
 * "Multi Round-Trip Requests"). What it said is in `initialize`, which a session's handle remembers, or in
 * the request itself. Where neither is at hand, as on a stream of a server without sessions and over
 * HTTP+SSE, policy alone decides.
 */
import type { Asking } from '../mcp/capabilities.ts'
import { isDeclared, sendsAstray } from '../mcp/capabilities.ts'
import type { JourneyCall } from '../model/journey.ts'
import { Refusal } from '../model/refusal.ts'
import type { Frame } from './frame.ts'

/** Keeps what a message of the client says that it can be asked. */
export function noteDeclared({ content, seat }: Frame): void {
  if (content.kind !== 'message') return
  const { method, params } = content.message
  const declared =
    method === 'initialize' ? (params?.capabilities ?? []) : params?.meta?.clientCapabilities
  if (declared !== undefined) seat.declared = declared
}

/** @throws {Refusal} `policy_denied` for a request of the server that its client did not say it takes. */
export function refuseUndeclared({ content, seat }: Frame, entry: JourneyCall): void {
  const declared = seat.declared ?? seat.session?.declared
  if (declared === undefined || entry.call.kind !== 'request') return
  const { method, mode } = askingOf(content, entry)
  if (isDeclared({ method, mode }, declared)) return
  entry.reason = 'undeclared'
  const message = `The server asks its client for ${method}, which the client has not declared`
  throw new Refusal('policy_denied', { message, detail: `undeclared ${method}` })
}

/**
 * No rule can allow this: what a person is asked to open must be a page of the web.
 *
 * @throws {Refusal} `policy_denied`.
 */
export function refuseAstray({ content }: Frame, entry: JourneyCall): void {
  if (entry.call.kind !== 'request' || !sendsAstray(askingOf(content, entry))) return
  entry.reason = 'unsafe_url'
  const message = 'The server asks its client to open what is no web address'
  throw new Refusal('policy_denied', { message, detail: 'elicitation with an unsafe URL' })
}

function askingOf(content: Frame['content'], { call: { method } }: JourneyCall): Asking {
  if (content.kind === 'input') return content
  const params = content.kind === 'message' ? content.message.params : undefined
  return { method, mode: params?.mode, url: params?.url }
}

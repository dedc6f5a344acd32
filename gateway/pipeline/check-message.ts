import type { Message } from '../mcp/message.ts'
import { MODERN_VERSIONS, SUPPORTED_VERSIONS } from '../mcp/versions.ts'
import type { RefusalCode } from '../model/refusal.ts'
import { Refusal } from '../model/refusal.ts'
import type { Asked } from './asked.ts'

/** Why a WebSocket takes nothing new from its client. */
export type Closing = Extract<RefusalCode, 'shutting_down' | 'invalid_token'>

/** What a WebSocket remembers of both sides. */
export type Memory = {
  /** Requests of the client that the server has not answered. */
  readonly ofServer: Pick<Asked<unknown>, 'has'>
  /** Requests of the server that the client has not answered. */
  readonly ofClient: Pick<Asked<unknown>, 'has'>
  readonly closing: Closing | undefined
}

/**
 * What the memory of a WebSocket forbids its client to say, before policy is asked. Only legacy revisions
 * are spoken there: the modern one puts headers beside each message, which a frame has none of.
 *
 * @throws {Refusal} `shutting_down` for requests, `invalid_token` for anything, `unsupported_version`, and
 *   `invalid_request` for an id in use or an answer to nothing that was asked.
 */
export function checkMessage({ kind, id, params }: Message, memory: Memory): void {
  const { ofServer, ofClient, closing } = memory
  if (closing === 'invalid_token' || (closing !== undefined && kind === 'request')) {
    throw new Refusal(closing)
  }
  const claimed = params?.meta?.protocolVersion
  if (claimed !== undefined && MODERN_VERSIONS.includes(claimed)) {
    const supported = SUPPORTED_VERSIONS.filter((known) => !MODERN_VERSIONS.includes(known))
    throw new Refusal('unsupported_version', { data: { supported, requested: claimed } })
  }
  if (kind === 'request' && id !== undefined && ofServer.has(id.text)) {
    throw new Refusal('invalid_request', { message: 'The id is in use by another request' })
  }
  if (kind === 'response' && (id === undefined || !ofClient.has(id.text))) {
    throw new Refusal('invalid_request', { detail: 'an answer to what was not asked' })
  }
}
